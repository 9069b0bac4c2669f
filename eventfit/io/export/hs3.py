"""A likelihood in the HEP Statistics Serialization Standard (HS3, JSON).

Every channel is a ``histfactory_dist``. Conventions of the standard that programs read differently are avoided:
auxiliary measurements are distributions of their own (``gaussian_dist``, ``poisson_dist``) with constant observed
values, not the ``constraint`` of a modifier; factors per bin are ``shapefactor``; relative or absolute errors do not
occur. Only parameters of ``normsys`` and ``histosys`` have the constraint of their modifier, the unit gaussian around
zero. A linear factor ``1 + r theta`` becomes its own parameter with a gaussian of width r around one; where a
parameter acts in several ways, its powers and linear functions are functions of the document. So little is lost.

``interpolation`` is written where the standard has a word for it (``log``, ``lin``, ``poly6``), and in ``data`` with
its HistFactory code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

from eventfit.errors import ExportLoss
from eventfit.io.export.channel import Channel, checked_channels
from eventfit.io.export.functions import Functions, linear_terms
from eventfit.io.export.report import Exported, ExportReport, settle
from eventfit.io.export.samples import HISTOSYS, NORMSYS, Interpolated, Role, Sample, assemble, best_code, roles_of
from eventfit.io.export.usage import Use, observed_auxiliary, practical_bounds, require_binned, uses_of
from eventfit.likelihood import Likelihood
from eventfit.parameters import GaussianConstraint, PoissonConstraint
from eventfit.quadrature import Array

__all__ = ["export_hs3"]

#: version of the standard, and its words for the interpolation codes that it has
HS3_VERSION = "0.2.0"
WORDS = {"code1": "log", "code0": "lin", "code4p": "poly6"}
#: HistFactory's first code, which HS3 has and pyhf has not
LINEAR = "code0"
UNSCALED = "unscaled"
Json = dict[str, Any]


def export_hs3(
    likelihood: Likelihood,
    poi: str,
    *,
    channels: Sequence[Channel] = (),
    title: str = "",
    publications: Sequence[str] = (),
    allow_loss: bool = False,
) -> Exported:
    """The document of ``likelihood`` with the parameter of interest ``poi``.

    Parameters
    ----------
    channels
        Which bins are a channel and their axes; by default all are one.
    title, publications
        For its metadata.
    allow_loss
        Whether near equalities are accepted; they stand in the report.

    Raises
    ------
    InputError
        A likelihood of single events, or of many data sets.
    ExportLoss
        HS3 cannot say it, or only nearly and that is not allowed.
    """
    require_binned(likelihood, "HS3")
    likelihood.index(poi)
    where = checked_channels(channels, likelihood)
    uses = uses_of(likelihood)
    names = _names([*likelihood.names, *(s.name for s in likelihood.scales)])
    roles = roles_of(likelihood, uses, names=names, factors=_factors(likelihood, uses), square_free=False)
    functions = Functions()
    samples, normsys = assemble(likelihood, uses, roles, functions.beyond)
    morphs = [f for sample in samples for morph in sample.morphs.values() for f in morph.functions]
    codes = _codes(normsys, (*NORMSYS, LINEAR)), _codes(morphs, HISTOSYS)
    lost = [f.loss(codes[0][f.parameter]) for f in normsys] + [f.loss(codes[1][f.parameter]) for f in morphs]
    lost = list(dict.fromkeys(text for text in lost if text))
    settle(lost, allow_loss=allow_loss, where="HS3", instead="or use a likelihood without that factor")
    labels = _names([c.name for c in where])
    gammas = {s.name: [f"gamma_{names[s.name]}_{i}" for i in range(1, likelihood.n_bin + 1)] for s in likelihood.scales}
    made = _Document(likelihood, uses, roles, samples, gammas, codes, functions)
    counted = [c for c in where if likelihood.counted[c.bins].all()]
    distributions = [made.channel(c, labels[c.name]) for c in counted]
    made.constrain(distributions)
    for c in (c for c in where if c not in counted):
        made.measure(c, labels[c.name])
    data = [
        {
            "name": f"{labels[c.name]}_data",
            "type": "binned",
            "axes": [_axis(c, labels[c.name])],
            "contents": likelihood.data.counts[c.bins].tolist(),
        }
        for c in counted
    ]
    document = {
        "metadata": {
            "hs3_version": HS3_VERSION,
            "packages": [{"name": "eventfit", "version": version("eventfit")}],
            "publications": list(publications),
            "description": title,
        },
        "distributions": [*distributions, *made.auxiliary],
        "functions": functions.made,
        "data": data,
        "likelihoods": [
            {
                "name": "likelihood",
                "distributions": [d["name"] for d in distributions],
                "data": [d["name"] for d in data],
                "aux_distributions": [d["name"] for d in made.auxiliary],
            }
        ],
        "domains": [{"name": "domain", "type": "product_domain", "axes": made.domain}],
        "parameter_points": [{"name": "start", "parameters": made.start}],
        "analyses": [
            {
                "name": "analysis",
                "likelihood": "likelihood",
                "domains": ["domain"],
                "init": "start",
                "parameters_of_interest": [roles[poi].name],
            }
        ],
    }
    translations = tuple(role.translation for role in roles.values())
    notes = _notes(functions, codes, gammas, likelihood)
    return Exported(document, ExportReport("hs3", roles[poi].name, {}, tuple(lost), notes, translations))


# -- what parameters become -------------------------------------------------------------------------------------------


def _names(names: Sequence[str]) -> dict[str, str]:
    """Names of letters, digits and underscores, which every program takes, all different."""
    found: dict[str, str] = {}
    for name in names:
        new = re.sub(r"\W+", "_", name).strip("_") or "parameter"
        new = f"p_{new}" if new[0].isdigit() else new
        while new in found.values():
            new += "_"
        found[name] = new
    return found


def _factors(likelihood: Likelihood, uses: Mapping[str, Mapping[str, Use]]) -> list[str]:
    """Gaussian-constrained parameters that scale alike wherever they act, and are a factor of their own."""
    found = []
    for p in likelihood.parameters:
        lines = {None if use.sides else use.affine for use in uses[p.name].values()}
        line = lines.pop() if len(lines) == 1 else None
        if line is not None and line[1] and (line[0] or p.start != 0.0):
            found.append(p.name)
    return found


def _codes(functions: Sequence[Interpolated], codes: Sequence[str]) -> dict[str, str]:
    """The interpolation code of every parameter."""
    return {
        name: best_code([f for f in functions if f.parameter == name], codes)
        for name in dict.fromkeys(f.parameter for f in functions)
    }


# -- the document -----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Document:
    """Parts of the document in the making: auxiliary distributions, the domain and the start point."""

    likelihood: Likelihood
    uses: Mapping[str, Mapping[str, Use]]
    roles: Mapping[str, Role]
    samples: Sequence[Sample]
    gammas: Mapping[str, list[str]]
    codes: tuple[Mapping[str, str], Mapping[str, str]]
    functions: Functions
    auxiliary: list[Json] = field(default_factory=list)
    domain: list[Json] = field(default_factory=list)
    start: list[Json] = field(default_factory=list)

    def constrain(self, channels: Sequence[Json]) -> None:
        """Parameters with their auxiliary measurements, and the factors per bin with theirs."""
        stated, per_bin = observed_auxiliary(self.likelihood)
        modifiers = [m for channel in channels for sample in channel["samples"] for m in sample["modifiers"]]
        modified = {m["parameter"] for m in modifiers if "constraint" in m}
        for name, role in self.roles.items():
            p, t = role.parameter, role.translation
            low, high = sorted(t.value(end) for end in practical_bounds(p, self.likelihood, self.uses[name]))
            self._parameter(role.name, t.value(p.start), low, high)
            if isinstance(p.constraint, PoissonConstraint):
                self._counted(role.name, stated[name], p.constraint.tau)
            elif isinstance(p.constraint, GaussianConstraint):
                observed, width = t.value(stated[name]), p.constraint.width * abs(t.slope)
                if role.name not in modified:
                    self._measured(role.name, observed, width)
                elif observed != 0.0:
                    raise ExportLoss(
                        "HS3 constrains the parameters of normsys and histosys around zero",
                        where=name,
                        given=f"measured at {observed:g}",
                        fix="export the data that were observed",
                    )
        for scale in self.likelihood.scales:
            for i in np.flatnonzero(scale.strength > 0):
                gamma, observed, strength = self.gammas[scale.name][i], per_bin[scale.name][i], scale.strength[i]
                poisson = scale.constraint == "poisson"
                best = float(observed / strength) if poisson else float(observed)
                self._parameter(gamma, max(best, 1e-10), 0.0, 10.0 * max(1.0, best))
                (self._counted if poisson else self._measured)(gamma, float(observed), float(strength))
        if any(np.any(scale.strength == 0) for scale in self.likelihood.scales):
            self._constant(UNSCALED, 1.0)

    def _parameter(self, name: str, start: float, low: float, high: float) -> None:
        self.domain.append({"name": name, "min": low, "max": high})
        self.start.append({"name": name, "value": start})

    def _constant(self, name: str, value: float) -> str:
        self.start.append({"name": name, "value": value, "const": True})
        return name

    def _measured(self, name: str, observed: float, width: float) -> None:
        x = self._constant(f"nom_{name}", observed)
        self.auxiliary.append(
            {"name": f"{name}_constraint", "type": "gaussian_dist", "x": x, "mean": name, "sigma": width}
        )

    def _counted(self, name: str, observed: float, tau: float) -> None:
        x, factor = self._constant(f"nom_{name}", observed), self._constant(f"tau_{name}", tau)
        mean = self.functions.product(f"expected_{name}", [factor, name])
        self.auxiliary.append({"name": f"{name}_constraint", "type": "poisson_dist", "x": x, "mean": mean})

    def measure(self, channel: Channel, label: str) -> None:
        """A gaussian around the expectation of every bin of a channel of measured numbers."""
        for i in range(self.likelihood.n_bin)[channel.bins]:
            stem = f"{label}_{i - channel.bins.start + 1}"
            terms = [term for sample in self.samples if sample.size[i] > 0 for term in linear_terms(sample, i)]
            mean = self.functions.expression(f"expected_{stem}", " + ".join(terms) or "0.0")
            x = self._constant(f"nom_{stem}", float(self.likelihood.data.counts[i]))
            error = float(self.likelihood.errors[i])
            self.auxiliary.append({"name": stem, "type": "gaussian_dist", "x": x, "mean": mean, "sigma": error})

    def channel(self, channel: Channel, label: str) -> Json:
        """A channel with its samples, those without content left out but for one."""
        here = [s for s in self.samples if s.size[channel.bins].any()] or self.samples[:1]
        return {
            "name": label,
            "type": "histfactory_dist",
            "axes": [_axis(channel, label)],
            "samples": [self._sample(sample, channel) for sample in here],
        }

    def _sample(self, sample: Sample, channel: Channel) -> Json:
        counts, scales = sample.counts[channel.bins], self.likelihood.scales
        modifiers: list[Json] = [{"name": f, "type": "normfactor", "parameter": f} for f in sample.factors]
        for side in sample.sides:
            factors = {"lo": side.low, "hi": side.high}
            modifiers.append(_constrained(side.name, "normsys", self.codes[0][side.name], factors))
        for name, morph in sample.morphs.items():
            sides = {"lo": morph.low, "hi": morph.high}
            data: Json = {
                side: {"contents": (counts + change[channel.bins]).tolist()} for side, change in sides.items()
            }
            modifiers.append(_constrained(name, "histosys", self.codes[1][name], data))
        for scale in (s for s in scales if s.name in sample.scales and s.strength[channel.bins].any()):
            own = zip(scale.strength[channel.bins], self.gammas[scale.name][channel.bins], strict=True)
            parameters = [gamma if strength > 0 else UNSCALED for strength, gamma in own]
            modifiers.append({"name": scale.name, "type": "shapefactor", "parameters": parameters})
        contents = {"contents": counts.tolist(), "errors": [0.0] * len(counts)}
        return {"name": sample.name, "data": contents, "modifiers": modifiers}


def _constrained(name: str, kind: str, code: str, data: Json) -> Json:
    word = {"interpolation": WORDS[code]} if code in WORDS else {}
    modifier = {"name": name, "type": kind, "parameter": name, "constraint": "Gauss", **word}
    return {**modifier, "data": {**data, "interpolation": code}}


def _axis(channel: Channel, label: str) -> Json:
    edges: Array = channel.axis
    regular = np.allclose(edges, np.linspace(edges[0], edges[-1], len(edges)), rtol=0.0, atol=1e-12 * np.ptp(edges))
    bins: Json = {"nbins": len(channel)} if regular else {"edges": edges.tolist()}
    return {"name": f"obs_{label}", "min": float(edges[0]), "max": float(edges[-1]), **bins}


def _notes(
    functions: Functions,
    codes: tuple[Mapping[str, str], Mapping[str, str]],
    gammas: Mapping[str, list[str]],
    likelihood: Likelihood,
) -> tuple[str, ...]:
    notes = []
    if codes[1] and likelihood.counted.any():
        notes.append("histosys contents are those at -1 and +1, not differences")
    if "code4" in codes[0].values():
        notes.append("normsys has code4, for which HS3 has no word: it is the default of RooFit and pyhs3")
    if used := [f["name"] for f in functions.made if not f["name"].startswith("expected_")]:
        notes.append(f"factors that are functions, which not every program takes: {', '.join(used)}")
    if not likelihood.counted.all():
        notes.append("numbers measured with an error are auxiliary distributions, their means functions")
    if gammas:
        notes.append(f"factors per bin are parameters of their own: {', '.join(gammas)}")
    return tuple(notes)
