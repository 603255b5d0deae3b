"""The interactive views: controls and pictures that move in the page, with or without a kernel.

``latent`` holds those that look at a trained model, ``mathematics`` those of formulas, ``experiments`` those of
notebooks 07 to 09, ``base`` what they share.
Beside each stands its JavaScript, with the same names.
"""

from .base import Explorer, LiveCurve
from .experiments import BoundExplorer, CollapseExplorer, RateDistortionExplorer, SymptomExplorer
from .latent import (
    AggregatedPosteriorExplorer,
    BetaExplorer,
    ConditionalExplorer,
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
]
