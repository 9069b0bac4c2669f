"""What tells one model from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from eventfit.quadrature import Array

__all__ = ["sha256_of"]


def sha256_of(said: Iterable[object], arrays: Iterable[Array]) -> str:
    """sha256 over what is said in words and numbers, and over the bytes of ``arrays``."""
    digest = hashlib.sha256()
    for part in said:
        digest.update(repr(part).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
