"""Whatever a network, a disk or a crash does to the data: the right ones, others by name, or an error.

| fault                                               | what the learner sees                 | what is kept          |
| --------------------------------------------------- | ------------------------------------- | --------------------- |
| one mirror, first or second: 404, 500, wrong bytes, | MNIST from the other one              | the cache, whole      |
| a shorter file, a ``Content-Length`` too long or    |                                       |                       |
| too short, a stall, silence, a reset, a redirect    |                                       |                       |
| loop, a drip                                        |                                       |                       |
| such faults in both, wrong bytes among them         | ``DataError``: the SHA-256 expected   | no file in the cache  |
|                                                     | and found, what to try                |                       |
| such faults in both, no wrong bytes; a proxy that   | the offline digits, and each mirror's | no file in the cache  |
| no one can use                                      | reason                                |                       |
| kill -9 in a download or while unpacking, 50 times  | the next load is right                | the files that were   |
|                                                     |                                       | whole; the half one   |
|                                                     |                                       | is deleted an hour    |
|                                                     |                                       | later                 |
| eight processes and one empty cache                 | all load                              | one whole file of     |
|                                                     |                                       | each                  |
| a read-only cache, filled                           | the data                              | the cache as it was   |
| a read-only cache, empty; a full disk; a file where | the offline digits, and the reason    | the disk as it was    |
| the cache should be; a path too long for the disk   |                                       |                       |
| a disk with room for the ``.gz`` files only         | the data                              | the ``.gz`` files     |
| a cached or unpacked file that was damaged          | the data                              | a whole file instead  |
| blanks and letters of any script in a path          | the data                              |                       |
| a damaged file in a folder: 10,000 of them          | the right data or ``DataError``       | the folder as it was  |
| a file that swells to gigabytes                     | ``DataError``                         | memory                |

The loads run in processes of their own, forked from one that has imported what they need.
"""

import gzip
import hashlib
import http.server
import io
import json
import mmap
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zlib
from contextlib import contextmanager, redirect_stdout

import numpy as np
import pytest
from conftest import write_folder

from vae_helpers import DataError, Digits, data, load_mnist

PIECES = 7  # in which a file is sent or unpacked where a process is to be killed
KILLS = 25  # in downloads, and as many while unpacking
LIMITS, TOO_LONG = (3, 5), 15  # seconds: what the learner waits for silence and for a file; how long a mirror is mute
NOBODY = "http://127.0.0.1:1/"  # a mirror that cannot be reached
LOADER = """
import contextlib, hashlib, io, json, os, signal, sys, time
import PIL.Image, pooch, requests, sklearn.datasets, urllib3
from vae_helpers import data

small = sklearn.datasets.load_digits()
sklearn.datasets.load_digits = lambda: small  # read once, before the processes fork

def say(**news):
    os.write(1, (json.dumps({"id": job["id"], **news}) + "\\n").encode())

def copy_and_stop(packed, file):
    content = packed.read()
    for i in range(0, len(content), -(-len(content) // job["pieces"])):
        job["stop"] -= 1
        if job["stop"] == 0:
            file.flush()
            say(stopped=True)
            time.sleep(60)
        file.write(content[i : i + -(-len(content) // job["pieces"])])

def load():
    data.SHA256, data.MIRRORS, data.SILENCE, data.PATIENCE = job["sha256"], job["mirrors"], *job["limits"]
    pooch.os_cache = lambda name: job["cache"]
    if job["stop"]:
        data.shutil.copyfileobj = copy_and_stop
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            digits = data.load_mnist()
        sums = {key: hashlib.sha256(getattr(digits, key)).hexdigest() for key in data.FILES}
        say(end="loaded", name=digits.name, said=said.getvalue(), sums=sums)
    except BaseException as error:
        say(end=type(error).__name__, said=str(error))

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    job = json.loads(line)
    pid = os.fork()
    if pid == 0:
        load()
        os._exit(0)
    say(pid=pid)
"""


class Loads:
    """Calls of ``load_mnist`` in processes of their own."""

    def __init__(self, sha256, before=()):
        environment = {key: value for key, value in os.environ.items() if key != "VAE_COURSE_DATA"}
        command = [*before, sys.executable, "-c", LOADER]
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment)
        self.sha256, self.news = sha256, []

    def start(self, cache, mirrors=(NOBODY,), stop=0):
        """Begin a load from these mirrors by way of this cache; its number."""
        job = {"id": len(self.news), "cache": str(cache), "mirrors": list(mirrors), "stop": stop}
        job |= {"sha256": self.sha256, "limits": LIMITS, "pieces": PIECES}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.news.append({})
        return job["id"]

    def wait(self, number, for_what="end"):
        """What load ``number`` has said, once it has said this."""
        while for_what not in self.news[number]:
            line = self.process.stdout.readline()
            assert line, "the process that loads has died"
            news = json.loads(line)
            self.news[news["id"]] |= news
        return self.news[number]

    def kill(self, number):
        pid = self.wait(number, "pid")["pid"]
        os.kill(pid, signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.001)
        assert "end" not in self.news[number]


@contextmanager
def loading(sha256, before=()):
    if not hasattr(os, "fork"):
        pytest.skip("no process can be forked here")
    loads = Loads(sha256, before)
    yield loads
    loads.process.kill()
    loads.process.communicate()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A data folder of 60 training and 20 test images: {name: content}."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (80, 28, 28), np.uint8), rng.integers(0, 10, 80).astype(np.uint8)
    digits = Digits(images[:60], labels[:60], images[60:], labels[60:], "tiny")
    folder = write_folder(tmp_path_factory.mktemp("data") / "tiny", digits)
    return {name: (folder / name).read_bytes() for name in data.FILES.values()}


@pytest.fixture(scope="module")
def right(tiny):
    """The SHA-256 of each array."""
    content = {key: gzip.decompress(tiny[name]) for key, name in data.FILES.items()}
    return {key: hashlib.sha256(content[key][16 if "images" in key else 8 :]).hexdigest() for key in content}


@pytest.fixture(scope="module")
def sha256(tiny):
    return {key: hashlib.sha256(tiny[name]).hexdigest() for key, name in data.FILES.items()}


@pytest.fixture(scope="module")
def loads(sha256):
    with loading(sha256) as loads:
        yield loads


# The mirrors: one server, whose first folder says how it behaves.


def send(mirror, content, length=None):
    mirror.send_response(200)
    mirror.send_header("Content-Length", str(len(content) if length is None else length))
    mirror.end_headers()
    mirror.wfile.write(content)
    mirror.wfile.flush()


def stall(mirror, content):
    send(mirror, content[: len(content) // 2], len(content))
    mirror.server.over.wait(TOO_LONG)


def reset(mirror, content):
    send(mirror, content[: len(content) // 2], len(content))
    mirror.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    mirror.connection.close()


def redirect_loop(mirror, content):
    mirror.send_response(302)
    mirror.send_header("Location", mirror.path)
    mirror.send_header("Content-Length", "0")
    mirror.end_headers()


def drip(mirror, content):
    send(mirror, b"", len(content))
    for byte in content[: 5 * TOO_LONG]:
        mirror.wfile.write(bytes([byte]))
        mirror.server.over.wait(0.2)
    mirror.wfile.write(content[5 * TOO_LONG :])


FAULTS = {
    "404": lambda mirror, content: mirror.send_error(404),
    "500": lambda mirror, content: mirror.send_error(500),
    "wrong": lambda mirror, content: send(mirror, content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]),
    "shorter": lambda mirror, content: send(mirror, content[:-20]),
    "length-too-long": lambda mirror, content: send(mirror, content[:-20], len(content)),
    "length-too-short": lambda mirror, content: send(mirror, content, len(content) - 20),
    "stall": stall,
    "silence": lambda mirror, content: mirror.server.over.wait(TOO_LONG),
    "reset": reset,
    "loop": redirect_loop,
    "drip": drip,
}
WRONG_BYTES = {"wrong", "shorter", "length-too-short"}
REASONS = {"404": "HTTPError", "500": "HTTPError", "loop": "TooManyRedirects", "stall": "ReadTimeout"}
REASONS |= {"silence": "ReadTimeout", "drip": "Timeout"}  # what the learner reads; of the others, that there is one


@pytest.fixture(scope="module")
def server(tiny):
    """``server.mirror("404")`` is the address of a mirror; ``server.stopped[token]`` is set when it has stopped."""

    class Mirror(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            _, way, name = self.path.split("/")
            content = tiny[name]
            if way == "good":
                send(self, content)
            elif way in FAULTS:
                FAULTS[way](self, content)
            else:
                self.send_in_pieces(content, int(way))

        def send_in_pieces(self, content, stop):
            send(self, b"", len(content))
            size = -(-len(content) // PIECES)
            for start in range(0, len(content), size):
                self.server.sent += 1
                if self.server.sent == stop:
                    self.server.stopped.set()
                    self.server.over.wait()
                self.wfile.write(content[start : start + size])
                self.wfile.flush()

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except OSError:  # the other end has gone
                self.close_connection = True

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1000

    server = Server(("127.0.0.1", 0), Mirror)
    server.over, server.stopped = threading.Event(), threading.Event()
    server.mirror = lambda way: f"http://127.0.0.1:{server.server_port}/{way}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def assert_whole(cache, tiny, unpacked=True):
    """The cache holds the four files, unpacked too, and nothing else."""
    whole = dict(tiny)
    if unpacked:
        whole |= {name.removesuffix(".gz"): gzip.decompress(content) for name, content in tiny.items()}
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == whole


def fill(cache, tiny):
    cache.mkdir(parents=True)
    for name, content in tiny.items():
        (cache / name).write_bytes(content)
    return cache


def test_faulty_mirrors_in_every_order(loads, server, tiny, right, tmp_path):
    """All at the same time, for most of it is waiting."""
    ways = [*FAULTS, "good"]
    pairs = [(first, second) for first in ways for second in ways]
    started = {
        pair: loads.start(tmp_path / "-".join(pair) / "cache", [server.mirror(way) for way in pair]) for pair in pairs
    }
    for pair, number in started.items():
        found, cache = loads.wait(number), tmp_path / "-".join(pair) / "cache"
        if "good" in pair:
            assert (found["end"], found["sums"]) == ("loaded", right), pair
            assert_whole(cache, tiny)
            continue
        assert not any(cache.glob("*")), pair
        if WRONG_BYTES & set(pair):
            assert found["end"] == "DataError", pair
            wanted = "expected a file with SHA-256", "found other bytes", "offline=True"
        else:
            assert (found["end"], found["name"]) == ("loaded", data.OFFLINE), pair
            wanted = (
                "Not MNIST: no mirror could be reached",
                *(f"/{way}/: {REASONS.get(way, '')}" for way in pair),
                "VAE_COURSE_DATA",
            )
        assert all(words in found["said"] for words in wanted), (pair, found["said"])


@pytest.mark.parametrize("stop", range(1, KILLS + 1))
def test_killed_in_a_download(stop, loads, server, tiny, right, tmp_path):
    cache = tmp_path / "cache"
    server.sent = 0
    server.stopped.clear()
    number = loads.start(cache, [server.mirror(stop)])
    assert server.stopped.wait(20)
    loads.kill(number)
    half_written(cache)
    assert_next_load_is_right(loads, cache, [server.mirror("good")], tiny, right)


@pytest.mark.parametrize("stop", range(1, KILLS + 1))
def test_killed_while_unpacking(stop, loads, tiny, right, tmp_path):
    cache = fill(tmp_path / "cache", tiny)
    number = loads.start(cache, stop=stop)
    loads.wait(number, "stopped")
    loads.kill(number)
    half_written(cache)
    assert_next_load_is_right(loads, cache, [NOBODY], tiny, right)


def half_written(cache):
    """The file that the killed process was writing: no file of the data set has its name."""
    (path,) = set(cache.iterdir()) - {cache / name for name in [*data.FILES.values(), *unpacked_names()]}
    return path


def unpacked_names():
    return [name.removesuffix(".gz") for name in data.FILES.values()]


def assert_next_load_is_right(loads, cache, mirrors, tiny, right):
    assert loads.wait(loads.start(cache, mirrors))["sums"] == right
    rest = half_written(cache)  # it may be another process's that is still at work
    an_hour_ago = time.time() - data.STALE - 1
    os.utime(rest, (an_hour_ago, an_hour_ago))
    assert loads.wait(loads.start(cache))["sums"] == right
    assert_whole(cache, tiny)


def test_eight_processes_and_one_empty_cache(loads, server, tiny, right, tmp_path):
    numbers = [loads.start(tmp_path / "cache", [server.mirror("good")]) for _ in range(8)]
    assert [loads.wait(number)["sums"] for number in numbers] == 8 * [right]
    assert_whole(tmp_path / "cache", tiny)


@pytest.mark.parametrize("damage", ["missing", "empty", "flipped", "truncated"])
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_file_of_the_cache_is_replaced(packed, damage, loads, server, tiny, right, tmp_path):
    cache = tmp_path / "cache"
    loads.wait(loads.start(cache, [server.mirror("good")]))
    path = cache / (data.FILES["train_images"] if packed else unpacked_names()[0])
    content = bytearray(path.read_bytes())
    content[1000] ^= 4
    path.write_bytes({"flipped": content, "truncated": content[:-1], "empty": b""}.get(damage, b""))
    if damage == "missing":
        path.unlink()
    assert loads.wait(loads.start(cache, [server.mirror("good")]))["sums"] == right
    assert_whole(cache, tiny)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")


def as_mounted(sha256, cache, options):
    """A loader that alone sees the cache mounted so."""
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *who, "--mount", "sh", "-c", f'mount {options} "$0" && exec "$@"', str(cache)]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        assert "CI" not in os.environ, "mounts of its own are needed here"
        pytest.skip("no mounts of its own are allowed here")
    return loading(sha256, command)


@on_linux
def test_read_only_cache(sha256, server, tiny, right, tmp_path):
    full, empty = fill(tmp_path / "full", tiny), tmp_path / "empty"
    empty.mkdir()
    bind = "--bind -o ro"
    with as_mounted(sha256, full, f"{bind} {full}") as loads:
        assert loads.wait(loads.start(full))["sums"] == right
    assert_whole(full, tiny, unpacked=False)
    with as_mounted(sha256, empty, f"{bind} {empty}") as loads:
        found = loads.wait(loads.start(empty, [server.mirror("good")]))
    assert found["name"] == data.OFFLINE
    assert f"the cache {empty} cannot be used (Read-only file system)" in found["said"]


@on_linux
@pytest.mark.parametrize("kilobytes", [20, 80])  # one file is larger than the first, all .gz files take about 70
def test_full_disk(kilobytes, sha256, server, right, tmp_path):
    with as_mounted(sha256, tmp_path, f"-t tmpfs -o size={kilobytes}k tmpfs") as loads:
        mirrors = [server.mirror("good")]
        found = loads.wait(loads.start(tmp_path / "cache", mirrors))
        left = os.listdir(f"/proc/{loads.process.pid}/root{tmp_path}/cache")
    if kilobytes == 20:
        assert found["name"] == data.OFFLINE and "cannot be used (No space left on device)" in found["said"]
        assert left == []
    else:
        assert found["sums"] == right
        assert set(data.FILES.values()) <= set(left) < {*data.FILES.values(), *unpacked_names()}


def test_file_where_the_cache_should_be(loads, server, tmp_path):
    cache = tmp_path / "cache"
    cache.write_text("mine")
    found = loads.wait(loads.start(cache, [server.mirror("good")]))
    assert found["name"] == data.OFFLINE and f"the cache {cache} cannot be used (" in found["said"]
    assert cache.read_text() == "mine"


def test_path_too_long_for_the_disk(loads, server, tmp_path):
    cache = tmp_path / (300 * "x")
    found = loads.wait(loads.start(cache, [server.mirror("good")]))
    assert found["name"] == data.OFFLINE and f"the cache {cache} cannot be used (File name too long)" in found["said"]


@pytest.mark.parametrize("proxy", ["http:///nobody", "ftp://127.0.0.1:1", "two words"])
def test_proxy_that_no_one_can_use(proxy, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("requests.utils.getproxies", lambda: {"http": proxy})
    monkeypatch.setattr("requests.utils.proxy_bypass", lambda host: False)
    monkeypatch.setattr(data, "MIRRORS", [NOBODY])
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
    assert load_mnist().name == data.OFFLINE
    assert f"no mirror could be reached ({NOBODY}: Invalid" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["two words", "données", "数字 и цифры", "100 % 'sure'"])
def test_any_letters_in_a_path(name, loads, server, tiny, right, tmp_path):
    cache = tmp_path / name / "cache"
    found = loads.wait(loads.start(cache, [server.mirror("good")]))
    assert (found["name"], found["sums"]) == ("cache", right)
    digits = load_mnist(fill(tmp_path / f"{name}, a folder", tiny))
    assert digits.name == f"{name}, a folder"


# The reader


def mutated(content, others, rng):
    """A file of the folder, damaged in one of many ways: (packed or None, unpacked or None)."""
    plain = bytearray(gzip.decompress(content))
    where = rng.randrange(8) if rng.random() < 0.3 else rng.randrange(len(plain))
    way = rng.randrange(9)
    if way == 0:  # bits of the .gz
        packed = bytearray(content)
        for _ in range(rng.choice([1, 1, 2, 20])):
            packed[rng.randrange(min(len(packed), rng.choice([30, len(packed)])))] ^= 1 << rng.randrange(8)
        return bytes(packed), rng.choice([None, bytes(plain)])
    if way == 1:  # its length
        return content[: rng.randrange(len(content))] if rng.random() < 0.7 else content + rng.randbytes(9), None
    if way == 2:  # bits inside
        plain[where] ^= 1 << rng.randrange(8)
    elif way == 3:  # the length inside
        plain = plain[:where] if rng.random() < 0.5 else plain + rng.randbytes(rng.randrange(1, 2000))
    elif way == 4:  # a field of the header
        start = 4 * rng.randrange(4)
        plain[start : start + 4] = struct.pack(">I", rng.choice([0, 1, 27, 2049, 2051, 2**31, 2**32 - 1]))
    elif way == 5:  # another file
        plain = bytearray(gzip.decompress(rng.choice(others)))
    elif way == 6:
        return rng.choice([b"", rng.randbytes(rng.randrange(200)), bytes(plain)]), None
    else:  # an unpacked file that may not be this one's
        return rng.choice([None, content]), bytes(plain) if way == 7 else bytes(plain[: rng.randrange(len(plain))])
    packed = gzip.compress(plain, 1)
    return rng.choice([(packed, None), (None, bytes(plain)), (content, bytes(plain))])


def by_the_format(folder):
    """The four arrays, read in the plainest way, with no check but gzip's: of a ``.gz`` if it can be unpacked."""
    arrays = {}
    for key, name in data.FILES.items():
        path = folder / name
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error):
            content = path.with_suffix("").read_bytes()
        arrays[key] = np.frombuffer(content, np.uint8, offset=16 if "images" in key else 8)
    return arrays


def rewrite(path, content):
    """Put a new file there, or none. (Writing over a file takes ten times as long: the disk is waited for.)"""
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


def test_ten_thousand_damaged_files(tmp_path):
    rng, numbers = random.Random(0), np.random.default_rng(0)
    images, labels = numbers.integers(0, 256, (5, 28, 28), np.uint8), numbers.integers(0, 10, 5).astype(np.uint8)
    folder = write_folder(tmp_path / "digits", Digits(images[:3], labels[:3], images[3:], labels[3:], "digits"))
    whole = {name: (folder / name).read_bytes() for name in data.FILES.values()}
    ends = {"right data": 0, "DataError": 0}
    for _ in range(10_000):
        name = rng.choice(list(whole))
        path = folder / name
        for file, content in zip((path, path.with_suffix("")), mutated(whole[name], list(whole.values()), rng)):
            rewrite(file, content)
        try:
            with warnings.catch_warnings(action="error"), redirect_stdout(io.StringIO()):
                digits = load_mnist(folder)
        except DataError as error:
            ends["DataError"] += 1
            assert str(path) in str(error) or "different data sets" in str(error)
            assert "expected" in str(error) and "found" in str(error)
        else:
            ends["right data"] += 1
            for key, array in by_the_format(folder).items():
                assert np.array_equal(getattr(digits, key).ravel(), array)
        rewrite(path.with_suffix(""), None)
        rewrite(path, whole[name])
    assert min(ends.values()) > 1000, ends


@pytest.mark.parametrize("says", [3, 2**32 - 1])
def test_a_file_that_swells_is_refused_with_little_memory(says, tiny, tmp_path):
    folder = fill(tmp_path / "digits", tiny)
    with gzip.open(folder / data.FILES["train_images"], "wb", compresslevel=1) as file:
        file.write(struct.pack(">4I", 2051, says, 28, 28))
        for _ in range(500):  # half a gigabyte of paper
            file.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(DataError, match="expected (2,368 bytes for 3|1 to 1,000,000) items, found"):
        load_mnist(folder)
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert largest < 10 * 2**20


def owner(array):
    """What the memory of an array belongs to."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array


def test_writing_into_an_array_changes_no_file(loads, server, tiny, tmp_path):
    cache = tmp_path / "cache"
    loads.wait(loads.start(cache, [server.mirror("good")]))
    digits = load_mnist(cache)
    assert type(digits.train_images) is np.ndarray and isinstance(owner(digits.train_images), mmap.mmap)
    digits.train_images[:] = 0
    assert_whole(cache, tiny)
