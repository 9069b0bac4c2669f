"""The text of a new declaration, with comments that say what stands there and what else could."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from eventfit.quadrature import Array

__all__ = ["EITHER_SIGN", "POIS", "Choices", "SourceKind", "declaration_text"]

SourceKind = Literal["solar", "reactor", "stopped_pion", "table"]
#: parameter of interest -> the process that it belongs to
POIS: Mapping[str, Mapping[str, Any]] = {
    "mu_nu": {"kind": "magnetic_moment"},
    "q_nu": {"kind": "millicharge", "couplings": ["q_nu"]},
    "r2_nu": {"kind": "charge_radius", "couplings": ["r2_nu"]},
}
#: parameters of interest that may be negative
EITHER_SIGN = ("q_nu", "r2_nu")
#: a comment stands above a line that would become longer than this
WIDTH = 100


@dataclass(frozen=True, eq=False)
class Choices:
    """What was asked for.

    Attributes
    ----------
    source
        Kind of the source, its keys and a comment.
    data
        Keys of ``[data]`` besides the origin.
    edges
        Bin edges (n + 1,) in keV.
    backgrounds
        Name -> keys of the file.
    background_error
        Relative error of the norms; None: they are free.
    """

    title: str
    origin: str
    poi: str
    exposure: tuple[float, str]
    material: str
    electrons: Literal["stepping", "free"]
    source: Mapping[str, Any]
    edges: Array
    resolution: Mapping[str, Any]
    data: Mapping[str, Any]
    efficiency: Mapping[str, Any] | None = None
    efficiency_first: bool = False
    backgrounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    background_error: float | None = None


def declaration_text(choices: Choices) -> str:
    """The TOML of a declaration."""
    parts = [
        _head(choices),
        _source(choices.source),
        _processes(choices.poi),
        _response(choices),
        _data(choices),
        *(_background(name, keys, choices.background_error) for name, keys in choices.backgrounds.items()),
        _results(choices.poi),
    ]
    return "\n\n".join(parts) + "\n"


def _head(choices: Choices) -> str:
    value, unit = choices.exposure
    lines = [
        "# Written by 'eventfit init'; every line is yours to change. 'eventfit inspect' says how it is understood,",
        "# 'eventfit schema' lists every key.",
        f"title = {_toml(choices.title)}",
        f"poi = {_toml(choices.poi)}".ljust(29) + "# parameter of interest",
        'typed_status = "user"'.ljust(29) + "# of the numbers below: you answer for them",
        "",
        "[exposure]                   # live time times mass",
        f"value = {value:.12g}",
        f"unit = {_toml(unit)}",
        "",
        "[target]",
        f"material = {_toml(choices.material)}",
        f"electrons = {_toml(choices.electrons)}".ljust(29)
        + '# "stepping": an electron takes part above its binding energy; "free": all do',
    ]
    return "\n".join(lines)


def _source(keys: Mapping[str, Any]) -> str:
    comments: dict[str, dict[str, str]] = {
        "reactor": {
            "model": "spectra; see data/README.md for the others",
            "fractions": "shares of the fissions: TEXONO's (arXiv:0911.1597); put in those of your reactor",
            "captures_per_fission": "neutron captures on 238U per fission",
            "flux_per_cm2_s": "of all energies; or power_GW and distance_m",
            "power_GW": "thermal",
        },
        "solar": {"model": "standard solar model that norms the components"},
        "stopped_pion": {"flux_per_flavour_per_cm2_s": "at the detector"},
        "table": {
            "per": "what the columns are per; or total_per_cm2_s for columns that are a shape",
            "total_per_cm2_s": "all columns together",
            "beyond": 'nothing beyond the table; "refuse" if it is not known there',
        },
    }
    said = comments[str(keys["kind"])]
    lines = ["[[flux]]", *(_line(key, value, said.get(key, "")) for key, value in keys.items() if key != "oscillation")]
    if "oscillation" in keys:
        lines += ["", "[oscillation]                # of solar neutrinos", _line("parameters", keys["oscillation"], "")]
    return "\n".join(lines)


def _processes(poi: str) -> str:
    weak = [
        "[[process]]                  # weak scattering; remove it if a background contains it",
        'kind = "standard_model"',
        'order = "tree"',
        "sin2_theta_w = 0.23857       # at low energies",
    ]
    signal = ["[[process]]", *(_line(key, value, "") for key, value in POIS[poi].items())]
    return "\n".join([*weak, "", *signal])


def _response(choices: Choices) -> str:
    order = ["resolution"]
    if choices.efficiency is not None:
        order = ["efficiency", "resolution"] if choices.efficiency_first else ["resolution", "efficiency"]
    said = {
        1: "",
        2: "the efficiency is one of the reconstructed energy; before the resolution, of the recoil",
    }[len(order)]
    lines = [
        "[response]",
        _line("order", order, said),
        _line("edges_keV", _edges(choices.edges), "bins of the reconstructed energy"),
        _line("resolution", choices.resolution, ""),
    ]
    if choices.efficiency is not None:
        lines.append(_line("efficiency", choices.efficiency, ""))
    return "\n".join(lines)


def _data(choices: Choices) -> str:
    comments = {
        "observed": "counts; the fit is a Poisson likelihood",
        "residual": "rates with errors, backgrounds subtracted; the fit is Gaussian",
        "asimov": "no data: what is expected without signal stands for them",
    }
    lines = ["[data]", *(_line(key, value, comments.get(key, "")) for key, value in choices.data.items())]
    lines.append(_line("origin", [choices.origin], "data sets of one origin are never combined"))
    return "\n".join(lines)


def _background(name: str, keys: Mapping[str, Any], error: float | None) -> str:
    norm: dict[str, Any] = {"start": 1.0, "bounds": [0.0, 10.0]}
    said = "free; with relative = 0.1 added it is known to 10 %, without a norm it is fixed"
    if error is not None:
        norm["relative"], said = error, "known beforehand to this relative error; without it the norm is free"
    lines = ["[[background]]", _line("name", name, ""), _line("table", keys, ""), _line("norm", norm, said)]
    return "\n".join(lines)


def _results(poi: str) -> str:
    wanted: list[dict[str, Any]] = [{"quantity": "interval", "cl": 0.90}]
    wanted += [] if poi in EITHER_SIGN else [{"quantity": "upper_limit", "cl": 0.90, "rule": "qmu_tilde"}]
    wanted += [{"quantity": "best_fit"}, {"quantity": "gof_best_fit"}]
    blocks = ["\n".join(["[[result]]", *(_line(key, value, "") for key, value in want.items())]) for want in wanted]
    return "# What 'eventfit reproduce' and 'eventfit report' compute.\n" + "\n\n".join(blocks)


def _line(key: str, value: Any, comment: str) -> str:
    text = f"{key} = {_toml(value)}"
    if len(text) + len(comment) > WIDTH:
        return f"# {comment}\n{text}" if comment else text
    return f"{text.ljust(28)} # {comment}" if comment else text


def _edges(edges: Array) -> Any:
    """Uniform ones by start, stop and width, if that gives the same edges."""
    width = float(f"{(edges[-1] - edges[0]) / (len(edges) - 1):.12g}")
    start, stop = float(edges[0]), float(edges[-1])
    if np.allclose(start + width * np.arange(len(edges)), edges, rtol=0.0, atol=1e-9 * width):
        return {"start": start, "stop": stop, "width": width}
    return [float(edge) for edge in edges]


def _toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return str(value)
