"""Declared mechanisms: what happens to neutrinos on their way, and how they scatter."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from eventfit.flux.oscillation import OscillationSet
from eventfit.strict import Finite, Strict

__all__ = [
    "CorrectedDeclared",
    "FlavourMomentsDeclared",
    "MagneticMomentDeclared",
    "OscillationDeclared",
    "ProcessDeclared",
    "TransitionMomentsDeclared",
    "TreeDeclared",
]

Moment = TypeVar("Moment", bound=str)


def _once(names: list[Moment]) -> list[Moment]:
    if len(set(names)) != len(names):
        raise ValueError("each moment may stand there once")
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
