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
    pixels = vh.as_pixels(x)
    covariance = np.cov(pixels[:2000].T, bias=True)
    options = {
        "the KL is missing from the loss": "No: the samples would be worse, not the images.",
        "the sum over pixels became a mean, so the KL is 784 times too strong": "Yes: every image is the mean image.",
        "log σ² is taken for σ where noise is added to the mean of the code": "No: the codes would be noisy.",
    }
    curves = {"right program": [540.0, 190, 165, 158, 155], "broken program": [0.7, 0.3, 0.28, 0.27, 0.26]}
    pictures = {"images": pixels[:4], "rebuilt by the broken program": pixels[:1].expand(4, -1)}
    made = [
        vh.LatentExplorer(vae, codes.mu, codes.labels, sample=True),
        vh.PosteriorExplorer(vae, x[:40], codes.mu, codes.labels),
        vh.WalkExplorer({"autoencoder": vh.load_pretrained("autoencoder"), "VAE": vae}, x[:2]),
        vh.BetaExplorer(x[:8]),
        vh.ConditionalExplorer(vh.load_pretrained("conditional"), *vh.load_codes("conditional")[::2]),
        vh.RateDistortionExplorer(x[:8]),
        vh.CollapseExplorer(np.linalg.eigvalsh(covariance)[::-1]),
        vh.BoundExplorer(),
        vh.SymptomExplorer("Which line is wrong?", options, list(options)[1], curves, pictures),
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
