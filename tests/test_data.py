"""``load_mnist``: every source in its order, every kind of damage with its message."""

import gzip
import hashlib
import http.server
import shutil
import struct
import threading
from functools import partial

import numpy as np
import pytest

from vae_helpers import DataError, data, load_mnist


@pytest.fixture
def folder(small_folder, tmp_path):
    """A copy of the small data folder to damage."""
    return shutil.copytree(small_folder, tmp_path / "digits")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, no $VAE_COURSE_DATA, and the checksums of the small folder in place of MNIST's."""
    monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def mirror(small_folder, monkeypatch):
    """Start local mirrors by the folders they serve; their addresses replace the real ones."""
    for key, name in data.FILES.items():
        monkeypatch.setitem(data.SHA256, key, hashlib.sha256((small_folder / name).read_bytes()).hexdigest())
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    def start(*folders):
        for folder in folders:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
        monkeypatch.setattr(data, "MIRRORS", [f"http://127.0.0.1:{server.server_port}/" for server in servers])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def replace(path, content):
    path.write_bytes(gzip.compress(content))


def test_folder_given_is_read_whole(small_folder, capsys):
    digits, offline = load_mnist(small_folder), load_mnist(offline=True)
    for key in data.FILES:
        np.testing.assert_array_equal(getattr(digits, key), getattr(offline, key))
    assert digits.name == "small digits"
    assert "small digits: 1,500 training and 297 test images" in capsys.readouterr().out


def test_real_mnist_is_recognised_and_whole(digits):
    if digits.name != "MNIST":
        pytest.skip("MNIST is not at hand")
    assert digits.train_images.shape == (60_000, 28, 28) and digits.test_images.shape == (10_000, 28, 28)
    assert digits.train_labels[:5].tolist() == [5, 0, 4, 1, 9] and digits.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert digits.train_images.mean() / 255 == pytest.approx(0.13066, abs=1e-5)


def test_folder_goes_before_environment_before_cache(small_folder, tmp_path, monkeypatch, cache, mirror):
    mirror(small_folder)
    other = shutil.copytree(small_folder, tmp_path / "other")
    monkeypatch.setenv("VAE_COURSE_DATA", str(other))
    assert load_mnist(small_folder).name == "small digits"
    assert load_mnist().name == "other"
    monkeypatch.delenv("VAE_COURSE_DATA")
    assert load_mnist().name == "cache"
    unpacked = [name.removesuffix(".gz") for name in data.FILES.values()]
    assert sorted(path.name for path in cache.iterdir()) == sorted([*unpacked, *data.FILES.values()])


def test_cache_is_used_without_a_mirror(small_folder, cache, mirror, monkeypatch):
    mirror(small_folder)
    load_mnist()
    monkeypatch.setattr(data, "MIRRORS", ["http://127.0.0.1:9/"])
    assert load_mnist().name == "cache"


def test_second_mirror_serves_when_the_first_has_nothing(small_folder, tmp_path, cache, mirror):
    (tmp_path / "empty").mkdir()
    mirror(tmp_path / "empty", small_folder)
    assert len(load_mnist().train_images) == 1500


def test_second_mirror_serves_when_the_first_sends_wrong_bytes(small_folder, folder, cache, mirror):
    (folder / data.FILES["train_images"]).write_bytes(b"<html>please log in</html>")
    mirror(folder, small_folder)
    assert len(load_mnist().train_images) == 1500


def test_wrong_checksum_everywhere_is_an_error_and_leaves_no_file(folder, cache, mirror):
    name = data.FILES["train_images"]
    (folder / name).write_bytes(b"<html>please log in</html>")
    mirror(folder)
    with pytest.raises(DataError, match=f"{name}: expected a file with SHA-256 [0-9a-f]{{64}}, found other bytes"):
        load_mnist()
    assert list(cache.iterdir()) == []


def test_no_mirror_falls_back_and_says_why(cache, monkeypatch, capsys):
    monkeypatch.setattr(data, "MIRRORS", ["http://127.0.0.1:9/"])
    assert load_mnist().name == "offline digits"
    said = capsys.readouterr().out
    assert "Not MNIST: no mirror could be reached" in said and "set VAE_COURSE_DATA" in said


def test_offline_digits_are_real_and_reproducible():
    digits = load_mnist(offline=True)
    assert digits.train_images.shape == (1500, 28, 28) and digits.test_images.shape == (297, 28, 28)
    assert digits.train_images.dtype == np.uint8 and set(digits.test_labels) == set(range(10))
    assert digits.train_images.max() == 255 and digits.train_images[:, :4].max() == 0


def damage_missing(path):
    path.unlink()


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:-20])


def damage_not_gzip(path):
    path.write_bytes(b"not a gzip file at all")


def damage_flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def damage_magic(path):
    replace(path, struct.pack(">I", 1234) + gzip.decompress(path.read_bytes())[4:])


def damage_header(path):
    replace(path, b"\x00\x00")


def damage_short(path):
    replace(path, gzip.decompress(path.read_bytes())[:-10])


@pytest.mark.parametrize("key", data.FILES)
@pytest.mark.parametrize(
    "damage, found",
    [
        (damage_missing, "found none"),
        (damage_truncated, "found a damaged one"),
        (damage_not_gzip, "found a damaged one"),
        (damage_flipped, "found a damaged one"),
        (damage_magic, "found 1234"),
        (damage_header, "magic number"),
        (damage_short, r"found [\d,]+\."),
    ],
)
def test_damage_is_named(folder, key, damage, found):
    path = folder / data.FILES[key]
    damage(path)
    with pytest.raises(DataError, match=found) as error:
        load_mnist(folder)
    message = str(error.value)
    assert str(path) in message and "expected" in message and ("copy" in message.lower())


def test_counts_that_differ_are_named(folder):
    path = folder / data.FILES["test_labels"]
    replace(path, struct.pack(">II", 2049, 10) + bytes(10))
    with pytest.raises(DataError, match="expected 297 labels.*found 10"):
        load_mnist(folder)


def test_images_of_another_size_are_named(folder):
    replace(folder / data.FILES["test_images"], struct.pack(">IIII", 2051, 2, 8, 8) + bytes(128))
    with pytest.raises(DataError, match="28 × 28 pixels, found 8 × 8"):
        load_mnist(folder)


def test_labels_beyond_nine_are_named(folder):
    replace(folder / data.FILES["test_labels"], struct.pack(">II", 2049, 297) + bytes([11] * 297))
    with pytest.raises(DataError, match="labels from 0 to 9, found 11"):
        load_mnist(folder)
