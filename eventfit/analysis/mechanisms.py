"""Declared mechanisms: what happens to neutrinos on their way, and how they scatter."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from eventfit.flux.oscillation import OscillationSet
from eventfit.strict import Finite, Strict

__all__ = [
    "ChargeRadiusDeclared",
    "CorrectedDeclared",
    "FlavourMomentsDeclared",
    "MagneticMomentDeclared",
    "MillichargeDeclared",
    "OscillationDeclared",
    "ProcessDeclared",
    "TransitionMomentsDeclared",
    "TreeDeclared",
]

Coupled = TypeVar("Coupled", bound=str)


def _once(names: list[Coupled]) -> list[Coupled]:
    if len(set(names)) != len(names):
        raise ValueError("each coupling may stand there once")
    return names


def _universal_alone(names: list[Coupled]) -> list[Coupled]:
    """A coupling of all flavours beside one of a flavour would count that flavour twice."""
    universal = [name for name in names if name.endswith("_nu")]
    if universal and len(names) > 1:
        raise ValueError(f"{universal[0]} is for all flavours alike and stands alone, or flavours have their own")
    return names


class OscillationDeclared(Strict):
    """The matter effect in the Sun and decoherence on the way; without this table a nu_e stays one.

    ``parameters`` names a global fit; any of its values may be replaced.
    """

    parameters: OscillationSet
    sin2_theta12: Finite | None = None
    sin2_theta13: Finite | None = None
    sin2_theta23: Finite | None = None
    dm21_eV2: Finite | None = None
    dm31_eV2: Finite | None = None
    delta_cp_deg: Finite | None = None


class MagneticMomentDeclared(Strict):
    """One flavour-universal magnetic moment; parameter of interest ``mu_nu``."""

    kind: Literal["magnetic_moment"]


class FlavourMomentsDeclared(Strict):
    """One effective moment per flavour; those that ``couplings`` does not list are zero."""

    kind: Literal["flavour_moments"]
    couplings: Annotated[list[Literal["mu_e", "mu_mu", "mu_tau"]], Field(min_length=1), AfterValidator(_once)]


class TransitionMomentsDeclared(Strict):
    """Majorana moments between mass states; those that ``couplings`` does not list are zero."""

    kind: Literal["transition_moments"]
    couplings: Annotated[list[Literal["mu_12", "mu_13", "mu_23"]], Field(min_length=1), AfterValidator(_once)]


class MillichargeDeclared(Strict):
    """Electric charges of neutrinos, with their interference; it belongs to the declared weak scattering.

    ``q_nu`` is one charge of all flavours, the others are those of a flavour; not listed is zero. Either sign.
    """

    kind: Literal["millicharge"]
    couplings: Annotated[
        list[Literal["q_nu", "q_e", "q_mu", "q_tau"]],
        Field(min_length=1),
        AfterValidator(_once),
        AfterValidator(_universal_alone),
    ]


class ChargeRadiusDeclared(Strict):
    """Squared charge radii beyond those of the Standard Model, with their interference with the declared scattering.

    ``r2_nu`` is one radius of all flavours, the others are those of a flavour; not listed is zero. Either sign; in the
    convention of g_V -> g_V + sqrt2 pi alpha <r^2> / (3 G_F).
    """

    kind: Literal["charge_radius"]
    couplings: Annotated[
        list[Literal["r2_nu", "r2_e", "r2_mu", "r2_tau"]],
        Field(min_length=1),
        AfterValidator(_once),
        AfterValidator(_universal_alone),
    ]


class TreeDeclared(Strict):
    """Weak neutrino-electron scattering at tree level, with the mixing angle that is declared."""

    kind: Literal["standard_model"]
    order: Literal["tree"]
    sin2_theta_w: Annotated[float, Field(gt=0, lt=1)]


class CorrectedDeclared(Strict):
    """Weak neutrino-electron scattering with electroweak and, if ``qed``, QED corrections; MS-bar angle at M_Z."""

    kind: Literal["standard_model"]
    order: Literal["corrected"]
    sin2_theta_w_mz: Finite
    qed: bool


ProcessDeclared = Annotated[
    MagneticMomentDeclared
    | FlavourMomentsDeclared
    | TransitionMomentsDeclared
    | Annotated[TreeDeclared | CorrectedDeclared, Field(discriminator="order")],
    Field(discriminator="kind"),
]
