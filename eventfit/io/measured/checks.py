"""Checks of measured numbers: finite, of one length, edges that increase and agree."""

from __future__ import annotations

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.quadrature import Array

__all__ = ["checked_edges", "checked_errors", "checked_numbers", "frozen", "matching_edges"]

#: edges agree if they differ by less than this share of the narrowest bin: what printing and summing widths leave
EDGE_ROUNDING = 1e-6


def checked_numbers(values: object, where: str, what: str, length: int | None = None) -> Array:
    """``values`` as a read-only float array (n,), all of them finite."""
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError) as trouble:
        raise OutOfRange(f"{what} are not numbers", where=where, given=trouble) from None
    if array.ndim != 1 or (length is not None and len(array) != length):
        raise OutOfRange(
            f"{what} have the wrong length",
            where=where,
            given=" x ".join(map(str, array.shape)) or "a single number",
            allowed="a list" if length is None else f"{length}: one per bin or point",
        )
    bad = ~np.isfinite(array)
    if bad.any():
        raise OutOfRange(
            "a number is NaN or infinite",
            where=f"{where}, {what}, number {int(np.argmax(bad)) + 1} of {len(array)}",
            given=float(array[np.argmax(bad)]),
            allowed="finite numbers",
            fix="correct it; leave a bin out of the window rather than marking it",
        )
    return frozen(array)


def checked_edges(edges: object, where: str) -> Array:
    """``edges`` as a read-only array (n + 1,) that increases."""
    array = checked_numbers(edges, where, "edges")
    if len(array) < 2 or np.any(np.diff(array) <= 0):
        row = int(np.argmax(np.diff(array) <= 0)) if len(array) > 1 else 0
        raise OutOfRange(
            "edges do not increase" if len(array) > 1 else "one bin needs two edges",
            where=f"{where}, bin {row + 1}",
            given=", ".join(f"{x:g}" for x in array[row : row + 2]),
            fix="sort the bins; every bin starts where the last one ended",
        )
    return array


def matching_edges(found: Array, wanted: Array, where: str) -> Array:
    """``wanted`` (n + 1,), if ``found`` are the same up to rounding."""
    wanted = checked_edges(wanted, where)
    rounding = EDGE_ROUNDING * float(np.diff(wanted).min())
    if len(found) != len(wanted) or np.any(np.abs(found - wanted) > rounding):
        if len(found) == len(wanted):
            first = int(np.argmax(np.abs(found - wanted) > rounding))
            given = f"edge {first + 1} is {found[first]:.9g}, not {wanted[first]:.9g}"
        else:
            given = f"{len(found) - 1} bins from {found[0]:g} to {found[-1]:g}"
        raise OutOfRange(
            "the bins are not those that are needed",
            where=where,
            given=given,
            allowed=f"{len(wanted) - 1} bins from {wanted[0]:g} to {wanted[-1]:g}",
            fix="make the edges agree, units included",
        )
    return wanted


def checked_errors(errors: tuple[Array, Array], n: int, where: str) -> tuple[Array, Array]:
    """``errors`` (below, above) as read-only arrays (n,), not negative."""
    below, above = (checked_numbers(side, where, "errors", n) for side in errors)
    for side in (below, above):
        if np.any(side < 0):
            row = int(np.argmax(side < 0))
            raise OutOfRange(
                "an error is negative",
                where=f"{where}, bin or point {row + 1}",
                given=float(side[row]),
                allowed="distances from the value, both positive",
            )
    return below, above


def frozen(array: Array) -> Array:
    """A read-only copy."""
    array = np.array(array, dtype=float)
    array.flags.writeable = False
    return array
