"""Declared mechanisms: how neutrinos scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from eventfit.cross_section import (
    ChargeRadius,
    CoherentScattering,
    CorrectedElectron,
    CrossTerms,
    ElectronTreatment,
    FlavourMoments,
    MagneticMoment,
    Millicharge,
    MomentOnNucleus,
    PhotonExchange,
    Process,
    StandardModelElectron,
    TransitionMoments,
    WeakElectron,
    form_factor,
)
from eventfit.cross_section.form_factor import FormFactorName
from eventfit.cross_section.moment import Magnetic
from eventfit.errors import DeclarationError, located
from eventfit.strict import Finite, Plausible, Strict
from eventfit.target import Nucleus

__all__ = [
    "ChargeRadiusDeclared",
    "CoherentDeclared",
    "CorrectedDeclared",
    "FlavourMomentsDeclared",
    "MagneticMomentDeclared",
    "MillichargeDeclared",
    "MomentsDeclared",
    "ProcessDeclared",
    "TransitionMomentsDeclared",
    "TreeDeclared",
    "build_processes",
    "process_groups",
]

Coupled = TypeVar("Coupled", bound=str)


def _once(names: list[Coupled]) -> list[Coupled]:
    if len(set(names)) != len(names):
        raise ValueError("each may stand there once")
    return names


def _universal_alone(names: list[Coupled]) -> list[Coupled]:
    """A coupling of all flavours beside one of a flavour would count that flavour twice."""
    universal = [name for name in names if name.endswith("_nu")]
    if universal and len(names) > 1:
        raise ValueError(f"{universal[0]} is for all flavours alike and stands alone, or flavours have their own")
    return names


class MomentsDeclared(Strict):
    """What moments scatter ``on``: electrons if it is left out. Nuclei have a ``form_factor``."""

    on: Annotated[list[Literal["electrons", "nuclei"]], Field(min_length=1), AfterValidator(_once)] | None = None
    form_factor: FormFactorName | None = None

    @model_validator(mode="after")
    def _form_factor_of_nuclei(self) -> Self:
        if (self.form_factor is None) == self.on_nuclei:
            raise ValueError("form_factor belongs to moments on nuclei, which need it")
        return self

    @property
    def on_electrons(self) -> bool:
        """Whether electrons are struck."""
        return self.on is None or "electrons" in self.on

    @property
    def on_nuclei(self) -> bool:
        """Whether nuclei are struck."""
        return self.on is not None and "nuclei" in self.on


class MagneticMomentDeclared(MomentsDeclared):
    """One flavour-universal magnetic moment; parameter of interest ``mu_nu``."""

    kind: Literal["magnetic_moment"]


class FlavourMomentsDeclared(MomentsDeclared):
    """One effective moment per flavour; those that ``couplings`` does not list are zero."""

    kind: Literal["flavour_moments"]
    couplings: Annotated[list[Literal["mu_e", "mu_mu", "mu_tau"]], Field(min_length=1), AfterValidator(_once)]


class TransitionMomentsDeclared(MomentsDeclared):
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


class CoherentDeclared(Strict):
    """Coherent weak scattering on nuclei at tree level, one process per isotope of the target."""

    kind: Literal["coherent"]
    sin2_theta_w: Annotated[float, Field(gt=0, lt=1)]
    form_factor: FormFactorName


ProcessDeclared = Annotated[
    MagneticMomentDeclared
    | FlavourMomentsDeclared
    | TransitionMomentsDeclared
    | MillichargeDeclared
    | ChargeRadiusDeclared
    | CoherentDeclared
    | Annotated[TreeDeclared | CorrectedDeclared, Field(discriminator="order")],
    Field(discriminator="kind"),
]


def build_processes(
    declared: Sequence[ProcessDeclared], electrons: ElectronTreatment, nuclei: Sequence[Nucleus] = ()
) -> list[Process]:
    """All processes of :func:`process_groups` in one row."""
    return [process for group in process_groups(declared, electrons, nuclei) for process in group]


def process_groups(
    declared: Sequence[ProcessDeclared], electrons: ElectronTreatment, nuclei: Sequence[Nucleus] = ()
) -> list[list[Process]]:
    """The processes of each declared mechanism: one on electrons, one per isotope on the ``nuclei`` of the target.

    Behind them stand the cross terms of a charge with a charge radius if both are declared.

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
    found: list[list[Process]] = []
    exchanges: list[PhotonExchange] = []
    for number, process in enumerate(declared, 1):
        with located(f"process[{number}]"):
            if isinstance(process, MillichargeDeclared | ChargeRadiusDeclared):
                exchanges.append(_photon_exchange(process, weak))
                found.append([exchanges[-1]])
            else:
                found.append(_alone(process, electrons, nuclei))
    if len(exchanges) == 2:
        found.append([CrossTerms(weak[0], exchanges[0], exchanges[1])])
    return found


def _weak(declared: TreeDeclared | CorrectedDeclared, electrons: ElectronTreatment) -> WeakElectron:
    if isinstance(declared, TreeDeclared):
        return StandardModelElectron(electrons, declared.sin2_theta_w)
    return CorrectedElectron(electrons, declared.sin2_theta_w_mz, declared.qed)


def _alone(
    declared: TreeDeclared | CorrectedDeclared | CoherentDeclared | MomentsDeclared,
    electrons: ElectronTreatment,
    nuclei: Sequence[Nucleus],
) -> list[Process]:
    """The processes of a mechanism that needs no other."""
    if isinstance(declared, TreeDeclared | CorrectedDeclared):
        return [_weak(declared, electrons)]
    if isinstance(declared, CoherentDeclared):
        shape = form_factor(declared.form_factor)
        return [CoherentScattering(nucleus, shape, declared.sin2_theta_w) for nucleus in nuclei]
    moments = _moments(declared, electrons)
    found: list[Process] = [moments] if declared.on_electrons else []
    if declared.form_factor is not None:
        shape = form_factor(declared.form_factor)
        found += [MomentOnNucleus(nucleus, shape, moments) for nucleus in nuclei]
    return found


def _moments(declared: MomentsDeclared, electrons: ElectronTreatment) -> Magnetic:
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
