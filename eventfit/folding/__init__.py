"""The fold: ``N = exposure * R @ (w_T * (S @ w_E))``, with a measured numerical error.

Recoil nodes and the response matrix stand on the detector's side (:class:`Folding`), neutrino nodes and weights on that
of the source (:class:`Arriving`). States of a component that share their nodes, as flavours do after oscillation, share
all work but the last product; :class:`CachedFold` keeps everything before it. :func:`morph` bends templates with errors
of the response, as exact re-folds (:class:`Refold`) do.
"""

from eventfit.folding.cached import CachedFold
from eventfit.folding.detector import Arriving, Folding
from eventfit.folding.fold import fold
from eventfit.folding.morph import BendingError, bent, morph
from eventfit.folding.panels import ORDER_E, ORDER_T
from eventfit.folding.recoils import fold_recoils, morph_recoils, seen_recoils
from eventfit.folding.refold import Refold

__all__ = [
    "ORDER_E",
    "ORDER_T",
    "Arriving",
    "BendingError",
    "CachedFold",
    "Folding",
    "Refold",
    "bent",
    "fold",
    "fold_recoils",
    "morph",
    "morph_recoils",
    "seen_recoils",
]
