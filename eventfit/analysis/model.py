"""A declaration becomes a model: templates from the physics tower, a likelihood from the statistics tower."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventfit.analysis.declaration import (
    Background,
    ConstantQuenchingDeclared,
    Declaration,
    MagneticMomentDeclared,
    Nuisance,
    PoissonNuisance,
    SqrtResolutionDeclared,
    StandardModelDeclared,
)
from eventfit.analysis.reading import DEFAULT, declared_variants
from eventfit.cross_section import (
    ElectronTreatment,
    FreeElectrons,
    MagneticMoment,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.errors import DeclarationError, OutOfRange, UnknownName
from eventfit.flux import solar_flux
from eventfit.likelihood import Component, Factor, GaussianScale, Likelihood, LogNormalScale, Power
from eventfit.parameters import GaussianConstraint, Parameter, PoissonConstraint, Reported
from eventfit.quadrature import Array
from eventfit.response import ConstantQuenching, Efficiency, PerfectResolution, Response, SqrtResolution
from eventfit.spectrum import Spectrum, Template, fold
from eventfit.tables import Table, Tables, shipped
from eventfit.target import Target

__all__ = ["Analysis", "Model", "shipped_analyses"]

#: what ``applies_to`` may say besides component names
ALL, SIGNAL = "all", "signal"


@dataclass(frozen=True, eq=False)
class Model:
    """One variant, ready for inference.

    Attributes
    ----------
    poi, reported
        The fit parameter (``mu2``) and how it is quoted (``mu_nu`` in mu_B).
    templates, backgrounds
        Spectra at unit couplings and at nominal norm.
    tables
        Every table behind the model, with its provenance.
    """

    analysis: str
    variant: str
    declaration: Declaration
    likelihood: Likelihood
    poi: str
    reported: Reported
    observed: Spectrum
    templates: tuple[Template, ...]
    backgrounds: tuple[Spectrum, ...]
    tables: tuple[Table, ...]
    cite: tuple[str, ...]

    @property
    def numerical_error(self) -> float:
        """Largest relative change of any bin of any template when all quadrature nodes are doubled."""
        return max(template.numerical_error for template in self.templates)


@dataclass(frozen=True, eq=False)
class Analysis:
    """A declared analysis with its variants; tables come from the data folder and from beside the declaration."""

    id: str
    path: Path
    variants: Mapping[str, tuple[str, Declaration]]
    roots: tuple[Path, ...]

    @classmethod
    def load(cls, name: str | Path, *, data: Path | None = None) -> Analysis:
        """The shipped analysis of this id, or the declaration in a file.

        Parameters
        ----------
        name
            An id such as ``xenon1t_2020``, or the path of a ``.toml`` file.
        data
            Folder of the shipped tables, for tests that change one.
        """
        path = Path(name)
        own = path.suffix == ".toml"
        if not own:
            path = _shipped_path(str(name))
        roots = ((path.resolve().parent,) if own else ()) + (data or shipped("data"),)
        identity = path.resolve().parent.name if path.stem == "analysis" else path.stem
        return cls(identity, path, declared_variants(path), roots)

    @property
    def default(self) -> Declaration:
        """The declaration of the default variant."""
        return self.variants[DEFAULT][1]

    def model(self, variant: str = DEFAULT) -> Model:
        """Read the tables, fold the templates and build the likelihood of ``variant``.

        Raises
        ------
        UnknownName
            There is no such variant.
        InputError
            A table, a name or a number does not fit; the message says which.
        """
        if variant not in self.variants:
            raise UnknownName(
                "there is no such variant", where=str(self.path), given=variant, allowed=", ".join(self.variants)
            )
        return _Builder(self, variant, self.variants[variant][1]).build()


def shipped_analyses() -> tuple[str, ...]:
    """Ids of the analyses that come with eventfit."""
    return tuple(sorted(path.parent.name for path in shipped("analyses").glob("*/analysis.toml")))


def _shipped_path(name: str) -> Path:
    known = shipped_analyses()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        raise UnknownName(
            "there is no such analysis",
            given=name,
            allowed=", ".join(known) + ", or the path of a .toml file",
            fix=f"did you mean {close[0]!r}?" if close else "see 'eventfit list'",
        )
    return shipped("analyses") / name / "analysis.toml"


class _Builder:
    """The steps from one declaration to one model, in the order in which they happen."""

    def __init__(self, analysis: Analysis, variant: str, declaration: Declaration) -> None:
        self.id = analysis.id
        self.path = analysis.path
        self.variant = variant
        self.declaration = declaration
        self.tables = Tables(*analysis.roots)
        self.edges = declaration.response.edges

    def build(self) -> Model:
        declared = self.declaration
        target = Target.load(self.tables, declared.target.material)
        fluxes = [flux for source in declared.flux for flux in solar_flux(self.tables, source.components, source.model)]
        processes = [self._process(p, target) for p in declared.process]
        templates = fold(
            fluxes,
            processes,
            self._response(),
            self.edges,
            exposure=declared.exposure.internal,
            units_per_kg=target.units_per_kg,
        )
        observed = self._binned(declared.data.observed, "data.observed", "observed_counts")
        backgrounds = tuple(
            self._binned(b.table, f"background[{b.name}].table", "expected_counts", b.name) for b in declared.background
        )
        poi, reported = self._poi(processes)
        parameters, components = self._statistics(processes, templates, backgrounds, poi)
        hashes = {table.name: table.sha256 for table in self.tables.used}
        citations = [*declared.cite, *(key for table in self.tables.used for key in table.cite)]
        citations += [key for process in processes for key in process.cite]
        return Model(
            analysis=self.id,
            variant=self.variant,
            declaration=declared,
            likelihood=Likelihood.build(parameters, components, observed.counts, hashes),
            poi=poi,
            reported=reported,
            observed=observed,
            templates=templates,
            backgrounds=backgrounds,
            tables=self.tables.used,
            cite=tuple(dict.fromkeys(citations)),
        )

    # -- physics ----------------------------------------------------------------------------------------------------

    def _process(self, declared: MagneticMomentDeclared | StandardModelDeclared, target: Target) -> Process:
        treatment: ElectronTreatment = (
            SteppingElectrons(target) if self.declaration.target.electrons == "stepping" else FreeElectrons(target)
        )
        if isinstance(declared, MagneticMomentDeclared):
            return MagneticMoment(treatment)
        return StandardModelElectron(treatment, declared.sin2_theta_w)

    def _response(self) -> Response:
        declared = self.declaration.response
        efficiency = None
        if declared.efficiency is not None:
            table = self.tables.read(declared.efficiency)
            efficiency = Efficiency(table["energy_keV"], table["efficiency"], name=table.name)
        resolution = declared.resolution
        return Response(
            order=tuple(declared.order),
            resolution=SqrtResolution(resolution.a, resolution.b)
            if isinstance(resolution, SqrtResolutionDeclared)
            else PerfectResolution(),
            efficiency=efficiency,
            quenching=_quenching(declared.quenching),
        )

    def _binned(self, name: str, key: str, column: str, label: str = "observed") -> Spectrum:
        table = self.tables.read(name)
        if not np.array_equal(table.edges, self.edges):
            raise OutOfRange(
                "the bins of a table are not those of the response",
                where=f"{self.path}: {key}",
                given=f"{len(table.edges) - 1} bins from {table.edges[0]:g} to {table.edges[-1]:g} keV",
                allowed=f"{len(self.edges) - 1} bins from {self.edges[0]:g} to {self.edges[-1]:g} keV",
                fix="make response.edges_keV and the table agree",
            )
        counts = table[column]
        return Spectrum(self.edges, counts, counts, label)

    def _poi(self, processes: Sequence[Process]) -> tuple[str, Reported]:
        couplings = [coupling for process in processes for coupling in process.couplings]
        for c in couplings:
            if c.reported == self.declaration.poi:
                return c.name, Reported(c.reported, c.reported_unit, c.power, c.scale)
        raise UnknownName(
            "no declared process has this parameter of interest",
            where=f"{self.path}: poi",
            given=self.declaration.poi,
            allowed=", ".join(c.reported for c in couplings) or "none: the declared processes have no coupling",
            fix="declare the process that the parameter belongs to",
        )

    # -- statistics -------------------------------------------------------------------------------------------------

    def _statistics(
        self, processes: Sequence[Process], templates: Sequence[Template], backgrounds: Sequence[Spectrum], poi: str
    ) -> tuple[list[Parameter], list[Component]]:
        """Parameters, couplings first, and components; local names carry the id of the analysis."""
        parameters = [
            Parameter(c.name, c.unit, c.start, c.lower, meaning=c.meaning) for p in processes for c in p.couplings
        ]
        factors: dict[str, list[Factor]] = {
            t.name: [Power(name, power) for name, power in t.powers.items()] for t in templates
        }
        signal = [t.name for t in templates if poi in t.powers]
        for background in self.declaration.background:
            factors[background.name] = []
            if background.norm is not None:
                parameters.append(self._norm(background))
                factors[background.name].append(Power(parameters[-1].name))
        for nuisance in self.declaration.nuisance:
            parameter, factor = self._nuisance(nuisance)
            parameters.append(parameter)
            for name in self._scaled_by(nuisance, list(factors), signal):
                factors[name].append(factor)
        counts: dict[str, Array] = {t.name: t.spectrum.counts for t in templates} | {
            b.name: b.counts for b in backgrounds
        }
        return parameters, [Component(name, counts[name], tuple(factors[name])) for name in counts]

    def _norm(self, background: Background) -> Parameter:
        assert background.norm is not None
        low, high = background.norm.bounds
        return Parameter(
            f"{self.id}.{background.name}", "", background.norm.start, low, high, meaning=f"norm of {background.name}"
        )

    def _nuisance(self, declared: Nuisance) -> tuple[Parameter, Factor]:
        name = f"{self.id}.{declared.name}"
        if isinstance(declared, PoissonNuisance):
            constraint = PoissonConstraint(declared.observed, declared.tau)
            start = declared.observed / declared.tau
            return Parameter(name, "", start, 0.0, constraint=constraint, meaning="norm by OFF counts"), Power(name)
        scale = GaussianScale if declared.kind == "gaussian_scale" else LogNormalScale
        meaning = f"{100 * declared.relative:g} % on {', '.join(_listed(declared.applies_to))}"
        parameter = Parameter(name, "sigma", 0.0, constraint=GaussianConstraint(0.0, 1.0), meaning=meaning)
        return parameter, scale(name, declared.relative)

    def _scaled_by(self, declared: Nuisance, components: Sequence[str], signal: Sequence[str]) -> list[str]:
        if declared.applies_to == ALL:
            return list(components)
        names: list[str] = []
        for name in declared.applies_to:
            if name != SIGNAL and name not in components:
                raise DeclarationError(
                    "a nuisance applies to a component that nobody declared",
                    where=f"{self.path}: nuisance[{declared.name}].applies_to",
                    given=name,
                    allowed=", ".join([ALL, SIGNAL, *components]),
                )
            names += signal if name == SIGNAL else [name]
        return list(dict.fromkeys(names))


def _quenching(declared: ConstantQuenchingDeclared | None) -> ConstantQuenching | None:
    return None if declared is None else ConstantQuenching(declared.factor)


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
