"""A likelihood as plain arrays, numbers and words, and back: what travels to a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from eventfit.errors import StatisticsError
from eventfit.likelihood.bin_scale import BinScale
from eventfit.likelihood.binned import Likelihood
from eventfit.likelihood.component import Component, Data
from eventfit.likelihood.factor import GaussianScale, LogNormalScale, MorphEven, MorphPower, NormSys, Power
from eventfit.likelihood.unbinned import only_observed
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint

__all__ = ["from_plain", "to_plain"]

_KINDS = {
    kind.__name__: kind
    for kind in (
        *(Power, GaussianScale, LogNormalScale, NormSys, MorphEven, MorphPower),
        *(GaussianConstraint, PoissonConstraint),
    )
}


def to_plain(likelihood: Likelihood) -> dict[str, Any]:
    """``likelihood`` as dictionaries, lists, arrays and its hash.

    Raises
    ------
    InputError
        A likelihood of single events: workers throw toys, which need bins.
    """
    if likelihood.unbinned:
        raise only_observed("toys")
    return {
        "parameters": [
            {**asdict(p), "constraint": None if p.constraint is None else _said(p.constraint)}
            for p in likelihood.parameters
        ],
        "components": [
            {"name": c.name, "counts": c.counts, "factors": [_said(f) for f in c.factors], "of": c.of}
            for c in likelihood.components
        ],
        "scales": [vars(scale) for scale in likelihood.scales],
        "errors": likelihood.errors,
        "counts": likelihood.data.counts,
        "auxiliary": likelihood.data.auxiliary,
        "input_hashes": dict(likelihood.input_hashes),
        "model_sha256": likelihood.model_hash,
    }


def from_plain(plain: Mapping[str, Any]) -> Likelihood:
    """The likelihood that :func:`to_plain` wrote; :class:`StatisticsError` if its hash is another."""
    likelihood = Likelihood(
        parameters=tuple(
            Parameter(**{**p, "constraint": None if p["constraint"] is None else _made(p["constraint"])})
            for p in plain["parameters"]
        ),
        components=tuple(
            Component(c["name"], np.asarray(c["counts"]), tuple(_made(f) for f in c["factors"]), c["of"])
            for c in plain["components"]
        ),
        data=Data(np.asarray(plain["counts"]), np.asarray(plain["auxiliary"])),
        scales=tuple(BinScale(**scale) for scale in plain["scales"]),
        input_hashes=plain["input_hashes"],
        errors=np.asarray(plain["errors"]),
    )
    if likelihood.model_hash != plain["model_sha256"]:
        raise StatisticsError(
            "a model arrived changed at a worker",
            given=likelihood.model_hash,
            allowed=str(plain["model_sha256"]),
            fix="run the same version of eventfit and numpy everywhere",
        )
    return likelihood


def _said(part: Any) -> list[Any]:
    return [type(part).__name__, asdict(part)]


def _made(said: list[Any]) -> Any:
    return _KINDS[said[0]](**said[1])
