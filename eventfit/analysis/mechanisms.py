"""Declared mechanisms: how neutrinos scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from eventfit.cross_section import (
    ChargeRadius,
    CorrectedElectron,
    CrossTerms,
    ElectronTreatment,
    FlavourMoments,
    MagneticMoment,
    Millicharge,
    PhotonExchange,
    Process,
    StandardModelElectron,
    TransitionMoments,
    WeakElectron,
)
from eventfit.errors import DeclarationError, located
from eventfit.strict import Finite, Plausible, Strict

__all__ = [
    "ChargeRadiusDeclared",
    "CorrectedDeclared",
    "FlavourMomentsDeclared",
    "MagneticMomentDeclared",
    "MillichargeDeclared",
    "ProcessDeclared",
    "TransitionMomentsDeclared",
    "TreeDeclared",
    "build_processes",
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
    sin2_theta_w: Annotated[float, Field(gt=0, lt=1), Plausible]


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
    | MillichargeDeclared
    | ChargeRadiusDeclared
    | Annotated[TreeDeclared | CorrectedDeclared, Field(discriminator="order")],
    Field(discriminator="kind"),
]


def build_processes(declared: Sequence[ProcessDeclared], electrons: ElectronTreatment) -> list[Process]:
    """The processes, and the cross terms of a charge with a charge radius if both are declared.

    Raises
    ------
    DeclarationError
        A charge or radius without the one weak process that it interferes with.
    """
    weak: list[WeakElectron] = []
    for number, process in enumerate(declared, 1):
        with located(f"process[{number}]"):
            if isinstance(process, TreeDeclared | CorrectedDeclared):
                weak.append(_weak(process, electrons))
    found: list[Process] = []
    exchanges: list[PhotonExchange] = []
    for number, process in enumerate(declared, 1):
        with located(f"process[{number}]"):
            if isinstance(process, MillichargeDeclared | ChargeRadiusDeclared):
                exchanges.append(_photon_exchange(process, weak))
                found.append(exchanges[-1])
            else:
                found.append(_alone(process, electrons))
    if len(exchanges) == 2:
        found.append(CrossTerms(weak[0], exchanges[0], exchanges[1]))
    return found


def _weak(declared: TreeDeclared | CorrectedDeclared, electrons: ElectronTreatment) -> WeakElectron:
    if isinstance(declared, TreeDeclared):
        return StandardModelElectron(electrons, declared.sin2_theta_w)
    return CorrectedElectron(electrons, declared.sin2_theta_w_mz, declared.qed)


def _alone(declared: ProcessDeclared, electrons: ElectronTreatment) -> Process:
    if isinstance(declared, TreeDeclared | CorrectedDeclared):
        return _weak(declared, electrons)
    if isinstance(declared, FlavourMomentsDeclared):
        return FlavourMoments(electrons, tuple(declared.couplings))
    if isinstance(declared, TransitionMomentsDeclared):
        return TransitionMoments(electrons, tuple(declared.couplings))
    return MagneticMoment(electrons)


def _photon_exchange(
    declared: MillichargeDeclared | ChargeRadiusDeclared, weak: Sequence[WeakElectron]
) -> PhotonExchange:
    if len(weak) != 1:
        raise DeclarationError(
            "what interferes with the weak scattering needs exactly one weak process beside it",
            given=f"{declared.kind} and {len(weak)} of kind standard_model",
            fix='add [[process]] with kind = "standard_model" and its order',
        )
    kind = Millicharge if isinstance(declared, MillichargeDeclared) else ChargeRadius
    return kind(weak[0], tuple(declared.couplings))
