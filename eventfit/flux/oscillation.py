"""Solar neutrinos on their way to the Earth: three flavours, adiabatic matter effect (MSW), decohered on arrival.

A nu_e born at electron density n_e is a mixture of the three eigenstates in matter. On its way out of the Sun each of
them goes over into one mass state, and the mass states lose their coherence long before the Earth. So, with the mixing
matrix U,

    P_i(E, n_e) = |U_ei in matter|^2,   P(nu_e -> nu_a) = sum_i |U_ai|^2 P_i

(Parke, Phys. Rev. Lett. 57, 1275, with no level crossing), averaged over where a component is born. The matrix in
matter is the product of two rotations of Denton, Minakata and Parke (arXiv:1604.08167), closed and three-flavour:

- 1-3: phi at the splitting dm_ee = cos^2(theta_12) dm31 + sin^2(theta_12) dm32, so P_3 = sin^2(phi);
- 1-2: psi at the potential that is left, cos^2(theta_13) A to first order, A = 2 sqrt(2) G_F n_e E;
- P_1 = cos^2(phi) cos^2(psi), P_2 = cos^2(phi) sin^2(psi).

For measured parameters it differs from diagonalising the Hamiltonian by less than 2e-5 up to 20 MeV, and by less than
1e-3 anywhere in :data:`RANGES`. The common approximation P_3 = sin^2(theta_13) leaves phi out: at the centre of the Sun
P_3 is larger by 1.2 % at 1 MeV and by 13 % at 10 MeV, and P_ee smaller by 1.3e-4 and 8e-4 (absolute).
Left out: matter of the Earth (this is the day side), and the eccentricity of its orbit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from eventfit.errors import OutOfRange, UnknownName
from eventfit.flux.base import FLAVOURS, MASS_STATES, Basis, Flux, Measure
from eventfit.flux.solar import COMPONENTS, SolarComponent, SolarModel, solar_flux
from eventfit.quadrature import Array
from eventfit.tables import Tables
from eventfit.units import cm, eV, matter_potential, mole

__all__ = [
    "ORDER_DENSITY",
    "RANGES",
    "Oscillated",
    "OscillationParameters",
    "OscillationSet",
    "Production",
    "mass_content",
    "oscillated_solar_flux",
]

OscillationSet = Literal["nufit60_ic24_normal", "nufit60_ic19_normal", "nufit52_sk_normal", "nufit30_normal"]
#: where the formulas hold: the large-mixing-angle region, in which no level crossing happens up to 20 MeV (adiabaticity
#: above 17 in its worst corner), and dm31 far above dm21; dm31 may have either sign
RANGES: Mapping[str, tuple[float, float]] = {
    "sin2_theta12": (0.05, 0.95),
    "sin2_theta13": (0.0, 0.1),
    "sin2_theta23": (0.0, 1.0),
    "dm21_eV2": (1e-5, 2e-4),
    "dm31_eV2": (2e-3, 1e-2),
    "delta_cp_deg": (-360.0, 360.0),
}
#: nodes in electron density that stand for a whole production region: P_i is met to 1e-7 up to 20 MeV
ORDER_DENSITY = 10
CITE = ("parke1986", "arXiv:1604.08167")


@dataclass(frozen=True)
class OscillationParameters:
    """Mixing of three neutrinos in the convention of the Particle Data Group.

    Attributes
    ----------
    sin2_theta12, sin2_theta13, sin2_theta23
        Squared sines of the mixing angles.
    dm21_eV2, dm31_eV2
        m_2^2 - m_1^2 and m_3^2 - m_1^2 in eV^2; a negative dm31 is the inverted ordering.
    delta_cp_deg
        Dirac phase in degrees. It moves probability between nu_mu and nu_tau at the Earth (up to 0.02 either way below
        1 MeV, 0.05 at 10 MeV), never to or from nu_e.
    cite
        Bibliography keys, empty for parameters of one's own.

    Raises
    ------
    OutOfRange
        A parameter is outside :data:`RANGES`, or not a number.
    """

    sin2_theta12: float
    sin2_theta13: float
    sin2_theta23: float
    dm21_eV2: float
    dm31_eV2: float
    delta_cp_deg: float
    cite: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            size = abs(value) if name == "dm31_eV2" else value
            if not low <= size <= high:
                raise OutOfRange(
                    f"the oscillation parameter {name} is outside the region in which the adiabatic solution holds",
                    where="oscillation parameters",
                    given=value,
                    allowed=f"{low:g} to {high:g}" + (", of either sign" if name == "dm31_eV2" else ""),
                    fix="check the unit (squared sines, eV^2, degrees) and which angle is meant",
                )

    @classmethod
    def load(cls, tables: Tables, fit: OscillationSet) -> OscillationParameters:
        """The central values of the global ``fit``.

        Raises
        ------
        UnknownName
            A fit that the table does not have.
        """
        table = tables.read("flux/oscillation/nufit")
        if fit not in table.text["fit"]:
            raise UnknownName("unknown oscillation parameters", given=fit, allowed=", ".join(get_args(OscillationSet)))
        row = table.text["fit"].index(fit)
        return cls(**{name: float(table[name][row]) for name in RANGES}, cite=table.cite)

    @property
    def mixing(self) -> Array:
        """|U_ai|^2 in vacuum, shape (3, 3): flavours e, mu, tau by mass states; rows and columns add to 1."""
        s12, s13, s23 = (math.sqrt(getattr(self, f"sin2_theta{pair}")) for pair in ("12", "13", "23"))
        c12, c13, c23 = (math.sqrt(1.0 - s * s) for s in (s12, s13, s23))
        phase = np.exp(1j * math.radians(self.delta_cp_deg))
        u = [
            [c12 * c13, s12 * c13, s13],
            [-s12 * c23 - c12 * s23 * s13 * phase, c12 * c23 - s12 * s23 * s13 * phase, s23 * c13],
            [s12 * s23 - c12 * c23 * s13 * phase, -c12 * s23 - s12 * c23 * s13 * phase, c23 * c13],
        ]
        return np.asarray(np.abs(np.array(u)) ** 2)


def mass_content(parameters: OscillationParameters, energy: Array, electron_density: Array) -> Array:
    """P_1, P_2, P_3 of a nu_e born in matter, as the module describes.

    Parameters
    ----------
    energy
        Neutrino energy in keV.
    electron_density
        Where it is born, in electrons per cm^3; shapes broadcast.

    Returns
    -------
    Shape (3, ...): not negative, adding to 1.
    """
    p, eV2 = parameters, eV**2
    dm21, dm31 = p.dm21_eV2 * eV2, p.dm31_eV2 * eV2
    dm_ee = dm31 - p.sin2_theta12 * dm21
    a = 2.0 * energy * (matter_potential * electron_density)
    (cos_12, sin_12), (cos_13, sin_13) = _double_angle(p.sin2_theta12), _double_angle(p.sin2_theta13)
    # 1-3 rotation; the root keeps the sign of the splitting, so that phi = theta_13 in vacuum in both orderings
    split = math.copysign(1.0, dm_ee) * np.sqrt((cos_13 * dm_ee - a) ** 2 + (sin_13 * dm_ee) ** 2)
    cos_phi, sin_phi = (cos_13 * dm_ee - a) / split, sin_13 * dm_ee / split
    # 1-2 rotation at what the first one left: half of a + dm_ee - split is cos^2(theta_13) a to first order
    away = cos_12 * dm21 - 0.5 * (a + dm_ee - split)
    overlap = 0.5 * (1.0 + cos_phi * cos_13 + sin_phi * sin_13)  # cos^2(phi - theta_13)
    cos_psi = away / np.sqrt(away**2 + overlap * (sin_12 * dm21) ** 2)
    light = 0.5 * (1.0 + cos_phi)
    return np.stack([0.5 * light * (1.0 + cos_psi), 0.5 * light * (1.0 - cos_psi), 0.5 * (1.0 - cos_phi)])


def _double_angle(sin2: float) -> tuple[float, float]:
    return 1.0 - 2.0 * sin2, 2.0 * math.sqrt(sin2 * (1.0 - sin2))


@dataclass(frozen=True, eq=False)
class Production:
    """Which share of a solar component is born at which electron density.

    Attributes
    ----------
    electron_density
        In electrons per cm^3, shape (m,).
    share
        Shares of the component, shape (m,), adding to 1.
    """

    component: str
    model: str
    electron_density: Array
    share: Array
    cite: tuple[str, ...]

    @classmethod
    def load(cls, tables: Tables, component: str, model: SolarModel) -> Production:
        """The profile of ``model``: one node per radius of its table, by the trapezoid rule from the centre outwards.

        The shares are divided by their sum, which the table misses by less than 1e-3.

        Raises
        ------
        UnknownName
            A component or model that does not exist.
        """
        if model not in get_args(SolarModel):
            raise UnknownName("unknown solar model", given=model, allowed=", ".join(get_args(SolarModel)))
        if component not in COMPONENTS:
            raise UnknownName("unknown solar component", given=component, allowed=", ".join(COMPONENTS))
        table = tables.read(f"flux/solar/production_{model}")
        radius, born = table["radius"], table[component]
        # nothing is born at the centre itself, r = 0, so its node of the rule has no weight
        share = born * np.gradient(np.append(0.0, radius), edge_order=1)[1:]
        share[-1] *= 0.5
        density = 10.0 ** table["log10_electron_density"] * mole / cm**3
        return cls(component, model, density, share / share.sum(), table.cite)

    def compressed(self, order: int = ORDER_DENSITY) -> Production:
        """The same distribution of electron densities in ``order`` Gauss nodes.

        P_i depends on the radius through the density alone, and smoothly, so an average over few nodes replaces the one
        over every row: exact for polynomials of degree 2 * order - 1 in the density.
        """
        scale = self.electron_density.max()
        node, share = _gauss(self.electron_density / scale, self.share, order)
        return replace(self, electron_density=scale * node, share=share)


def _gauss(x: Array, weight: Array, order: int) -> tuple[Array, Array]:
    """Gauss rule of the discrete measure ``weight`` at ``x``: Stieltjes recurrence, then Golub and Welsch.

    The recurrence is stable while ``order`` is far below the number of points (Gautschi, SIAM J. Sci. Stat. Comput. 3,
    289).
    """
    before, now, side = np.zeros_like(x), np.ones_like(x) / math.sqrt(weight.sum()), 0.0
    jacobi = np.zeros((order, order))
    for k in range(order):
        jacobi[k, k] = weight @ (x * now**2)
        after = (x - jacobi[k, k]) * now - side * before
        side = math.sqrt(weight @ after**2)
        before, now = now, after / side
        if k + 1 < order:
            jacobi[k, k + 1] = jacobi[k + 1, k] = side
    node, vector = np.linalg.eigh(jacobi)
    return node, vector[0] ** 2 / np.sum(vector[0] ** 2)


@dataclass(frozen=True, eq=False)
class Oscillated(Flux):
    """A solar component as it arrives: its nu_e shared among the mass states, or the flavours, energy by energy.

    Another set of parameters is ``dataclasses.replace(flux, parameters=...)``.

    Raises
    ------
    OutOfRange
        ``production`` belongs to another component or solar model than ``source``.
    """

    source: SolarComponent
    production: Production
    parameters: OscillationParameters
    name: str = field(init=False)
    relative_error: float | None = field(init=False)
    cite: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        source, production = self.source, self.production
        if (source.name, source.model) != (production.component, production.model):
            raise OutOfRange(
                "a solar component and its production region do not belong together",
                where="oscillation",
                given=f"{source.name} of {source.model}, born like {production.component} of {production.model}",
                allowed="one component of one solar model",
            )
        object.__setattr__(self, "name", source.name)
        object.__setattr__(self, "relative_error", source.relative_error)
        keys = (*source.cite, *production.cite, *self.parameters.cite, *CITE)
        object.__setattr__(self, "cite", tuple(dict.fromkeys(keys)))

    def content(self, energy: Array, basis: Basis) -> Array:
        """Probability of each state of ``basis`` at ``energy`` (n,) in keV, shape (3, n), adding to 1.

        Rows are nu_1, nu_2, nu_3 or nu_e, nu_mu, nu_tau.
        """
        born = mass_content(self.parameters, energy[:, None], self.production.electron_density)
        mass = np.asarray(born @ self.production.share)
        return mass if basis == "mass" else np.asarray(self.parameters.mixing @ mass)

    def measure(self, basis: Basis, *, order: int) -> Mapping[str, Measure]:
        born = self.source.measure("flavour", order=order)["nu_e"]
        states = MASS_STATES if basis == "mass" else FLAVOURS[:3]
        shares = self.content(born.energy, basis)
        return {state: replace(born, weight=born.weight * share) for state, share in zip(states, shares, strict=True)}

    def density(self, energy: Array) -> Array:
        return self.source.density(energy)


def oscillated_solar_flux(
    tables: Tables, components: Sequence[str], model: SolarModel, parameters: OscillationParameters
) -> tuple[Oscillated, ...]:
    """The solar ``components`` of ``model`` at the Earth, each averaged over its own production region.

    Raises
    ------
    UnknownName
        A component or model that does not exist.
    """
    return tuple(
        Oscillated(source, Production.load(tables, source.name, model).compressed(), parameters)
        for source in solar_flux(tables, components, model)
    )
