"""What a question is asked about: an analysis, a declaration of the user, or a pyhf workspace, opened alike."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from eventfit.analysis.model import Analysis, Model, shipped_analyses
from eventfit.analysis.reading import DEFAULT
from eventfit.errors import DeclarationError, InputError, MissingInput, OutOfRange, UnknownName, did_you_mean
from eventfit.io import Channel, read_workspace
from eventfit.io.pyhf.reading import once
from eventfit.likelihood import Likelihood
from eventfit.parameters import Reported
from eventfit.tables import Table

__all__ = ["Problem", "fitted_value", "open_problem"]

#: the workspace is read from standard input
STDIN = "-"
NormSysCode = Literal["code1", "code4"]
HistoSysCode = Literal["code0", "code4p"]


@dataclass(frozen=True, eq=False)
class Problem:
    """A likelihood with the parameter that is asked for.

    Attributes
    ----------
    name, title
        Short name for files (an analysis id, the stem of a workspace), and one line for people.
    poi, reported
        The fit parameter and how it is quoted.
    variant, measurement
        Which of the analysis, which of the workspace; None for the other one.
    bins
        What to call the bins.
    input_hashes
        sha256 of every table, or of the workspace.
    notes
        What belongs beside a number.
    channels
        Which bins belong together, with the edges of their axis where they have one.
    model
        That of the analysis; None for a workspace.
    samples
        What a workspace calls the sums of some components; empty: every component stands for itself.
    """

    name: str
    title: str
    likelihood: Likelihood
    poi: str
    reported: Reported
    variant: str | None
    measurement: str | None
    cite: tuple[str, ...]
    tables: tuple[Table, ...]
    bins: tuple[str, ...]
    input_hashes: Mapping[str, str]
    notes: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    model: Model | None = None
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def parameter(self, name: str) -> tuple[str, Reported]:
        """The fit parameter called ``name`` and how it is quoted.

        ``name`` may be that of the quoted quantity (``mu_nu`` for ``mu2``), and may leave out the analysis
        (``b0_scale`` for ``xenon1t_2020.b0_scale``).

        Raises
        ------
        UnknownName
            Nothing is called so.
        """
        found = _resolved(name, self.likelihood.names, {self.reported.name: self.poi})
        return found, self.reported if found == self.poi else _as_fitted(self.likelihood, found)


def open_problem(
    text: str,
    *,
    variant: str | None = None,
    measurement: str | None = None,
    normsys: NormSysCode | None = None,
    histosys: HistoSysCode | None = None,
    poi: str | None = None,
    bounds: tuple[float, float] | None = None,
) -> Problem:
    """The problem that ``text`` names.

    Parameters
    ----------
    text
        The id of an analysis; a declaration (``.toml``) or its folder; a pyhf workspace (``.json``), or ``-`` for one
        on standard input.
    variant
        Of an analysis; the default is its default.
    measurement, normsys, histosys
        Of a workspace: which measurement, and the interpolation codes, which the file does not state.
    poi, bounds
        Take the place of the declared parameter of interest, and of its bounds.

    Raises
    ------
    MissingInput, DeclarationError
        A file cannot be read, or breaks a rule.
    UnknownName
        There is no such analysis, variant, measurement or parameter.
    InputError
        A choice that the kind of input does not have.
    """
    if text == STDIN or text.endswith(".json"):
        _refuse("a workspace has no variants", {"--variant": variant}, "choose a --measurement")
        return _from_workspace(text, measurement, normsys or "code4", histosys or "code4p", poi, bounds)
    choices = {"--measurement": measurement, "--normsys-code": normsys, "--histosys-code": histosys}
    _refuse("only a pyhf workspace has this choice", choices, "leave it out: a declaration states its own factors")
    _require_declaration(text)
    return _from_analysis(Analysis.load(text), variant or DEFAULT, poi, bounds)


def fitted_value(reported: Reported, value: float) -> float:
    """The fit parameter that is quoted as ``value``; refuses what is no number, or has no real root."""
    if not math.isfinite(value) or (reported.power % 2 == 0 and value < 0):
        raise OutOfRange(
            f"{reported.name} cannot have this value",
            given=value,
            allowed="a number" + ("" if reported.power % 2 else f" >= 0 {reported.unit}"),
        )
    return reported.fitted(value)


def _from_analysis(analysis: Analysis, variant: str, poi: str | None, bounds: tuple[float, float] | None) -> Problem:
    if variant not in analysis.variants:
        raise UnknownName(
            "there is no such variant",
            where=str(analysis.path),
            given=variant,
            allowed=", ".join(analysis.variants),
            fix=did_you_mean(variant, list(analysis.variants)),
        )
    model = analysis.model(variant)
    name, reported, likelihood = model.poi, model.reported, model.likelihood
    if poi is not None:
        name = _resolved(poi, likelihood.names, {reported.name: model.poi})
        reported = reported if name == model.poi else _as_fitted(likelihood, name)
    if bounds is not None:
        likelihood = likelihood.bounded(name, *_checked(bounds))
    edges, axis = model.observed.edges, analysis.default.response.axis
    n, beside = len(edges) - 1, [measurement.name for measurement in model.declaration.measurement]
    spectrum = Channel(analysis.id, slice(0, n), edges, axis.unit)
    channels = (spectrum, *(Channel(label, slice(i, i + 1)) for i, label in enumerate(beside, n)))
    return Problem(
        name=analysis.id,
        title=analysis.default.title,
        likelihood=likelihood,
        poi=name,
        reported=reported,
        variant=variant,
        measurement=None,
        cite=model.cite,
        tables=model.tables,
        bins=(*(axis.span(low, high) for low, high in pairwise(edges)), *beside),
        input_hashes=likelihood.input_hashes,
        channels=() if likelihood.unbinned else channels,
        model=model,
    )


def _from_workspace(
    text: str,
    measurement: str | None,
    normsys: NormSysCode,
    histosys: HistoSysCode,
    poi: str | None,
    bounds: tuple[float, float] | None,
) -> Problem:
    source: str | Mapping[str, Any] = _standard_input() if text == STDIN else text
    bounds = None if bounds is None else _checked(bounds)
    workspace = read_workspace(
        source, measurement=measurement, poi=poi, poi_bounds=bounds, normsys=normsys, histosys=histosys
    )
    name = "workspace" if text == STDIN else Path(text).stem
    channels = workspace.channels.items()
    bins = [f"{channel}[{i + 1}]" for channel, where in channels for i in range(where.stop - where.start)]
    return Problem(
        name=name,
        title=f"{name}: pyhf workspace, measurement {workspace.measurement}",
        likelihood=workspace.likelihood,
        poi=workspace.poi,
        reported=workspace.reported,
        variant=None,
        measurement=workspace.measurement,
        cite=(),
        tables=(),
        bins=tuple(bins),
        input_hashes=workspace.likelihood.input_hashes,
        notes=(f"interpolation: normsys {workspace.normsys}, histosys {workspace.histosys}", *workspace.notes),
        channels=tuple(Channel(channel, where) for channel, where in channels),
        samples=workspace.samples,
    )


def _standard_input() -> Mapping[str, Any]:
    """The JSON object on standard input; a key that stands twice would hide the first."""
    try:
        raw = json.loads(sys.stdin.read(), object_pairs_hook=once)
    except (ValueError, RecursionError) as trouble:
        raise DeclarationError("standard input is not JSON", where="standard input", given=trouble) from trouble
    if not isinstance(raw, dict):
        raise DeclarationError(
            "standard input is not a pyhf workspace",
            where="standard input",
            given=type(raw).__name__,
            allowed="an object with channels, observations, measurements, version",
        )
    return raw


def _require_declaration(text: str) -> None:
    """Refuse what is neither an id nor the path of a declaration, naming everything that would have been good."""
    path, known = Path(text), shipped_analyses()
    if text in known or path.suffix == ".toml" or (path / "analysis.toml").is_file():
        return
    allowed = ", ".join(known) + "; the path of a declaration (.toml) or of a pyhf workspace (.json); - for standard in"
    if path.exists():
        raise InputError("this is neither a declaration nor a workspace", given=text, allowed=allowed)
    if "/" in text:
        raise MissingInput("there is no such file", given=text, allowed=allowed)
    raise UnknownName(
        "there is no such analysis",
        given=text,
        allowed=allowed,
        fix=did_you_mean(text, known) or "see 'eventfit list'",
    )


def _refuse(problem: str, choices: Mapping[str, str | None], fix: str) -> None:
    for option, value in choices.items():
        if value is not None:
            raise InputError(problem, given=f"{option} {value}", fix=fix)


def _checked(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not low < high:
        raise OutOfRange("the bounds enclose nothing", given=f"{low}, {high}", allowed="the lower one first")
    return low, high


def _resolved(name: str, names: Sequence[str], aliases: Mapping[str, str]) -> str:
    if name in names:
        return name
    if name in aliases:
        return aliases[name]
    local = [full for full in names if full.endswith(f".{name}")]
    if len(local) == 1:
        return local[0]
    known = [*names, *aliases]
    near = did_you_mean(name, [*known, *(full.rpartition(".")[2] for full in names)])
    raise UnknownName("there is no such parameter", given=name, allowed=", ".join(dict.fromkeys(known)), fix=near)


def _as_fitted(likelihood: Likelihood, name: str) -> Reported:
    return Reported(name, likelihood.parameters[likelihood.index(name)].unit)
