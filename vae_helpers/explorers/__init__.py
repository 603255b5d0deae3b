"""The interactive views: controls and pictures that move in the page, with or without a kernel.

``latent`` holds those that look at a trained model, ``mathematics`` those of formulas, ``base`` what they share.
Beside each stands its JavaScript, with the same names.
"""

from .base import Explorer, LiveCurve
from .latent import (
    AggregatedPosteriorExplorer,
    BetaExplorer,
    LatentExplorer,
    PosteriorExplorer,
    WalkExplorer,
)
from .mathematics import (
    BaselineExplorer,
    ElboExplorer,
    GaussianKLExplorer,
    ReparameterizationExplorer,
    SwappedCrossEntropyExplorer,
    TwoBumpsExplorer,
)

__all__ = [
    "AggregatedPosteriorExplorer",
    "BaselineExplorer",
    "BetaExplorer",
    "ElboExplorer",
    "Explorer",
    "GaussianKLExplorer",
    "LatentExplorer",
    "LiveCurve",
    "PosteriorExplorer",
    "ReparameterizationExplorer",
    "SwappedCrossEntropyExplorer",
    "TwoBumpsExplorer",
    "WalkExplorer",
]
