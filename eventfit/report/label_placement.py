"""Where labels of points go so that they cover neither each other nor the points."""

from __future__ import annotations

import numpy as np

from eventfit.quadrature import Array

__all__ = ["placed_labels"]

#: directions tried around a point, and distances from its edge in points of type
DIRECTIONS, GAPS = 16, (1.5, 4.0, 7.0, 11.0, 16.0, 22.0)
#: what a square point of overlap costs against a point of distance, what a label does that stands nearer to another
#: point than to its own, and what leaving the frame does
OVERLAP, STRANGER, OUTSIDE = 10.0, 8.0, 1e4
SWEEPS = 6


def placed_labels(points: Array, radius: Array, sizes: Array, obstacles: Array, frame: Array) -> Array:
    """Centres (n, 2) of the labels of ``points``.

    Every label takes the cheapest of some places around its point, the crowded points first; then all of them choose
    again, a few times, knowing the others. The same input gives the same places.

    Parameters
    ----------
    points
        Where they stand (n, 2), in points of type like everything here.
    radius
        Of their markers (n,).
    sizes
        Width and height of the labels (n, 2).
    obstacles
        What must not be covered (m, 4): left, bottom, right, top; the markers included.
    frame
        What labels may not leave (4,).
    """
    angles = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    # a label touches a circle around its marker with its nearest side, not with its centre
    reach = (
        radius[:, None, None, None] * unit
        + np.array(GAPS)[:, None, None] * unit
        + 0.5 * sizes[:, None, None, :] * np.clip(1.5 * unit, -1.0, 1.0)
    )
    places = (points[:, None, None, :] + reach).reshape(len(points), -1, 2)
    distance = np.broadcast_to(np.array(GAPS)[:, None], (len(GAPS), DIRECTIONS)).ravel()
    fixed = np.array([_fixed_cost(p, s, obstacles, frame) for p, s in zip(places, sizes, strict=True)]) + distance
    fixed += STRANGER * _beside_others(places, points, radius)
    near = np.hypot(*np.moveaxis(points[:, None] - points[None], -1, 0))
    order = np.argsort(-(1.0 / (near + 5.0)).sum(axis=1), kind="stable")
    chosen = np.full((len(points), 2), np.nan)
    for _ in range(SWEEPS):
        for i in order:
            others = ~np.isnan(chosen[:, 0])
            others[i] = False
            boxes = _boxes(chosen[others], sizes[others])
            cost = fixed[i] + OVERLAP * _overlaps(_boxes(places[i], sizes[i]), boxes).sum(axis=1)
            chosen[i] = places[i][int(np.argmin(cost))]
    return chosen


def _fixed_cost(places: Array, size: Array, obstacles: Array, frame: Array) -> Array:
    """What does not depend on the other labels, for every place (n_place, 2) of one label."""
    boxes = _boxes(places, size)
    outside = (boxes[:, :2] < frame[:2]).any(axis=1) | (boxes[:, 2:] > frame[2:]).any(axis=1)
    return np.asarray(OVERLAP * _overlaps(boxes, obstacles).sum(axis=1) + OUTSIDE * outside)


def _beside_others(places: Array, points: Array, radius: Array) -> Array:
    """Whether a place (n, n_place) is nearer to the marker of another point than to that of its own."""
    away = np.hypot(*np.moveaxis(places[:, :, None, :] - points, -1, 0)) - radius
    own = np.arange(len(points))
    return np.asarray(away.min(axis=2) < away[own, :, own] - 0.5)


def _boxes(centres: Array, sizes: Array) -> Array:
    return np.concatenate([centres - 0.5 * sizes, centres + 0.5 * sizes], axis=-1)


def _overlaps(a: Array, b: Array) -> Array:
    """Area that every box of ``a`` (n, 4) shares with every one of ``b`` (m, 4)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.clip(high - low, 0.0, None).prod(axis=-1))
