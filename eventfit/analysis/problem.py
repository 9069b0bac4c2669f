"""What a question is asked about: an analysis, a declaration of the user, or a pyhf workspace, opened alike."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from eventfit.analysis.channels import bins_of
from eventfit.analysis.installed import shipped_analyses
from eventfit.analysis.model import Analysis, Model
from eventfit.analysis.reading import DEFAULT
from eventfit.analysis.recoil_spectrum import RecoilSpectrum
from eventfit.errors import DeclarationError, InputError, MissingInput, OutOfRange, UnknownName, did_you_mean
from eventfit.io import Channel, read_workspace
from eventfit.io.pyhf.reading import once
from eventfit.likelihood import Likelihood
from eventfit.parameters import Reported
from eventfit.tables import Table

__all__ = ["Problem", "asking", "fitted_value", "open_problem", "problem_of"]

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
    parts
        The problems of which this one is the combination; empty: it is none.
    assumptions
        What a combination takes for granted: it stands on the method card.
    signal
        The recoil spectrum of a recast, in place of the declared signal.
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
    parts: tuple[Problem, ...] = ()
    assumptions: tuple[str, ...] = ()
    signal: RecoilSpectrum | None = None

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
    text: str | Analysis,
    *,
    variant: str | None = None,
    measurement: str | None = None,
    normsys: NormSysCode | None = None,
    histosys: HistoSysCode | None = None,
    poi: str | None = None,
    bounds: tuple[float, float] | None = None,
    signal: RecoilSpectrum | None = None,
) -> Problem:
    """The problem that ``text`` names.

    Parameters
    ----------
    text
        The id of an analysis; a declaration (``.toml``) or its folder; a pyhf workspace (``.json``), or ``-`` for one
        on standard input. Or an analysis that was loaded before, or made in Python.
    variant
        Of an analysis; the default is its default.
    measurement, normsys, histosys
        Of a workspace: which measurement, and the interpolation codes, which the file does not state.
    poi, bounds
        Take the place of the declared parameter of interest, and of its bounds.
    signal
        Takes the place of the declared signal, see :func:`eventfit.recast`.

    Raises
    ------
    MissingInput, DeclarationError
        A file cannot be read, or breaks a rule.
    UnknownName
        There is no such analysis, variant, measurement or parameter.
    InputError
        A choice that the kind of input does not have.
    """
    if isinstance(text, Analysis):
        return problem_of(text, variant or DEFAULT, poi, bounds, signal)
    if text == STDIN or text.endswith(".json"):
        _refuse("a workspace has no variants", {"--variant": variant}, "choose a --measurement")
        recast = {"--spectrum": None if signal is None else signal.name}
        _refuse("a workspace has no response to put a spectrum through", recast, "declare the experiment")
        return _from_workspace(text, measurement, normsys or "code4", histosys or "code4p", poi, bounds)
    choices = {"--measurement": measurement, "--normsys-code": normsys, "--histosys-code": histosys}
    _refuse("only a pyhf workspace has this choice", choices, "leave it out: a declaration states its own factors")
    _require_declaration(text)
    return problem_of(Analysis.load(text), variant or DEFAULT, poi, bounds, signal)


def fitted_value(reported: Reported, value: float) -> float:
    """The fit parameter that is quoted as ``value``; refuses what is no number, or has no real root."""
    if not math.isfinite(value) or (reported.power % 2 == 0 and value < 0):
        raise OutOfRange(
            f"{reported.name} cannot have this value",
            given=value,
            allowed="a number" + ("" if reported.power % 2 else f" >= 0 {reported.unit}"),
        )
    return reported.fitted(value)


def problem_of(
    analysis: Analysis,
    variant: str = DEFAULT,
    poi: str | None = None,
    bounds: tuple[float, float] | None = None,
    signal: RecoilSpectrum | None = None,
) -> Problem:
    """The problem of a ``variant``, with another ``signal`` that of a recast; ``poi``, ``bounds`` as above."""
    if variant not in analysis.variants:
        raise UnknownName(
            "there is no such variant",
            where=str(analysis.path),
            given=variant,
            allowed=", ".join(analysis.variants),
            fix=did_you_mean(variant, list(analysis.variants)),
        )
    model = analysis.model(variant, signal=signal)
    likelihood = model.likelihood
    bins, channels = bins_of(model)
    found = Problem(
        name=analysis.id if signal is None else f"{analysis.id}_{signal.name}",
        title=analysis.default.title if signal is None else f"{analysis.default.title}: recast of {signal.name}",
        likelihood=likelihood,
        poi=model.poi,
        reported=model.reported,
        variant=variant,
        measurement=None,
        cite=model.cite,
        tables=model.tables,
        bins=bins,
        input_hashes=likelihood.input_hashes,
        channels=() if likelihood.unbinned else channels,
        notes=_conventions(model)
        if signal is None
        else signal.notes(model.declaration, model.templates[-1].numerical_error),
        model=model,
        signal=signal,
    )
    return asking(found, poi, bounds)


def asking(problem: Problem, poi: str | None, bounds: tuple[float, float] | None) -> Problem:
    """The same problem asked about ``poi``, kept inside ``bounds``; None leaves what is there."""
    name, reported = (problem.poi, problem.reported) if poi is None else problem.parameter(poi)
    likelihood = problem.likelihood
    if bounds is not None:
        likelihood = likelihood.bounded(name, *_checked(bounds))
    return replace(problem, poi=name, reported=reported, likelihood=likelihood)


def _conventions(model: Model) -> tuple[str, ...]:
    """What has to be known of the parameter of interest to compare it with another paper's."""
    said = [c.convention for c in model.couplings if c.reported == model.reported.name and c.convention]
    return tuple(f"convention: {convention}" for convention in dict.fromkeys(said))


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
