"""The interactive views: sliders that change one picture in place.

``latent`` holds those that look at a trained model, ``mathematics`` those of notebooks 02 and 03,
``base`` what they share.
"""

from .base import Explorer, LiveCurve
from .latent import BetaExplorer, LatentExplorer, PosteriorExplorer, WalkExplorer
from .mathematics import ElboExplorer, GaussianKLExplorer, ReparameterizationExplorer, TwoBumpsExplorer

__all__ = [
    "BetaExplorer",
    "ElboExplorer",
    "Explorer",
    "GaussianKLExplorer",
    "LatentExplorer",
    "LiveCurve",
    "PosteriorExplorer",
    "ReparameterizationExplorer",
    "TwoBumpsExplorer",
    "WalkExplorer",
]
