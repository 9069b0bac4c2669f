"""A declaration becomes a model: templates from the physics tower, a likelihood from the statistics tower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from eventfit.analysis.bending import refuse_negative
from eventfit.analysis.binning import expected_spectrum
from eventfit.analysis.declaration import Declaration
from eventfit.analysis.events import background_densities, read_events
from eventfit.analysis.measured import derive_measured, read_measured
from eventfit.analysis.off import build_off
from eventfit.analysis.physics import Folded, build_physics
from eventfit.analysis.reading import DEFAULT, declared_variants
from eventfit.analysis.recoil_spectrum import RecoilSpectrum
from eventfit.analysis.signal import with_signal
from eventfit.analysis.statistics import build_statistics, find_poi
from eventfit.analysis.systematics import read_systematics
from eventfit.cross_section import Coupling, Process
from eventfit.errors import UnknownName, did_you_mean, located
from eventfit.flux import Flux
from eventfit.folding import BendingError
from eventfit.likelihood import Likelihood, UnbinnedLikelihood
from eventfit.notebook import html_table, written
from eventfit.parameters import Reported
from eventfit.provenance import worst
from eventfit.quadrature import Array
from eventfit.spectrum import Spectrum, Template
from eventfit.tables import Table, Tables, shipped
from eventfit.target import Target
from eventfit.timing import StageClock

__all__ = ["Analysis", "Model", "shipped_analyses"]


@dataclass(frozen=True, eq=False)
class Model:
    """One variant, ready for inference.

    Attributes
    ----------
    poi, reported
        The fit parameter (``mu2``) and how it is quoted (``mu_nu`` in mu_B).
    templates, backgrounds
        Spectra at unit couplings and at nominal norm.
    fluxes, couplings
        The source components as they arrive, and what the templates scale with.
    tables
        Every table behind the model, with its provenance.
    bending
        How far the morphs of errors of the response are from exact re-folds, alone and together.
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
    fluxes: tuple[Flux, ...]
    processes: tuple[Process, ...]
    target: Target
    couplings: tuple[Coupling, ...]
    tables: tuple[Table, ...]
    cite: tuple[str, ...]
    #: what was declared of a predicted rate -> that rate, shared by all variants
    predicted: dict[tuple[str, ...], float] = field(default_factory=dict, repr=False)
    bending: tuple[BendingError, ...] = ()

    @property
    def kind(self) -> Literal["observed", "expected", "counting"]:
        """What kind of results it gives: of data, of what is expected without signal, of one counted number."""
        return self.declaration.data.kind

    @property
    def worst_input(self) -> str:
        """The status of the input that can be trusted least: of its tables, and of the numbers typed into it."""
        return worst([*(table.status for table in self.tables), self.declaration.typed_status])

    def spectrum_of(self, expected: Array) -> Array:
        """The bins of the spectrum among all bins of the likelihood: those of measurements beside it left out."""
        return expected[..., : len(self.observed.values())]

    @property
    def numerical_error(self) -> float:
        """Largest relative change of any bin of any template when all quadrature nodes are doubled."""
        return max(template.numerical_error for template in self.templates)

    @property
    def morph_error(self) -> float | None:
        """Largest distance of a morph from the exact re-fold over +-3 standard deviations; None if nothing bends."""
        return max((error.error for error in self.bending), default=None)

    def _repr_html_(self) -> str:
        """What was built, and which of its tables nobody verified."""
        likelihood = self.likelihood
        free = [p.name for p in likelihood.parameters if p.constraint is None]
        unverified = [table.name for table in self.tables if table.status == "recalled-unverified"]
        edges = self.observed.edges
        rows = [
            ("title", self.declaration.title),
            ("parameter of interest", f"{self.reported.name}, fitted as {self.poi}"),
            (
                "bins",
                f"{len(edges) - 1} from {edges[0]:g} to {edges[-1]:g}, {self.observed.values().sum():g} events",
            ),
            ("components", written(likelihood.whole_components)),
            ("free parameters", written(free)),
            ("constrained", written([p.name for p in likelihood.parameters if p.name not in free]) or "none"),
            ("tables", f"{len(self.tables)}, recalled and not verified: {written(unverified) or 'none'}"),
            ("folding error", f"{self.numerical_error:.1g}"),
        ]
        if self.morph_error is not None:
            rows.append(("morph error", f"{self.morph_error:.1g}"))
        return html_table(f"{self.analysis}, variant {self.variant}", rows)


@dataclass(frozen=True, eq=False)
class Analysis:
    """A declared analysis with its variants; tables come from the data folder and from beside the declaration.

    ``shipped`` tells an analysis of this installation, loaded by its id, from a file of the user.
    """

    id: str
    path: Path
    variants: Mapping[str, tuple[str, Declaration]]
    roots: tuple[Path, ...]
    shipped: bool
    #: folds of the variants built so far
    folded: Folded = field(default_factory=dict, repr=False)
    #: predicted rates of the variants asked for so far
    predicted: dict[tuple[str, ...], float] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, name: str | Path, *, data: Path | None = None) -> Analysis:
        """The shipped analysis of this id, or the declaration in a file.

        Parameters
        ----------
        name
            An id such as ``xenon1t_2020``, or the path of a ``.toml`` file or of a folder with an ``analysis.toml``.
        data
            Folder of the shipped tables, for tests that change one.
        """
        path = Path(name)
        if path.is_dir() and (path / "analysis.toml").is_file():
            path = path / "analysis.toml"
        own = path.suffix == ".toml"
        if not own:
            path = _shipped_path(str(name))
        roots = ((path.resolve().parent,) if own else ()) + (data or shipped("data"),)
        identity = path.resolve().parent.name if path.stem == "analysis" else path.stem
        return cls(identity, path, declared_variants(path), roots, shipped=not own)

    def _repr_html_(self) -> str:
        """The variants and what each changes."""
        rows = [(name, meaning) for name, (meaning, _) in self.variants.items()]
        return html_table(f"{self.id}: {self.default.title}", rows, ("variant", "meaning"))

    @property
    def default(self) -> Declaration:
        """The declaration of the default variant."""
        return self.variants[DEFAULT][1]

    def model(
        self, variant: str = DEFAULT, *, signal: RecoilSpectrum | None = None, clock: StageClock | None = None
    ) -> Model:
        """Read the tables, fold the templates and build the likelihood of ``variant``.

        ``signal`` takes the place of the declared one; ``clock`` takes the time.

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
        with located(str(self.path)):
            declared = self.variants[variant][1]
            return self._build(variant, declared, str(self.path), signal, clock or StageClock())

    def _build(
        self, variant: str, declared: Declaration, where: str, signal: RecoilSpectrum | None, clock: StageClock
    ) -> Model:
        tables = Tables(*self.roots, clock=clock)
        measured = read_measured(declared, tables)
        events = None if measured is None else read_events(declared, tables, measured.spectrum)
        with clock.stage("folding"):
            physics = build_physics(declared, tables, events, self.folded)
            if signal is not None:
                declared, physics = with_signal(declared, physics, signal, tables, events)
        backgrounds = {b.name: expected_spectrum(b, tables, declared) for b in declared.background}
        systematics = read_systematics(declared, tables)
        measured = measured or derive_measured(declared, physics, backgrounds, tables)
        off = build_off(declared, tables, backgrounds, self.id)
        poi, reported = find_poi(declared, physics, self.id, where)
        statistics = build_statistics(
            declared, physics, backgrounds, systematics, measured, off, poi=poi, prefix=self.id, where=where
        )
        hashes = {table.name: table.sha256 for table in tables.used}
        if signal is not None and signal.sha256:
            hashes[f"spectrum {signal.name}"] = signal.sha256
        likelihood = statistics.likelihood(hashes)
        if events is not None:
            densities = {t.name: t.density for t in physics.templates}
            densities |= background_densities(declared, tables, backgrounds, events)
            likelihood = UnbinnedLikelihood.of_events(
                statistics.parameters, statistics.components, densities, input_hashes=hashes
            )
        refuse_negative(declared, physics, likelihood, self.id)
        citations = [*declared.cite, *(key for table in tables.used for key in table.cite), *physics.cite]
        return Model(
            analysis=self.id,
            variant=variant,
            declaration=declared,
            likelihood=likelihood,
            poi=poi,
            reported=reported,
            observed=measured.spectrum,
            templates=physics.templates,
            backgrounds=tuple(backgrounds.values()),
            fluxes=physics.fluxes,
            processes=physics.processes,
            target=physics.target,
            couplings=physics.couplings,
            tables=tables.used,
            cite=tuple(dict.fromkeys(citations)),
            predicted=self.predicted,
            bending=physics.bending,
        )


def shipped_analyses() -> tuple[str, ...]:
    """Ids of the analyses that come with eventfit."""
    return tuple(sorted(path.parent.name for path in shipped("analyses").glob("*/analysis.toml")))


def _shipped_path(name: str) -> Path:
    known = shipped_analyses()
    if name not in known:
        raise UnknownName(
            "there is no such analysis",
            given=name,
            allowed=", ".join(known) + ", or the path of a .toml file",
            fix=did_you_mean(name, known) or "see 'eventfit list'",
        )
    return shipped("analyses") / name / "analysis.toml"
