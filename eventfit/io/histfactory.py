"""HistFactory models in our terms: samples and their modifiers become components, parameters and factors per bin.

HistFactory (CERN-OPEN-2012-016) expects in a bin the sum over samples of (nominal + morphs) times a product of factors.
Morphs add, so a sample is a sum of components that share its factors: the nominal one, and per ``histosys`` an odd part
``(hi - lo) / 2`` times theta and an even part ``(hi + lo - 2 nominal) / 2`` times an even function of theta.
Of the constrained factors per bin one in each bin is eliminated in closed form; the others become ordinary parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventfit.likelihood import BinScale, Component, Factor, MorphEven, Power
from eventfit.likelihood.factor import evaluator
from eventfit.parameters import GaussianConstraint, Parameter
from eventfit.quadrature import Array, Index, Mask

__all__ = ["BinFactors", "Morph", "Parts", "Sample", "assemble"]

#: a morph's even part below this share of its histograms is what rounding left of a symmetric one
ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Morph:
    """A ``histosys``: the sample's counts (n,) where ``parameter`` is -1 and +1."""

    parameter: str
    lo: Array
    hi: Array


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample in one channel.

    Attributes
    ----------
    bins
        The channel's bins in the whole model.
    counts
        Nominal counts (n,) in these bins.
    factors
        What multiplies all bins alike: ``normfactor``, ``lumi``, ``normsys``.
    per_bin
        Names of the :class:`BinFactors` that multiply its bins.
    """

    channel: str
    name: str
    bins: slice
    counts: Array
    factors: tuple[Factor, ...] = ()
    morphs: tuple[Morph, ...] = ()
    per_bin: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BinFactors:
    """Factors ``name[0]``, ``name[1]`` ...: ``entry`` (n_bin,) says which acts in a bin, -1 that none does."""

    name: str
    entry: Index

    def parameter(self, bin_: int) -> str:
        """Name of the parameter that acts in a bin."""
        return f"{self.name}[{self.entry[bin_]}]"

    @property
    def bins(self) -> list[int]:
        """The bins in which one acts."""
        return [int(i) for i in np.flatnonzero(self.entry >= 0)]


@dataclass(frozen=True, eq=False)
class Parts:
    """What a likelihood is built from.

    Attributes
    ----------
    samples
        Sample -> names of the components it became.
    idle
        Free parameters that scale nothing: they are not among ``parameters``.
    """

    parameters: tuple[Parameter, ...]
    components: tuple[Component, ...]
    scales: tuple[BinScale, ...]
    samples: Mapping[str, tuple[str, ...]]
    idle: tuple[str, ...]


@dataclass(eq=False)
class _Piece:
    """A component in the making; ``scales`` act on it, ``foreign`` ones act in its bins but not on it."""

    sample: str
    channel: str
    label: str
    counts: Array
    factors: tuple[Factor, ...]
    scales: frozenset[str]
    foreign: frozenset[str]


def assemble(
    parameters: Sequence[Parameter],
    held: Mapping[str, float],
    samples: Sequence[Sample],
    per_bin: Sequence[BinFactors],
    n_bin: int,
    histosys: Literal["0", "4p"],
) -> Parts:
    """Components, factors per bin and the parameters that are left.

    Parameters
    ----------
    parameters
        All of them, those per bin included.
    held
        Parameter -> value at which it is fixed: it is folded into the templates, its constraint (a constant) left out.
    histosys
        Interpolation code of the morphs.
    """
    sets = {factors.name: factors for factors in per_bin}
    constrained = {p.name: p for p in parameters if p.constraint is not None and p.name not in held}
    eliminated = _eliminated(per_bin, constrained, n_bin)
    like: dict[tuple[str, tuple[Factor, ...]], list[_Piece]] = {}
    for sample in samples:
        for piece in (_folded(p, held) for p in _pieces(sample, sets, eliminated, n_bin, histosys)):
            _merge(like.setdefault((piece.sample, piece.factors), []), piece)
    pieces = [piece for alike in like.values() for piece in alike if piece.counts.any()]
    names = _names(pieces)
    gone = {s.parameter(i) for name, s in sets.items() for i in s.bins if eliminated[name][i]} | set(held)
    used = {factor.parameter for piece in pieces for factor in piece.factors}
    left = [p for p in parameters if p.name not in gone]
    return Parts(
        parameters=tuple(p for p in left if p.constraint is not None or p.name in used),
        components=tuple(Component(n, p.counts, p.factors) for n, p in zip(names, pieces, strict=True)),
        scales=tuple(
            _scale(sets[name], mask, constrained, [n for n, p in zip(names, pieces, strict=True) if name in p.scales])
            for name, mask in eliminated.items()
            if mask.any()
        ),
        samples={
            name: tuple(n for n, p in zip(names, pieces, strict=True) if p.sample == name)
            for name in dict.fromkeys(sample.name for sample in samples)
        },
        idle=tuple(p.name for p in left if p.constraint is None and p.name not in used),
    )


def _eliminated(per_bin: Sequence[BinFactors], constrained: Mapping[str, Parameter], n_bin: int) -> dict[str, Mask]:
    """Where each set of factors is eliminated, (n_bin,): one in a bin, ``staterror`` first as it acts on most samples.

    A factor that acts in several bins cannot be, and no constrained one does.
    """
    taken = np.zeros(n_bin, dtype=bool)
    found = {factors.name: np.zeros(n_bin, dtype=bool) for factors in per_bin}
    for kind in (True, False):
        for factors in per_bin:
            for i in (i for i in factors.bins if not taken[i]):
                parameter = constrained.get(factors.parameter(i))
                if parameter is not None and isinstance(parameter.constraint, GaussianConstraint) is kind:
                    found[factors.name][i] = taken[i] = True
    return found


def _pieces(
    sample: Sample,
    sets: Mapping[str, BinFactors],
    eliminated: Mapping[str, Mask],
    n_bin: int,
    histosys: Literal["0", "4p"],
) -> Iterator[_Piece]:
    """The sample's nominal counts and morphs, each split where its bins have factors of their own."""
    groups: dict[tuple[tuple[Factor, ...], frozenset[str]], list[int]] = {}
    for i in range(n_bin)[sample.bins]:
        powers: tuple[Factor, ...] = tuple(
            Power(sets[name].parameter(i))
            for name in sample.per_bin
            if sets[name].entry[i] >= 0 and not eliminated[name][i]
        )
        scales = frozenset(name for name in sample.per_bin if eliminated[name][i])
        groups.setdefault((powers, scales), []).append(i)
    for (powers, scales), bins in groups.items():
        foreign = frozenset(name for name, mask in eliminated.items() if mask[bins].any()) - scales
        local = np.array(bins) - range(n_bin)[sample.bins].start
        for morph, counts, factors in _morphed(sample, histosys):
            template = np.zeros(n_bin)
            template[bins] = counts[local]
            label = " ".join([*morph, *(power.parameter for power in powers)])
            yield _Piece(sample.name, sample.channel, label, template, factors + powers, scales, foreign)


def _morphed(
    sample: Sample, histosys: Literal["0", "4p"]
) -> Iterator[tuple[tuple[str, ...], Array, tuple[Factor, ...]]]:
    """The additive parts of a sample: label, counts (n,), factors."""
    yield (), sample.counts, sample.factors
    for morph in sample.morphs:
        yield (morph.parameter, "odd"), 0.5 * (morph.hi - morph.lo), (*sample.factors, Power(morph.parameter))
        even = morph.hi + morph.lo - 2.0 * sample.counts
        size = np.abs(morph.hi) + np.abs(morph.lo) + 2.0 * np.abs(sample.counts)
        even = np.where(np.abs(even) > ROUNDING * size, even, 0.0)
        yield (morph.parameter, "even"), 0.5 * even, (*sample.factors, MorphEven(morph.parameter, histosys))


def _folded(piece: _Piece, held: Mapping[str, float]) -> _Piece:
    """The piece with held factors multiplied into its counts, the others in one order."""
    for factor in (f for f in piece.factors if f.parameter in held):
        evaluate = evaluator((type(factor), getattr(factor, "code", None)), [factor])
        piece.counts = piece.counts * evaluate(np.array([held[factor.parameter]]))[0][0]
    piece.factors = tuple(sorted((f for f in piece.factors if f.parameter not in held), key=repr))
    return piece


def _merge(alike: list[_Piece], new: _Piece) -> None:
    """Add ``new`` to one ``alike`` in sample and factors (another channel, a held morph) if scales permit, or beside.

    A scale that has no bin in one of the two may act on the sum: it meets nothing there.
    """
    for piece in alike:
        if not (piece.scales & new.foreign or piece.foreign & new.scales):
            piece.counts = piece.counts + new.counts
            piece.scales, piece.foreign = piece.scales | new.scales, piece.foreign | new.foreign
            return
    alike.append(new)


def _names(pieces: Sequence[_Piece]) -> list[str]:
    """Names that differ: the sample, what distinguishes the piece, and where that is not enough its channel."""
    names: list[str] = []
    for piece in pieces:
        name = f"{piece.sample} {piece.label}".strip()
        name = f"{name} in {piece.channel}" if name in names else name
        while name in names:
            name += "'"
        names.append(name)
    return names


def _scale(
    factors: BinFactors, mask: Mask, constrained: Mapping[str, Parameter], components: Sequence[str]
) -> BinScale:
    """The factors that are eliminated in the bins ``mask``."""
    strength, observed = np.zeros(len(mask)), np.zeros(len(mask))
    gaussian = False
    for i in (i for i in factors.bins if mask[i]):
        constraint = constrained[factors.parameter(i)].constraint
        assert constraint is not None
        gaussian = isinstance(constraint, GaussianConstraint)
        strength[i] = constraint.width if isinstance(constraint, GaussianConstraint) else constraint.tau
        observed[i] = constraint.observed
    return BinScale(factors.name, tuple(components), "gaussian" if gaussian else "poisson", strength, observed)
