"""pyhf workspaces (JSON, schema 1.0.0) as likelihoods of ours, with the same meaning as in pyhf 0.7.

Bins stand channel by channel in the order of the file (pyhf sorts channels by name). Factors per bin with a constraint
(``shapesys``, ``staterror``) are eliminated in closed form wherever only one acts in a bin, so they are bounded by
zero alone, not by pyhf's 1e-10 and 10.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eventfit.errors import DeclarationError, MissingInput, UnknownName, ZeroPrediction, did_you_mean, located
from eventfit.io.histfactory import Morph, Parts, Sample, assemble
from eventfit.io.pyhf.modifiers import Use, layout, observed_counts, uses_of
from eventfit.io.pyhf.parameters import Parameters, declared_parameters
from eventfit.io.pyhf.schema import HistoSysDeclared, MeasurementDeclared, NormSysDeclared, WorkspaceDeclared
from eventfit.likelihood import Factor, Likelihood, NormSys, Power
from eventfit.parameters import Reported
from eventfit.quadrature import Array, Index
from eventfit.strict import validated

__all__ = ["Workspace", "read_workspace", "once"]

#: pyhf's names of the interpolation codes that it has, and ours
NORMSYS: dict[str, Literal[1, 4]] = {"code1": 1, "code4": 4}
HISTOSYS: dict[str, Literal["0", "4p"]] = {"code0": "0", "code4p": "4p"}


@dataclass(frozen=True, eq=False)
class Workspace:
    """One measurement of a workspace, ready for inference.

    Attributes
    ----------
    source
        The file, or ``workspace``.
    poi
        Parameter of interest.
    channels
        Channel -> its bins, in the order of the file.
    samples
        Sample -> names of the components it became: the nominal one and its morphs.
    held
        Fixed parameters with their values, among them factors of bins without uncertainty (at 1). They are folded into
        the templates and are no parameters of the likelihood; their constraints, constants, are left out.
    per_bin
        ``shapesys``, ``staterror`` and ``shapefactor`` -> the (first) bin of each of its factors, in pyhf's order.
    normsys, histosys
        Interpolation codes, pyhf's names.
    notes
        What belongs beside a number: settings without effect.
    """

    source: str
    measurement: str
    poi: str
    likelihood: Likelihood
    channels: Mapping[str, slice]
    samples: Mapping[str, tuple[str, ...]]
    held: Mapping[str, float]
    per_bin: Mapping[str, Index]
    normsys: str
    histosys: str
    notes: tuple[str, ...]

    @property
    def reported(self) -> Reported:
        """The parameter of interest is quoted as it is fitted."""
        return Reported(self.poi, "")

    def factors_per_bin(self, theta: Array) -> dict[str, Array]:
        """The factors of each of :attr:`per_bin`, (..., n): eliminated ones at their best, ordinary and held ones."""
        best = self.likelihood.bin_scales(theta)
        found = {}
        for name, bins in self.per_bin.items():
            columns = []
            for i, where in enumerate(bins):
                parameter = f"{name}[{i}]"
                if parameter in self.held:
                    columns.append(np.full(theta.shape[:-1], self.held[parameter]))
                elif parameter in self.likelihood.names:
                    columns.append(theta[..., self.likelihood.index(parameter)])
                else:
                    columns.append(best[name][..., where])
            found[name] = np.stack(np.broadcast_arrays(*columns), axis=-1)
        return found


def read_workspace(
    source: str | Path | Mapping[str, Any],
    *,
    measurement: str | None = None,
    poi: str | None = None,
    poi_bounds: tuple[float, float] | None = None,
    normsys: Literal["code1", "code4"] = "code4",
    histosys: Literal["code0", "code4p"] = "code4p",
) -> Workspace:
    """The likelihood of one measurement of a pyhf workspace.

    Differences from pyhf: factors of bins without yield or uncertainty are held whatever ``fixed`` says; free
    parameters that scale nothing are held at their start; what pyhf silently overwrites (a modifier, sample or channel
    that stands twice) is refused.

    Parameters
    ----------
    source
        Path of a JSON file, or its content.
    measurement
        Which of the file's measurements; needed where there are several.
    poi, poi_bounds
        Take the place of the measurement's parameter of interest and of its bounds; the start is moved inside.
    normsys, histosys
        Interpolation codes; the file does not state them. pyhf's defaults; HistFactory's were code1 and code0.

    Raises
    ------
    MissingInput
        The file cannot be read.
    DeclarationError
        It is not JSON, or breaks a rule of the schema or of HistFactory.
    UnknownName
        There is no such measurement, parameter or interpolation code.
    OutOfRange
        A parameter starts outside its bounds; a constraint without width.
    ZeroPrediction
        Events were observed in a bin where no sample expects any.
    """
    for code, known, of in ((normsys, NORMSYS, "normsys"), (histosys, HISTOSYS, "histosys")):
        if code not in known:
            raise UnknownName(f"{of} has no such interpolation code", given=code, allowed=", ".join(known))
    raw, where, sha256 = _content(source)
    declared = validated(WorkspaceDeclared, raw, where=f"{where}: ", error=DeclarationError)
    with located(where):
        chosen = _measurement(declared, measurement)
        channels = layout(declared)
        observed = observed_counts(declared, channels)
        uses = uses_of(declared)
        parameters = declared_parameters(chosen, uses, channels)
        where_poi = f"measurements[{chosen.name}].config.poi" if poi is None else "poi"
        poi = parameters.interest(chosen.config.poi if poi is None else poi, where_poi)
        if poi_bounds is not None:
            parameters = parameters.bounded(poi, poi_bounds)
        parts = _parts(declared, parameters, uses, channels, NORMSYS[normsys], HISTOSYS[histosys])
        _refuse_empty(parts, observed, channels)
        if poi in parts.idle:
            raise DeclarationError("the parameter of interest scales nothing", where=where_poi, given=poi)
        likelihood = Likelihood.build(
            parts.parameters, parts.components, observed, scales=parts.scales, input_hashes={"workspace": sha256}
        )
    starts = {p.name: p.start for p in parameters.parameters}
    return Workspace(
        source=where,
        measurement=chosen.name,
        poi=poi,
        likelihood=likelihood,
        channels=channels,
        samples=parts.samples,
        held={**parameters.held, **{name: starts[name] for name in parts.idle}},
        per_bin={factors.name: _first_bins(factors.entry) for factors in parameters.per_bin},
        normsys=normsys,
        histosys=histosys,
        notes=(*parameters.notes, *(f"{name} scales nothing and is held at {starts[name]:g}" for name in parts.idle)),
    )


def _content(source: str | Path | Mapping[str, Any]) -> tuple[Mapping[str, Any], str, str]:
    """The JSON object, what to call its source, and the sha256 of the file, or of the object in canonical form."""
    if isinstance(source, Mapping):
        try:
            canonical = json.dumps(source, sort_keys=True, allow_nan=True)
        except (TypeError, ValueError, RecursionError) as trouble:
            raise DeclarationError("the workspace is not JSON", where="workspace", given=trouble) from None
        return dict(source), "workspace", hashlib.sha256(canonical.encode()).hexdigest()
    try:
        content = Path(source).read_bytes()
    except (OSError, ValueError) as trouble:  # a null character in the name is a ValueError
        given = trouble.strerror if isinstance(trouble, OSError) else trouble
        raise MissingInput("the file cannot be read", where=str(source), given=given) from trouble
    try:
        raw = json.loads(content.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as trouble:
        raise DeclarationError("the file is not JSON in UTF-8", where=str(source), given=trouble) from trouble
    if not isinstance(raw, dict):
        raise DeclarationError(
            "the file is not a workspace",
            where=str(source),
            given=type(raw).__name__,
            allowed="a table with channels, observations, measurements, version",
        )
    return raw, str(source), hashlib.sha256(content).hexdigest()


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key that stands twice would hide the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one table")
    return found


def _measurement(declared: WorkspaceDeclared, wanted: str | None) -> MeasurementDeclared:
    names = [m.name for m in declared.measurements]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise DeclarationError("two measurements have one name", where=f"measurements[{repeated[0]}]")
    if wanted is None and len(names) == 1:
        return declared.measurements[0]
    if wanted not in names:
        raise UnknownName(
            "there is no such measurement" if wanted is not None else "the workspace has several measurements",
            where="measurements",
            given=wanted,
            allowed=", ".join(names),
            fix=did_you_mean(wanted, names) if wanted is not None else "choose one by its name",
        )
    return declared.measurements[names.index(wanted)]


def _parts(
    declared: WorkspaceDeclared,
    parameters: Parameters,
    uses: Mapping[str, Sequence[Use]],
    channels: Mapping[str, slice],
    normsys: Literal[1, 4],
    histosys: Literal["0", "4p"],
) -> Parts:
    """Every sample with its modifiers, in our terms."""
    carried: dict[tuple[str, str], list[Use]] = {}
    for used in uses.values():
        for use in used:
            carried.setdefault((use.channel, use.sample.name), []).append(use)
    samples = []
    for channel in declared.channels:
        for sample in channel.samples:
            factors: list[Factor] = []
            morphs, per_bin = [], []
            for modifier in (use.modifier for use in carried.get((channel.name, sample.name), [])):
                if isinstance(modifier, NormSysDeclared):
                    factors.append(NormSys(modifier.name, modifier.data.lo, modifier.data.hi, normsys))
                elif isinstance(modifier, HistoSysDeclared):
                    lo, hi = (np.array(x, dtype=float) for x in (modifier.data.lo_data, modifier.data.hi_data))
                    morphs.append(Morph(modifier.name, lo, hi))
                elif modifier.type in ("normfactor", "lumi"):
                    factors.append(Power(modifier.name))
                else:
                    per_bin.append(modifier.name)
            counts = np.array(sample.data, dtype=float)
            bins = channels[channel.name]
            samples.append(
                Sample(channel.name, sample.name, bins, counts, tuple(factors), tuple(morphs), tuple(per_bin))
            )
    n_bin = sum(bins.stop - bins.start for bins in channels.values())
    return assemble(parameters.parameters, parameters.held, samples, parameters.per_bin, n_bin, histosys)


def _refuse_empty(parts: Parts, observed: Array, channels: Mapping[str, slice]) -> None:
    possible = np.any([component.counts != 0 for component in parts.components], axis=0)
    for i in np.flatnonzero((observed > 0) & ~possible):
        channel, bins = next((name, bins) for name, bins in channels.items() if bins.start <= i < bins.stop)
        raise ZeroPrediction(
            "events were observed in a bin where no sample expects any",
            where=f"observations[{channel}].data[{i - bins.start + 1}]",
            given=f"{observed[i]:g} observed, 0 expected",
            fix="add the missing sample, or leave the bin out",
        )


def _first_bins(entry: Index) -> Index:
    """First bin of each factor, (n,), for ``entry`` (n_bin,)."""
    return np.array([int(np.argmax(entry == i)) for i in range(entry.max() + 1)], dtype=int)
