"""MNIST for the notebooks: from a folder, the cache or a mirror, or the offline digits of scikit-learn.

``python -m vae_helpers.data`` fills the cache and says what it found.
"""

import gzip
import os
import shutil
import tempfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}
SHA256 = {
    "train_images": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train_labels": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "test_images": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "test_labels": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]
OFFLINE = "offline digits"
SILENCE, PATIENCE = 20, 600  # seconds: a mirror that says nothing for so long, or takes so long for one file, is left
STALE = 3600  # seconds after which a half-written file of the cache is no one's
MOST = 1_000_000  # images: a file that says it holds more is damaged, and is not unpacked into all memory


class DataError(Exception):
    """A data file is missing or damaged; the message says which, what was expected and what to do."""


@dataclass(frozen=True)
class Digits:
    """A data set of handwritten digits (or of anything else that comes in MNIST's four files).

    ``train_images``, ``test_images``: uint8, shape (n, 28, 28), 0 (background) to 255 (ink).
    ``train_labels``, ``test_labels``: uint8, shape (n,), 0 to 9. Writing into an array changes no file.
    ``name``: "MNIST", "offline digits", or the name of the folder that held the files.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    name: str


def load_mnist(folder=None, offline=False):
    """Load MNIST (LeCun et al. 1998: 60,000 training and 10,000 test images) and print what was loaded.

    Looks, in this order, at ``folder``; the folder named by ``$VAE_COURSE_DATA``; the user's cache; the
    two mirrors, which fill the cache. Files of the cache and the mirrors must have MNIST's SHA-256. A
    folder may also hold another data set in the same four files. When no mirror can be reached, the cache
    cannot be written, or ``offline=True``, it returns the 1,797 digits bundled with scikit-learn and says so.

    The cache keeps each file unpacked, too (`gunzip -k` does the same for a folder): all kernels of a machine
    then share one copy in memory. Where the two differ, the ``.gz`` counts.

    Returns ``Digits``. Raises ``DataError`` for a file that is missing from a folder, damaged or of
    another format, and when a mirror was reached but delivered wrong bytes.
    """
    if offline:
        return _offline_digits("offline=True was asked for")
    source = "the folder given"
    if folder is None and os.environ.get("VAE_COURSE_DATA"):
        folder, source = os.environ["VAE_COURSE_DATA"], "the folder in $VAE_COURSE_DATA"
    if folder is None:
        source = "the cache"
        try:
            folder = _fill_cache()
        except _NotAtHand as reason:
            return _offline_digits(str(reason))
    digits = _read_folder(Path(folder))
    _announce(digits, source)
    return digits


def _announce(digits, source):
    train, test = len(digits.train_images), len(digits.test_images)
    print(f"{digits.name}: {train:,} training and {test:,} test images of 28 × 28 pixels, from {source}.")


class _NotAtHand(Exception):
    """MNIST is not in the cache and cannot be put there; the message says why."""


def _fill_cache():
    """Put MNIST's four files into the cache, packed and unpacked, each whole or not at all; return its folder."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    cache = Path(pooch.os_cache("vae-course"))
    with suppress(OSError):  # of another process that cleans up, or of a cache that cannot be used
        for path in cache.glob("tmp*"):  # left by a process that was killed
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()
    for key, name in FILES.items():
        try:
            _retrieve(name, SHA256[key], cache)
        except OSError as error:
            raise _NotAtHand(f"the cache {cache} cannot be used ({error.strerror or error})") from error
        with suppress(OSError):  # then the .gz is read
            _unpack(cache / name)
    return cache


def _retrieve(name, sha256, cache):
    """Have the file in the cache, from the first mirror that delivers it."""
    import pooch
    import requests
    import urllib3

    unreachable, wrong = [], []
    for mirror in MIRRORS:
        try:
            return pooch.retrieve(mirror + name, f"sha256:{sha256}", fname=name, path=cache, downloader=_download)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            unreachable.append(f"{mirror}: {type(error).__name__}")
        except ValueError as error:  # pooch's word for a wrong checksum
            wrong.append(f"{mirror}: {error}")
    if wrong:
        raise DataError(
            f"{name}: expected a file with SHA-256 {sha256}, found other bytes at {'; '.join(wrong)}. "
            "Something between you and the mirror changes the files (a login page, a proxy). Try another "
            "network, copy the four files into a folder and set VAE_COURSE_DATA to it, or use "
            "load_mnist(offline=True)."
        )
    raise _NotAtHand(f"no mirror could be reached ({'; '.join(unreachable)})")


def _download(url, path, _):
    """Write what the mirror sends into the file ``path``: a downloader for pooch, whose own waits for any drip."""
    import requests

    end = time.monotonic() + PATIENCE
    with requests.get(url, stream=True, timeout=SILENCE) as response, open(path, "wb") as file:
        response.raise_for_status()
        while part := response.raw.read1(2**16):
            if time.monotonic() > end:
                raise requests.Timeout(f"{url} took more than {PATIENCE} s")
            file.write(part)


def _unpack(path):
    """Write the idx file beside its ``.gz``, unless it is there already."""
    if _unpacked(path) is not None:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file, gzip.open(path) as packed:
            shutil.copyfileobj(packed, file)
        os.replace(temporary, path.with_suffix(""))
    finally:
        Path(temporary).unlink(missing_ok=True)


def _unpacked(path):
    """The bytes of the idx file beside ``path``, (n,); None if it is not what this ``.gz`` unpacks to.

    They are mapped: processes share their memory until one writes into its array. The last 8 bytes of a ``.gz`` are
    the CRC-32 and size of its content; an idx file that stands alone is taken as it is.
    """
    plain = path.with_suffix("")
    if not plain.is_file() or plain.stat().st_size == 0:
        return None
    content = np.asarray(np.memmap(plain, np.uint8, "c"))
    end = np.array([zlib.crc32(content), len(content) % 2**32], "<u4").tobytes()
    return content if not path.is_file() or path.read_bytes()[-8:] == end else None


def _read_folder(folder):
    found = {key: _read_idx(folder / name, is_images="images" in key) for key, name in FILES.items()}
    for part in ("train", "test"):
        images, labels = len(found[f"{part}_images"]), len(found[f"{part}_labels"])
        if images != labels:
            raise DataError(
                f"{folder / FILES[part + '_labels']}: expected {images:,} labels, one for each image of "
                f"{FILES[part + '_images']}, found {labels:,}. The files belong to different data sets: "
                "copy all four from one source."
            )
    return Digits(**found, name=_data_set_name(folder, found))


def _data_set_name(folder, found):
    """MNIST is recognised by the CRC-32 of its pixels and labels, whatever the folder is called."""
    crc = 0
    for key in FILES:
        crc = zlib.crc32(found[key], crc)
    return "MNIST" if crc == _MNIST_CRC32 else folder.resolve().name


_MNIST_CRC32 = 0x1939F699


def _read_idx(path, is_images):
    """Read one idx file, gzipped or not: big-endian magic number, sizes, then bytes in row-major order."""
    advice = "Copy the file again from its source, or delete the folder's four files to let them be downloaded."
    magic, header, size = (2051, 16, 784) if is_images else (2049, 8, 1)
    try:
        content = _unpacked(path)
        if content is None:
            content = _decompressed(path, header, size)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: expected this file, found none. A data folder holds {', '.join(FILES.values())}: "
            "copy them there, or leave the folder out (and unset VAE_COURSE_DATA) to have MNIST downloaded."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, found a damaged one ({error}). {advice}") from error
    sizes = np.frombuffer(content[:header], ">u4") if len(content) >= header else np.array([len(content)])
    if len(sizes) < 2 or sizes[0] != magic:
        raise DataError(
            f"{path}: expected the magic number {magic} of idx {'images' if is_images else 'labels'}, "
            f"found {sizes[0]}. {advice}"
        )
    if is_images and tuple(sizes[2:]) != (28, 28):
        raise DataError(f"{path}: expected images of 28 × 28 pixels, found {sizes[2]} × {sizes[3]}. {advice}")
    count = int(sizes[1])
    if not 1 <= count <= MOST:
        raise DataError(f"{path}: expected 1 to {MOST:,} items, found {count:,}. {advice}")
    expected = header + count * size
    if len(content) != expected:
        more = " or more" if len(content) > expected else ""
        raise DataError(
            f"{path}: expected {expected:,} bytes for {count:,} items, found {len(content):,}{more}. {advice}"
        )
    items = content[header:]
    if not is_images and items.max() > 9:
        raise DataError(f"{path}: expected labels from 0 to 9, found {items.max()}. {advice}")
    return items.reshape(-1, 28, 28) if is_images else items


def _decompressed(path, header, size):
    """The bytes of a gzipped idx file, (n,): one more than its header announces at most, however far it would swell."""
    packed = path.read_bytes()
    count = int.from_bytes(zlib.decompressobj(wbits=31).decompress(packed, header)[4:8], "big")
    expected = header + count * size if count <= MOST else header
    stream = zlib.decompressobj(wbits=31)
    content = bytearray(stream.decompress(packed, expected + 1))
    if len(content) <= expected and not stream.eof:
        raise EOFError("it ends too early")
    if stream.unused_data:
        raise EOFError("something follows its end")
    return np.frombuffer(content, np.uint8)


def _offline_digits(reason):
    """The 8 × 8 digits of scikit-learn (Alpaydin & Kaynak 1998), enlarged to 20 × 20 and centred as MNIST's are."""
    from PIL import Image
    from sklearn.datasets import load_digits

    small = load_digits()
    images = np.zeros((len(small.images), 28, 28), np.uint8)
    for image, source in zip(images, small.images):
        enlarged = Image.fromarray(np.uint8(source * 255 / 16)).resize((20, 20), Image.Resampling.BICUBIC)
        image[4:24, 4:24] = enlarged
    labels = small.target.astype(np.uint8)
    digits = Digits(images[:1500], labels[:1500], images[1500:], labels[1500:], OFFLINE)
    print(f"Not MNIST: {reason}.")
    _announce(digits, "scikit-learn's 8 × 8 digits, enlarged")
    print("For MNIST, connect and run this again, or set VAE_COURSE_DATA to a folder with its four files.")
    return digits


if __name__ == "__main__":
    load_mnist()
