"""Several experiments in one likelihood, if their data are independent and their parameters mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from eventfit.analysis.model import Model
from eventfit.analysis.problem import Problem, asking, open_problem
from eventfit.analysis.recoil_spectrum import RecoilSpectrum
from eventfit.analysis.universality import universality_notes
from eventfit.errors import InputError, NotIndependent, UnknownName
from eventfit.io import Channel
from eventfit.likelihood import joint
from eventfit.tables import Table

__all__ = ["combine", "open_problems"]


def open_problems(
    texts: Sequence[str],
    *,
    variant: str | None = None,
    poi: str | None = None,
    bounds: tuple[float, float] | None = None,
    universal: bool = False,
    signal: RecoilSpectrum | None = None,
) -> Problem:
    """The combination of the analyses and declarations that ``texts`` name; see :func:`combine`.

    ``variant`` says which of which: ``xenon1t_2020=tritium_free,other=name``; the others are at their default.
    """
    chosen = _variants(variant)
    parts = []
    for text in texts:
        part = open_problem(text, signal=signal)
        if part.model is not None and (name := chosen.pop(part.model.analysis, None)) is not None:
            part = open_problem(text, variant=name, signal=signal)
        parts.append(part)
    if chosen:
        raise UnknownName(
            "a variant is chosen of an analysis that is not combined",
            given=", ".join(chosen),
            allowed=", ".join(part.name for part in parts),
        )
    return combine(parts, universal=universal, poi=poi, bounds=bounds)


def combine(
    problems: Sequence[Problem],
    *,
    universal: bool = False,
    poi: str | None = None,
    bounds: tuple[float, float] | None = None,
) -> Problem:
    """The problem of all ``problems`` together: bins side by side, global parameters once.

    Global are couplings and what declarations share; a declared parameter is called ``analysis.name`` and is local. The
    order of the problems changes nothing, not even a toy: parts are sorted by name.

    Parameters
    ----------
    problems
        Opened analyses or declarations with one parameter of interest; a single one is returned as it is.
    universal
        Whether couplings of all flavours (``mu_nu``, ``q_nu``, ``r2_nu``) are the same for all neutrinos. Without it
        they combine only where the signals come from the same neutrinos.
    poi, bounds
        Take the place of the common parameter of interest, and of its bounds.

    Raises
    ------
    InputError
        A workspace among them, parameters of interest that differ.
    NotIndependent
        Data of one origin, or one file twice.
    NotUniversal
        Effective couplings of different neutrinos.
    DeclarationError
        Two analyses of one name; a shared parameter that is declared in two ways.
    """
    if not problems:
        raise InputError("nothing to combine", given="no problem", allowed="one or more")
    if len(problems) == 1:
        return asking(problems[0], poi, bounds)
    parts = sorted(problems, key=lambda problem: problem.name)
    models = [_model(part) for part in parts]
    _require_independent(models)
    _require_names(models)
    if poi is None:
        _require_common_poi(parts)
    notes = (
        *(_said(part) for part in parts),
        *_one_signal(parts),
        *_differences(parts, models),
        *(f"{part.name}: {note}" for part in parts for note in part.notes),
    )
    hashes = _hashes(parts)
    likelihood = joint({part.name: part.likelihood for part in parts}, hashes)
    names = [part.name for part in parts]
    whole = Problem(
        name="+".join(names),
        title=f"Combination of {', '.join(names[:-1])} and {names[-1]}",
        likelihood=likelihood,
        poi=parts[0].poi,
        reported=parts[0].reported,
        variant=None,
        measurement=None,
        cite=tuple(dict.fromkeys(key for part in parts for key in part.cite)),
        tables=_tables(parts),
        bins=tuple(f"{part.name} {label}" for part in parts for label in _bins(part)),
        input_hashes=hashes,
        notes=notes,
        assumptions=universality_notes(models, universal=universal),
        channels=() if likelihood.unbinned else tuple(_channels(parts)),
    )
    whole = asking(whole, poi, bounds)
    asked = tuple(asking(part, whole.poi, bounds) for part in parts if whole.poi in part.likelihood.names)
    return replace(whole, parts=asked)


def _variants(text: str | None) -> dict[str, str]:
    """``a=x,b=y`` taken apart."""
    pairs = [pair.partition("=") for pair in text.split(",")] if text is not None else []
    if any(not (analysis and name) for analysis, _, name in pairs):
        raise InputError(
            "of several analyses a variant says whose it is",
            given=f"--variant {text}",
            allowed="ANALYSIS=VARIANT, several with commas between them",
        )
    return {analysis.strip(): name.strip() for analysis, _, name in pairs}


def _model(part: Problem) -> Model:
    if part.parts:
        raise InputError(
            "a combination is not combined again", given=part.name, fix="combine all of its parts in one call"
        )
    if part.model is None:
        raise InputError(
            "a pyhf workspace does not combine: it does not say which data it rests on, nor what its parameters mean",
            given=part.name,
            allowed="ids of analyses and declarations (.toml)",
            fix="combine workspaces with 'pyhf combine'; declare the experiment to combine it here",
        )
    return part.model


def _origins(model: Model) -> Iterator[tuple[str, str]]:
    """Every origin of the data behind ``model``, and where it is declared."""
    declared = model.declaration
    for origin in declared.data.origin:
        yield origin, f"{model.analysis}: data.origin"
    for measurement in declared.measurement:
        for origin in measurement.origin:
            yield origin, f"{model.analysis}: measurement[{measurement.name}].origin"


def _require_independent(models: Sequence[Model]) -> None:
    seen: dict[str, tuple[int, str]] = {}
    for number, model in enumerate(models):
        for origin, where in _origins(model):
            before, first = seen.setdefault(origin, (number, where))
            if before != number:
                raise NotIndependent(
                    "data of one origin do not combine: their events would count twice",
                    where=f"{first} and {where}",
                    given=origin,
                    allowed="data sets without a common origin",
                    fix="leave one of the two out"
                    if models[before].analysis != model.analysis
                    else "name the analysis once; its variants describe the same data",
                )


def _require_names(models: Sequence[Model]) -> None:
    """Refuse two analyses of one name: their local parameters would be taken for one."""
    names = [model.analysis for model in models]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    nested = [one for one in names for other in names if other.startswith(f"{one}.")]
    if repeated or nested:
        raise InputError(
            "two analyses have one name, so their parameters could not be told apart",
            given=", ".join(repeated or nested),
            allowed="a different name for every analysis: that of its file, or of the folder of its analysis.toml",
            fix="rename one of the files or folders",
        )


def _require_common_poi(parts: Sequence[Problem]) -> None:
    """Refuse parameters of interest that differ, or are local."""
    asked = {part.name: (part.poi, part.reported) for part in parts}
    if len(set(asked.values())) > 1:
        local = any(part.poi.startswith(f"{_model(part).analysis}.") for part in parts)
        raise UnknownName(
            "the experiments do not have one parameter of interest",
            given="; ".join(f"{name}: {reported.name}" for name, (_, reported) in asked.items()),
            allowed="one coupling, or one norm that all of them share",
            fix="share the norm in every declaration" if local else "choose it with --poi, or a --variant of one",
        )


def _said(part: Problem) -> str:
    model = _model(part)
    origins = ", ".join(origin for origin, _ in _origins(model))
    variant = "" if part.variant in (None, "default") else f", variant {part.variant}"
    expected = "; expected, not observed, data" if model.kind == "expected" else ""
    return f"{part.name}{variant}: {part.title} (data: {origins}{expected})"


def _one_signal(parts: Sequence[Problem]) -> Iterator[str]:
    """Refuse different spectra under one strength, and one rate per kg in different materials."""
    signals = {part.name: part.signal for part in parts if part.signal is not None}
    if not signals:
        return
    same = {signal.sha256 or id(signal) for signal in signals.values()}
    if len(same) > 1 or len(signals) < len(parts):
        raise InputError(
            "a strength belongs to one spectrum, put through every experiment",
            given=", ".join(f"{name}: {signal.name}" for name, signal in signals.items()),
            allowed="the same spectrum for all of them",
        )
    materials = {_model(part).declaration.target.material for part in parts}
    if len(materials) > 1 and not all(signal.per_electron for signal in signals.values()):
        raise InputError(
            "a rate per kg is that of one material",
            given=f"one spectrum of rates in {', '.join(sorted(materials))}",
            allowed="experiments with the same target, or a cross section per electron with its flux",
            fix="give sigma_cm2_per_keV and --flux",
        )
    yield "one spectrum is put through all experiments: strength is common to them"


def _differences(parts: Sequence[Problem], models: Sequence[Model]) -> Iterator[str]:
    """What a reader should know: parameters that are shared, oscillation that is not described alike."""
    names = [p.name for part in parts for p in part.likelihood.parameters]
    shared = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    yield f"shared parameters: {', '.join(shared)}"
    described = {
        part.name: model.declaration.oscillation.parameters
        for part, model in zip(parts, models, strict=True)
        if model.declaration.oscillation is not None
    }
    if len(set(described.values())) > 1:
        yield "oscillation parameters differ: " + ", ".join(f"{name} {found}" for name, found in described.items())
    kinds = {model.kind for model in models}
    if "expected" in kinds and len(kinds) > 1:
        yield "expected data stand beside observed ones: this is no result of a measurement"


def _hashes(parts: Sequence[Problem]) -> Mapping[str, str]:
    """sha256 of every input; two files of one name are called by the analysis that reads them."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for name, sha256 in part.input_hashes.items():
            found.setdefault(name, set()).add(sha256)
    return {
        name if len(found[name]) == 1 else f"{part.name}: {name}": sha256
        for part in parts
        for name, sha256 in part.input_hashes.items()
    }


def _tables(parts: Sequence[Problem]) -> tuple[Table, ...]:
    """Every table once; two of one name are called by the analysis that reads them."""
    found: dict[tuple[str, str], tuple[str, Table]] = {}
    for part in parts:
        for table in part.tables:
            found.setdefault((table.name, table.sha256), (part.name, table))
    names = [name for name, _ in found]
    return tuple(
        table if names.count(table.name) == 1 else replace(table, name=f"{owner}: {table.name}")
        for owner, table in found.values()
    )


def _bins(part: Problem) -> Sequence[str]:
    """Labels of all bins of the likelihood; those of single events by their number."""
    n = part.likelihood.n_bin
    return part.bins if len(part.bins) == n else ("without events", *(f"event {i}" for i in range(1, n)))


def _channels(parts: Sequence[Problem]) -> Iterator[Channel]:
    start = 0
    for part in parts:
        for channel in part.channels:
            name = part.name if channel.name == part.name else f"{part.name}.{channel.name}"
            bins = slice(start + channel.bins.start, start + channel.bins.stop)
            yield Channel(name, bins, channel.edges, channel.unit)
        start += part.likelihood.n_bin
