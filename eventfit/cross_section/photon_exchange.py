"""Scattering by the charge form factor of the neutrino: it shifts g_V, so it interferes with the weak amplitude."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import ClassVar, Final

from eventfit.cross_section.base import Coupling, Process, Term
from eventfit.cross_section.electron import ALL_FLAVOURS, Chiral, WeakElectron
from eventfit.errors import OutOfRange, UnknownName
from eventfit.quadrature import Array
from eventfit.units import electron_mass

__all__ = ["CrossTerms", "PhotonExchange"]

#: what the last part of a coupling's name stands for: the states that it belongs to
STATES: Final[Mapping[str, Mapping[str, float]]] = {
    "nu": ALL_FLAVOURS,
    **{flavour: {f"nu_{flavour}": 1.0, f"nubar_{flavour}": 1.0} for flavour in ("e", "mu", "tau")},
}


@dataclass(frozen=True)
class _OnWeak(Process):
    """What stands on the weak scattering of the same electrons, and changes its g_V."""

    weak: WeakElectron
    mass = electron_mass
    formula: ClassVar[tuple[str, ...]] = ()

    @property
    def cite(self) -> tuple[str, ...]:
        return (*self.formula, *self.weak.electrons.cite)

    @property
    def soft_edge(self) -> bool:
        return self.weak.soft_edge

    def struck(self, T: Array) -> Array:
        return self.weak.struck(T)

    @property
    def breakpoints(self) -> Array:
        return self.weak.breakpoints

    def kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        first, second, times = self.pair(term, T, state)
        return times * self.weak.product(first, second, T, E)

    def edge_kernel(self, term: Term, T: Array, E: Array, state: str) -> Array:
        first, second, times = self.pair(term, T, state)
        return times * self.weak.edge_product(first, second, T, E)

    @abstractmethod
    def pair(self, term: Term, T: Array, state: str) -> tuple[Chiral, Chiral, float]:
        """The two couplings whose product the term is, at unit couplings, and how often it stands in the square."""


@dataclass(frozen=True)
class PhotonExchange(_OnWeak):
    """The exchange of a photon between a neutrino of charge form factor F(q^2), in units of e, and the electron.

    Derivation. A photon between currents e F nu-bar gamma^mu nu and -e e-bar gamma_mu e gives, at momentum transfer
    q^2 = -2 m T, the effective L = -(4 pi alpha F / q^2) [nu-bar gamma^mu nu] [e-bar gamma_mu e]: for F > 0 attraction.
    On left-handed neutrinos nu-bar gamma^mu nu is half of nu-bar gamma^mu (1 - gamma_5) nu, so beside
    L = -(G_F/sqrt2) [nu-bar gamma^mu (1 - gamma_5) nu] [e-bar gamma_mu (g_V - g_A gamma_5) e] it is a shift

        g_V -> g_V + 2 sqrt2 pi alpha F / (G_F q^2),    F = q + q^2 <r^2> / 6 + ...

    (review: arXiv:1403.6344, whose convention for <r^2> this is). Helicity is kept: the amplitudes add before they are
    squared. Each coupling c gives a term linear in c, the interference, and one in c^2, which is positive; the part
    without c is the weak process, declared as such. ``weak`` is that process: its g_V and g_A interfere. An
    antineutrino has the opposite charge and the opposite weak vector coupling, so the shift of g_V is the same and only
    g_A changes sign, which exchanges g_L and g_R.

    Couplings are flavour-diagonal, one of the last name ``nu`` for all flavours or one each for ``e``, ``mu``, ``tau``,
    those not in ``names`` being zero. Off-diagonal ones, which add without interference, are not here. No magnetic
    moment interferes with them: it flips the helicity.

    Raises
    ------
    UnknownName
        A coupling that this mechanism does not have.
    OutOfRange
        No coupling, one twice, or a universal one beside one of a flavour.
    """

    names: tuple[str, ...] = ()
    formula: ClassVar[tuple[str, ...]] = ("arXiv:1403.6344",)
    symbol: ClassVar[str]
    scale: ClassVar[float]
    reported_unit: ClassVar[str]
    meaning: ClassVar[str]
    convention: ClassVar[str] = ""

    def __post_init__(self) -> None:
        known = [f"{self.symbol}_{last}" for last in STATES]
        for name in self.names:
            if name not in known:
                raise UnknownName("there is no such coupling", where=self.name, given=name, allowed=", ".join(known))
        repeated, universal = len(set(self.names)) < len(self.names), known[0] in self.names
        if not self.names or repeated or (universal and len(self.names) > 1):
            raise OutOfRange(
                "couplings have to be one for all flavours, or one of each flavour that couples",
                where=self.name,
                given=", ".join(self.names) or "none",
                allowed=f"{known[0]} alone, or some of {', '.join(known[1:])}",
            )
        terms = tuple(
            Term(f"{name}_{kind}", {name: power}, self.states(name))
            for name in self.names
            for kind, power in (("interference", 1), ("squared", 2))
        )
        object.__setattr__(self, "terms", terms)
        object.__setattr__(self, "couplings", tuple(self._coupling(name) for name in self.names))

    @abstractmethod
    def shift(self, T: Array) -> Array:
        """What the unit of a coupling adds to g_V at the recoil ``T`` (any shape, keV)."""

    def chiral_shift(self, T: Array) -> Chiral:
        """The same for g_L and g_R, alike for neutrinos and antineutrinos."""
        half = 0.5 * self.shift(T)
        return Chiral(half, half)

    def states(self, name: str) -> Mapping[str, float]:
        """The states that the coupling ``name`` belongs to, with weight 1."""
        return STATES[name.rpartition("_")[2]]

    def pair(self, term: Term, T: Array, state: str) -> tuple[Chiral, Chiral, float]:
        shift = self.chiral_shift(T)
        (power,) = term.powers.values()
        return (self.weak.chiral_couplings(T, state), shift, 2.0) if power == 1 else (shift, shift, 1.0)

    def _coupling(self, name: str) -> Coupling:
        last = name.rpartition("_")[2]
        return Coupling(
            name=name,
            unit=f"{self.scale:.0e} {self.reported_unit}",
            start=1.0,
            lower=-inf,
            reported=name,
            reported_unit=self.reported_unit,
            power=1,
            scale=self.scale,
            meaning=f"{self.meaning} of {'all flavours alike' if last == 'nu' else f'nu_{last}'}",
            convention=self.convention,
        )


@dataclass(frozen=True)
class CrossTerms(_OnWeak):
    """The interference of two photon exchanges of the same neutrinos: a charge and a charge radius, both free.

    To be folded beside ``first`` and ``second``, which have the terms of each alone. One term for each pair of
    couplings that share a flavour.

    Raises
    ------
    OutOfRange
        The two do not stand on the same weak process, or are one mechanism.
    """

    first: PhotonExchange
    second: PhotonExchange
    name = "photon_exchange_cross_terms"
    diverges = True
    formula = PhotonExchange.formula

    def __post_init__(self) -> None:
        first, second = self.first, self.second
        if not self.weak == first.weak == second.weak or first.symbol == second.symbol:
            raise OutOfRange(
                "cross terms are those of a charge and a charge radius beside one weak process",
                where=self.name,
                given=f"{first.name} and {second.name}",
            )
        pairs = [
            (a, b, first.states(a).keys() & second.states(b).keys()) for a, b in product(first.names, second.names)
        ]
        terms = tuple(Term(f"{a}_{b}", {a: 1, b: 1}, dict.fromkeys(sorted(both), 1.0)) for a, b, both in pairs if both)
        object.__setattr__(self, "terms", terms)

    def pair(self, term: Term, T: Array, state: str) -> tuple[Chiral, Chiral, float]:
        return self.first.chiral_shift(T), self.second.chiral_shift(T), 2.0
