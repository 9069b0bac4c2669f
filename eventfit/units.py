"""One internal system of units (keV, cm, s, kg) and the constants of nature with their source.

Multiply by a unit to enter the system, divide by it to leave: ``0.65 * tonne * year``, ``rate / (1 / day)``.
A year is 365.25 days. Energies, masses and momenta are all in keV (c = 1).
"""

from __future__ import annotations

import math
from typing import Final

__all__ = [
    "GW",
    "GeV",
    "MeV",
    "atomic_mass_energy",
    "atomic_mass_unit",
    "charged_pion_mass",
    "cm",
    "day",
    "eV",
    "electron_mass",
    "exposure_units",
    "fermi_constant",
    "fine_structure",
    "fm",
    "g",
    "hbar_c",
    "hour",
    "joule",
    "keV",
    "kg",
    "m",
    "magnetic_cross_section",
    "matter_potential",
    "mole",
    "neutron_mass",
    "proton_mass",
    "muon_mass",
    "s",
    "tonne",
    "weak_cross_section",
    "year",
]

# energy
keV: Final = 1.0
eV: Final = 1e-3 * keV
MeV: Final = 1e3 * keV
GeV: Final = 1e6 * keV
#: exact in the SI: 1 eV is 1.602176634e-19 J
joule: Final = eV / 1.602176634e-19

# length
cm: Final = 1.0
m: Final = 100.0 * cm
fm: Final = 1e-13 * cm

# time
s: Final = 1.0
hour: Final = 3600.0 * s
day: Final = 24.0 * hour
year: Final = 365.25 * day

# power
GW: Final = 1e9 * joule / s

# mass
kg: Final = 1.0
g: Final = 1e-3 * kg
tonne: Final = 1e3 * kg

# amount: a number of particles, exact in the SI
mole: Final = 6.02214076e23

# constants, CODATA 2022 (arXiv:2409.03787) unless another source is named
electron_mass: Final = 510.99895069 * keV
proton_mass: Final = 938.27208943 * MeV
neutron_mass: Final = 939.56542194 * MeV
fine_structure: Final = 7.2973525643e-3
hbar_c: Final = 197.3269804 * MeV * fm
atomic_mass_unit: Final = 1.66053906892e-27 * kg
#: the same as an energy, for the kinematics of nuclei
atomic_mass_energy: Final = 931.49410372 * MeV
#: Fermi constant, PDG 2024, 1.1663788(6)e-5 GeV^-2
fermi_constant: Final = 1.1663788e-5 / GeV**2
#: PDG 2024: 105.6583755(23) and 139.57039(18) MeV
muon_mass: Final = 105.6583755 * MeV
charged_pion_mass: Final = 139.57039 * MeV

#: pi alpha^2 / m_e^2 in cm^2: scale of the magnetic-moment cross section for mu = mu_B
magnetic_cross_section: Final = math.pi * (fine_structure * hbar_c / electron_mass) ** 2
#: 2 G_F^2 m_e / pi in cm^2/keV: scale of the weak neutrino-electron cross section
weak_cross_section: Final = 2.0 * (fermi_constant * hbar_c) ** 2 * electron_mass / math.pi
#: sqrt(2) G_F in keV cm^3: potential of a nu_e in matter per electron density, Wolfenstein, Phys. Rev. D 17, 2369
matter_potential: Final = math.sqrt(2.0) * fermi_constant * hbar_c**3

#: units an exposure may be declared in
exposure_units: Final = {
    "tonne year": tonne * year,
    "tonne day": tonne * day,
    "kg year": kg * year,
    "kg day": kg * day,
    "kg s": kg * s,
}
