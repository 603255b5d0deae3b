"""The small module shared by the notebooks: ``import vae_helpers as vh``.

Every public name below lives in the module named beside it and is imported when first used, so that
``import vae_helpers`` is quick and torch is loaded only by what needs it. What a notebook *teaches* is
written out in that notebook first; the functions here spare the later notebooks from repeating it.

Importing it makes torch compute in one thread, unless ``OMP_NUM_THREADS`` says how many: the course's matrices are
small, and threads that wait for each other make trainings many times slower as soon as another program wants a core.
"""

import os
import sys
from importlib import import_module

if "OMP_NUM_THREADS" not in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it when it is loaded
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

_HOME = {
    "data": ["DataError", "Digits", "load_mnist"],
    "objectives": [
        "Elbo",
        "importance_weighted_bound",
        "kl_divergence",
        "negative_elbo",
        "reconstruction_loss",
        "reparameterize",
    ],
    "models": ["Autoencoder", "ConditionalVAE", "DeepVAE", "LinearVAE", "VAE", "as_pixels", "binarize"],
    "training": ["Evaluation", "History", "evaluate", "fit"],
    "pretrained": ["BETA_SNAPSHOTS", "Codes", "load_codes", "load_pretrained"],
    "figures": [
        "DIGIT_COLORS",
        "plot_history",
        "plot_images",
        "plot_latent_space",
        "plot_manifold",
        "plot_reconstructions",
        "show",
    ],
    "explorers": [
        "AggregatedPosteriorExplorer",
        "BaselineExplorer",
        "BetaExplorer",
        "BoundExplorer",
        "CollapseExplorer",
        "ConditionalExplorer",
        "ElboExplorer",
        "Explorer",
        "GaussianKLExplorer",
        "LatentExplorer",
        "LiveCurve",
        "PosteriorExplorer",
        "RateDistortionExplorer",
        "ReparameterizationExplorer",
        "SwappedCrossEntropyExplorer",
        "SymptomExplorer",
        "TwoBumpsExplorer",
        "WalkExplorer",
    ],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted([*_MODULE_OF, "checks"])


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if name == "checks":
        return import_module(f"{__name__}.checks")
    raise AttributeError(f"vae_helpers has no {name!r}; its public names are {', '.join(__all__)}")


def __dir__():
    return __all__
