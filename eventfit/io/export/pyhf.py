"""A likelihood as a pyhf workspace (JSON, schema 1.0.0).

| ours | there |
| --- | --- |
| ``Power`` of a free parameter | ``normfactor``; of theta**k alone: of that power |
| ``GaussianScale``, odd and even parts of morphs | ``histosys``; exact with either code where symmetric |
| a second linear factor on the same component | ``lumi``, which only one parameter can be |
| ``NormSys``, ``LogNormalScale`` | ``normsys``; the log-normal factor is code1 with hi = 1 / lo |
| a Poisson constraint | a channel of one bin that expects tau times the ``normfactor`` |
| factors per bin | ``staterror``; ``shapesys`` on one sample; ``shapefactor`` with a channel of its own on several |

What pyhf can only say nearly is listed in the report and refused unless the caller allows it; what it cannot say at all
(an interference of theta and theta**2, a number measured with a gaussian error) is always refused: no parameter, no
component and no datum is ever left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eventfit.errors import ExportLoss
from eventfit.io.export.channel import Channel, checked_channels
from eventfit.io.export.per_bin import PerBin, per_bin_factors
from eventfit.io.export.report import Exported, ExportReport, settle
from eventfit.io.export.samples import HISTOSYS, LUMI, NORMSYS, Morph, Role, Sample, assemble, best_code, roles_of
from eventfit.io.export.usage import Use, observed_auxiliary, practical_bounds, require_binned, uses_of
from eventfit.likelihood import Likelihood
from eventfit.parameters import GaussianConstraint, PoissonConstraint
from eventfit.quadrature import Array

__all__ = ["export_pyhf"]

Json = dict[str, Any]


def export_pyhf(
    likelihood: Likelihood,
    poi: str,
    *,
    channels: Sequence[Channel] = (),
    measurement: str = "measurement",
    allow_loss: bool = False,
) -> Exported:
    """The workspace of ``likelihood`` with the parameter of interest ``poi``.

    Parameters
    ----------
    channels
        Which bins are a channel; by default all are one.
    allow_loss
        Whether near equalities are accepted; they stand in the report.

    Raises
    ------
    InputError
        A likelihood of single events, or of many data sets.
    ExportLoss
        pyhf cannot say it, or only nearly and that is not allowed.
    """
    require_binned(likelihood, "pyhf")
    likelihood.index(poi)
    where = checked_channels(channels, likelihood)
    _refuse_measured(likelihood)
    uses = uses_of(likelihood)
    lumi = _lumi(likelihood, uses)
    names = _names(likelihood, lumi)
    roles = roles_of(likelihood, uses, names=names, factors=[lumi] if lumi else [], square_free=True)
    samples, normsys = assemble(likelihood, uses, roles, _nothing)
    morphs = [f for sample in samples for morph in sample.morphs.values() for f in morph.functions]
    settings = {"normsys": best_code(normsys, NORMSYS), "histosys": best_code(morphs, HISTOSYS)}
    lost = [f.loss(settings["normsys"]) for f in normsys] + [f.loss(settings["histosys"]) for f in morphs]
    lost = list(dict.fromkeys(text for text in lost if text))
    settle(lost, allow_loss=allow_loss, where="pyhf", instead="or export to HS3, which says linear factors exactly")
    _keep_unused(samples, roles)
    stated, per_bin = observed_auxiliary(likelihood)
    gammas = per_bin_factors(likelihood, samples, where, per_bin)
    counted = {
        name: f"{name} auxiliary"
        for name, role in roles.items()
        if isinstance(role.parameter.constraint, PoissonConstraint)
    }
    document = {
        "channels": [_channel(c, samples, gammas, roles, first=c is where[0]) for c in where]
        + [_off_channel(label, roles[name]) for name, label in counted.items()]
        + [gamma.auxiliary_channel() for gamma in gammas if gamma.kind == "shapefactor"],
        "observations": [{"name": c.name, "data": likelihood.data.counts[c.bins].tolist()} for c in where]
        + [{"name": label, "data": [stated[name]]} for name, label in counted.items()]
        + [gamma.auxiliary_observation() for gamma in gammas if gamma.kind == "shapefactor"],
        "measurements": [
            {
                "name": measurement,
                "config": {
                    "poi": roles[poi].name,
                    "parameters": [_setting(r, likelihood, uses[n], stated.get(n)) for n, r in roles.items()]
                    + [setting for gamma in gammas if (setting := gamma.setting())],
                },
            }
        ],
        "version": "1.0.0",
    }
    notes = _notes(roles, counted, gammas, settings)
    report = ExportReport(
        "pyhf", roles[poi].name, settings, tuple(lost), notes, tuple(role.translation for role in roles.values())
    )
    return Exported(document, report)


def _refuse_measured(likelihood: Likelihood) -> None:
    if not likelihood.counted.all():
        raise ExportLoss(
            "pyhf has counts only",
            where="pyhf",
            given=f"{np.sum(~likelihood.counted)} bins hold a number measured with an error",
            fix="HS3 can say them",
        )


def _nothing(*_: object) -> None:
    """No other factor says what a morph cannot."""


# -- what parameters become -------------------------------------------------------------------------------------------


def _lumi(likelihood: Likelihood, uses: Mapping[str, Mapping[str, Use]]) -> str | None:
    """The gaussian-constrained parameter that has to be a factor, as morphs of two parameters cannot multiply.

    One that is called so already, else the one that leaves the fewest components with two, and acts on most.
    """
    gaussian = [p for p in likelihood.parameters if isinstance(p.constraint, GaussianConstraint)]
    scaling: list[str] = []
    for p in gaussian:
        lines = {None if use.sides else use.affine for use in uses[p.name].values()}
        line = lines.pop() if len(lines) == 1 else None
        if line is not None and line[1] and (line[0] or p.start != 0.0):
            scaling.append(p.name)
    if LUMI in likelihood.names:
        return LUMI if LUMI in scaling and uses[LUMI] and _power(uses[LUMI]) else None

    def left(without: str | None) -> int:
        """Morphs too many, over all components."""
        total = 0
        for component in likelihood.components:
            acting = [p.name for p in gaussian if (u := uses[p.name].get(component.name)) is not None and u.others]
            total += max(0, len([name for name in acting if name != without]) - 1)
        return total

    best = min([None, *scaling], key=lambda name: (left(name), -len(uses[name]) if name else 0))
    return best if left(best) < left(None) else None


def _power(uses: Mapping[str, Use]) -> bool:
    return all(use.power == 1 for use in uses.values())


def _names(likelihood: Likelihood, lumi: str | None) -> dict[str, str]:
    """Names there: the same, but for ``lumi``, and where a factor per bin has it already."""
    per_bin = {scale.name for scale in likelihood.scales}
    found: dict[str, str] = {}
    for name in likelihood.names:
        stem = name.partition("[")[0]
        new = LUMI if name == lumi else name.replace("[", " (").replace("]", ")") if stem in per_bin else name
        while new in found.values() or new in per_bin:
            new += "'"
        found[name] = new
    return found


def _keep_unused(samples: list[Sample], roles: Mapping[str, Role]) -> None:
    """Parameters without effect keep their constraint: a morph of nothing, or a factor of an empty sample."""
    used = {name for s in samples for name in (*s.factors, *s.morphs, *(side.name for side in s.sides))}
    nothing = np.zeros_like(samples[0].counts)
    for role in roles.values():
        if role.name not in used and role.alpha:
            samples[0].morphs[role.name] = Morph(nothing, nothing)
        elif role.name not in used and not isinstance(role.parameter.constraint, PoissonConstraint):
            samples.append(Sample(f"of {role.name}", nothing, (role.name,), (), frozenset()))


def _setting(role: Role, likelihood: Likelihood, uses: Mapping[str, Use], observed: float | None) -> Json:
    """What the measurement says about a parameter."""
    p, t = role.parameter, role.translation
    ends = sorted(t.value(end) for end in practical_bounds(p, likelihood, uses))
    if t.power % 2 == 0 and p.lower < 0.0:
        ends = [0.0, max(ends)]
    found: Json = {"name": role.name, "inits": [t.value(p.start)], "bounds": [ends]}
    if isinstance(p.constraint, GaussianConstraint):
        assert observed is not None
        if not role.alpha:
            found |= {"auxdata": [t.value(observed)], "sigmas": [p.constraint.width * abs(t.slope)]}
        elif t.value(observed) != 0.0:
            found |= {"auxdata": [t.value(observed)]}
    return found


# -- channels ---------------------------------------------------------------------------------------------------------


def _channel(
    channel: Channel, samples: Sequence[Sample], gammas: Sequence[PerBin], roles: Mapping[str, Role], *, first: bool
) -> Json:
    """Its samples, those without content left out but for one; where all are without, in the first channel."""
    here = [s for s in samples if s.size[channel.bins].any() or (first and not s.size.any())] or samples[:1]
    acting = [gamma for gamma in gammas if gamma.channel is channel]
    made = []
    for sample in here:
        for part, counts, morphs, modifiers in _parts(sample, channel, acting):
            plain = [
                {"name": f, "type": LUMI if f == LUMI and _is_lumi(roles) else "normfactor", "data": None}
                for f in sample.factors
            ]
            sides = [{"name": s.name, "type": "normsys", "data": {"lo": s.low, "hi": s.high}} for s in sample.sides]
            changed = [
                {
                    "name": name,
                    "type": "histosys",
                    "data": {"lo_data": (counts + low).tolist(), "hi_data": (counts + high).tolist()},
                }
                for name, (low, high) in morphs.items()
            ]
            made.append({"name": part, "data": counts.tolist(), "modifiers": [*plain, *sides, *changed, *modifiers]})
    return {"name": channel.name, "samples": made}


def _is_lumi(roles: Mapping[str, Role]) -> bool:
    """Whether a constrained parameter is the factor ``lumi``."""
    return any(r.name == LUMI and isinstance(r.parameter.constraint, GaussianConstraint) for r in roles.values())


def _parts(
    sample: Sample, channel: Channel, gammas: Sequence[PerBin]
) -> list[tuple[str, Array, dict[str, tuple[Array, Array]], list[Json]]]:
    """The sample in a channel: as a whole, or what a ``shapefactor`` scales apart from the rest."""
    carried = [gamma for gamma in gammas if sample in gamma.carriers]
    masks: list[tuple[str, Array, list[PerBin]]] = [(sample.name, np.ones(len(channel)), carried)]
    for gamma in (g for g in carried if g.kind == "shapefactor" and not g.mask.all()):
        masks = [
            (label, mask * keep, [g for g in own if g is not gamma or with_it])
            for name, mask, own in masks
            for label, keep, with_it in (
                (name, gamma.mask.astype(float), True),
                (f"{name} without {gamma.name}", 1.0 - gamma.mask, False),
            )
        ]
    found = []
    for name, mask, own in masks:
        counts = sample.counts[channel.bins] * mask
        morphs = {n: (m.low[channel.bins] * mask, m.high[channel.bins] * mask) for n, m in sample.morphs.items()}
        if len(masks) == 1 or (sample.size[channel.bins] * mask).any():
            found.append((name, counts, morphs, [gamma.modifier(sample) for gamma in own]))
    return found


def _off_channel(label: str, role: Role) -> Json:
    """One bin that expects tau times the factor: the auxiliary measurement of a Poisson constraint."""
    assert isinstance(role.parameter.constraint, PoissonConstraint)
    modifier = {"name": role.name, "type": "normfactor", "data": None}
    sample = {"name": label, "data": [role.parameter.constraint.tau], "modifiers": [modifier]}
    return {"name": label, "samples": [sample]}


def _notes(
    roles: Mapping[str, Role], counted: Mapping[str, str], gammas: Sequence[PerBin], settings: Mapping[str, str]
) -> tuple[str, ...]:
    notes = []
    if (settings["normsys"], settings["histosys"]) != (NORMSYS[0], HISTOSYS[0]):
        said = {kind: {"interpcode": code} for kind, code in settings.items()}
        notes.append(f"the file cannot say its interpolation codes: use Workspace.model(modifier_settings={said})")
    notes += [f"the auxiliary measurement of {name} is the channel {label!r}" for name, label in counted.items()]
    notes += [note for gamma in gammas if (note := gamma.note())]
    for role in roles.values():
        p, t = role.parameter, role.translation
        if t.power > 1:
            notes.append(f"{p.name} enters as {p.name}**{t.power} alone, which is the parameter there: {t}")
    unbounded = [
        r.parameter.name for r in roles.values() if not np.all(np.isfinite([r.parameter.lower, r.parameter.upper]))
    ]
    if unbounded:
        notes.append(f"pyhf wants finite bounds: {', '.join(unbounded)} got some that no fit of these data reaches")
    if any(gamma.kind != "shapefactor" for gamma in gammas):
        notes.append("factors per bin lie between 1e-10 and 10 in pyhf, above 0 here")
    return tuple(notes)
