"""A reactor spectrum from zero to its end point, joined from published spectra where each of them is valid.

The main spectra are used in their whole range; others may continue them below and above, cut where the main ones begin
and end. Nothing is smoothed at a joint: Huber's 235U stands 6 % above BESTIOLE's at 2 MeV, which is what is not known
there. Where nothing continues a spectrum it is unknown and not zero, see :attr:`ReactorModel.known`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.errors import DeclarationError, OutOfRange
from eventfit.flux.reactor.spectra import TOTAL, CaptureName, CaptureSpectrum, FissionSpectra, SpectraName
from eventfit.quadrature import Array
from eventfit.tables import Tables

__all__ = ["CAPTURE", "WIDEST", "Piece", "ReactorModel", "require_captures"]

#: widest panel in keV: in wider ones a spectrum falls so far that a kinematic edge inside is not integrated well
WIDEST = 125.0
#: name of the part that stands for the decays after neutron capture, beside the isotopes
CAPTURE = "capture"


@dataclass(frozen=True, eq=False)
class Piece:
    """Spectra used between ``low`` and ``high`` (keV)."""

    low: float
    high: float
    spectra: FissionSpectra

    @property
    def edges(self) -> Array:
        """Panel edges in keV between which the spectra are smooth."""
        knots = self.spectra.knots
        return np.concatenate([[self.low], knots[(knots > self.low) & (knots < self.high)], [self.high]])


@dataclass(frozen=True, eq=False)
class ReactorModel:
    """Antineutrinos per fission and per neutron capture; ``pieces`` stand side by side in increasing energy."""

    pieces: tuple[Piece, ...]
    capture: CaptureSpectrum

    @classmethod
    def load(
        cls,
        tables: Tables,
        model: SpectraName,
        low_energy: SpectraName | None = None,
        high_energy: SpectraName | None = None,
        capture: CaptureName = "bestiole",
    ) -> ReactorModel:
        """The spectra ``model``, continued by ``low_energy`` below and by ``high_energy`` above their range.

        Raises
        ------
        UnknownName
            Spectra that do not exist.
        OutOfRange
            A continuation is not valid where it is needed, or there is nothing to continue.
        """
        main = FissionSpectra.load(tables, model)
        pieces = [Piece(main.low, main.high, main)]
        if low_energy is not None:
            below = FissionSpectra.load(tables, low_energy)
            _require_adjacent(main, below, "low_energy", below.low < main.low <= below.high, main.low)
            pieces.insert(0, Piece(below.low, main.low, below))
        if high_energy is not None:
            above = FissionSpectra.load(tables, high_energy)
            _require_adjacent(main, above, "high_energy", above.low <= main.high < above.high, main.high)
            pieces.append(Piece(main.high, above.high, above))
        return cls(tuple(pieces), CaptureSpectrum.load(tables, capture))

    @property
    def name(self) -> str:
        """The spectra in increasing energy."""
        return " | ".join(piece.spectra.name for piece in self.pieces)

    @property
    def low(self) -> float:
        """Lowest energy in keV that has a spectrum."""
        return self.pieces[0].low

    @property
    def high(self) -> float:
        """Highest energy in keV that has a spectrum."""
        return self.pieces[-1].high

    @property
    def known(self) -> tuple[float, float]:
        """Energies in keV between which the spectrum is known, zeros beyond its end point included."""
        return self.low, math.inf if self.pieces[-1].spectra.is_complete_above else self.high

    @property
    def isotopes(self) -> tuple[str, ...]:
        """Isotopes whose shares of the fissions the spectrum depends on."""
        return tuple(dict.fromkeys(part for piece in self.pieces for part in piece.spectra.curves if part != TOTAL))

    @property
    def edges(self) -> Array:
        """Panel edges in keV between which everything is smooth, none farther apart than ``WIDEST``."""
        knots = self.capture.knots
        inside = knots[(knots > self.low) & (knots < self.high)]
        rows = np.unique(np.concatenate([inside, *(piece.edges for piece in self.pieces)]))
        parts = np.ceil(np.diff(rows) / WIDEST).astype(int)
        gaps = zip(rows, np.diff(rows), parts, strict=False)
        return np.append(np.concatenate([low + width * np.arange(n) / n for low, width, n in gaps]), rows[-1])

    @property
    def needs_captures(self) -> bool:
        """Whether neutron captures show in the range of the model and are not in its spectra already.

        Raises
        ------
        OutOfRange
            They are in one of the spectra where captures show, and not in another.
        """
        inside = {piece.spectra.has_captures for piece in self.pieces if piece.low < self.capture.high}
        if len(inside) == 2:
            raise OutOfRange(
                "neutron captures are in a part of the spectrum only",
                where="reactor model",
                given=self.name,
                allowed=f"spectra that all have them, or none, up to {self.capture.high:g} keV",
                fix="join with spectra that start above",
            )
        return inside == {False}

    def parts(self, energy: Array) -> Mapping[str, Array]:
        """Densities at ``energy`` (n,) in 1/keV, per fission of each isotope or of the mixture and per capture.

        A joint belongs to the spectra above it.

        Raises
        ------
        OutOfRange
            An energy below or above the range of the model.
        """
        E = np.asarray(energy, dtype=float)
        low, high = self.known
        outside = E[(low > E) | (high < E)]
        if outside.size:
            raise OutOfRange(
                "the antineutrino spectrum is not known at an energy",
                where=f"reactor model {self.name}",
                given=f"{outside.flat[0]:g} keV",
                allowed=f"{low:g} to {high:g} keV",
                fix="continue the spectrum with low_energy or high_energy; it is never extrapolated",
            )
        found = {CAPTURE: self.capture(E)}
        for number, piece in enumerate(self.pieces, 1):
            inside = (piece.low <= E) & ((piece.high > E) | (number == len(self.pieces)))
            for part, curve in piece.spectra.curves.items():
                found[part] = np.where(inside, curve(E), found.get(part, 0.0))
        return found

    @property
    def cite(self) -> tuple[str, ...]:
        """Bibliography keys of the spectra of fission."""
        return tuple(dict.fromkeys(key for piece in self.pieces for key in piece.spectra.cite))


def _require_adjacent(main: FissionSpectra, other: FissionSpectra, key: str, fits: bool, joint: float) -> None:
    if fits:
        return
    side = "below" if key == "low_energy" else "above"
    raise OutOfRange(
        f"the spectra {other.name!r} cannot continue {main.name!r} {side} {joint:g} keV",
        where=f"reactor model, {key}",
        given=f"{other.name!r}, valid from {other.low:g} to {other.high:g} keV",
        allowed=f"spectra that are valid at {joint:g} keV and go on {side} it"
        if joint > 0
        else "nothing: it starts at 0",
        fix=f"leave {key} out, or choose others",
    )


def require_captures(model: ReactorModel, captures_per_fission: float | None) -> float:
    """The captures per fission that the model needs, zero where they are in its spectra or beyond its range.

    Raises
    ------
    DeclarationError
        They are needed and not given, or given and without effect.
    OutOfRange
        A negative number, or more than a reactor can have.
    """
    needed = model.needs_captures
    if needed and captures_per_fission is None:
        raise DeclarationError(
            "the number of neutron captures on 238U per fission is missing",
            where=f"reactor model {model.name}",
            fix="captures_per_fission = 0.6 is usual for a power reactor (0.55 to 0.65); 0 leaves them out",
        )
    if not needed and captures_per_fission is not None:
        there = any(piece.spectra.has_captures for piece in model.pieces)
        raise DeclarationError(
            "neutron captures would be counted twice" if there else "neutron captures have no effect on this spectrum",
            where=f"reactor model {model.name}",
            given=f"captures_per_fission = {captures_per_fission:g}",
            allowed="nothing: the spectrum has them already"
            if there
            else f"nothing: their antineutrinos end at {model.capture.high:g} keV",
            fix="leave captures_per_fission out",
        )
    found = captures_per_fission or 0.0
    if not 0.0 <= found <= 2.0:
        raise OutOfRange("neutron captures on 238U per fission", given=found, allowed="0 to 2, usually 0.6")
    return found
