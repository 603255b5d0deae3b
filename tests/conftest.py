"""Data for the tests: MNIST where it is at hand, the offline digits otherwise, and a small data folder."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

import vae_helpers as vh
from vae_helpers import data

# One thread a process, kernels included: on two cores the small matrices of the course run faster so.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(scope="session")
def digits():
    """What the notebooks get: MNIST from ``$VAE_COURSE_DATA``, the cache or a mirror, or the offline digits."""
    return data.load_mnist()


def write_folder(folder, digits):
    """Write ``digits`` as MNIST's four gzipped idx files."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in data.FILES.items():
        items = getattr(digits, key)
        sizes = [2051, len(items), 28, 28] if "images" in key else [2049, len(items)]
        (folder / name).write_bytes(gzip.compress(np.array(sizes, ">u4").tobytes() + items.tobytes(), mtime=0))
    return folder


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """The offline digits in MNIST's file format: a data set of another name. Read only: copy before damaging."""
    return write_folder(tmp_path_factory.mktemp("data") / "small digits", data.load_mnist(offline=True))


@pytest.fixture(scope="session")
def explorers(digits):
    """One explorer of each class, by the name of the class."""
    vae, codes, x = vh.load_pretrained("vae"), vh.load_codes("vae"), digits.test_images
    made = [
        vh.LatentExplorer(vae, codes.mu, codes.labels, sample=True),
        vh.PosteriorExplorer(vae, x[:40], codes.mu, codes.labels),
        vh.WalkExplorer({"autoencoder": vh.load_pretrained("autoencoder"), "VAE": vae}, x[:2]),
        vh.BetaExplorer(x[:8]),
        vh.AggregatedPosteriorExplorer(),
        vh.GaussianKLExplorer(),
        vh.TwoBumpsExplorer(),
        vh.ElboExplorer(),
        vh.ReparameterizationExplorer(),
        vh.BaselineExplorer(),
        vh.SwappedCrossEntropyExplorer(),
    ]
    made = {type(explorer).__name__: explorer for explorer in made}
    kinds = {name for name in vh.__all__ if name.endswith("Explorer")} - {"Explorer"}
    assert set(made) == kinds  # a new explorer belongs into this list
    return made
