"""The declaration of an analysis: closed, strictly typed, without code. JSON Schema comes from these classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eventfit.analysis.counting import CountedDeclared, OverEnergyDeclared, PerFissionDeclared, RatioDeclared
from eventfit.analysis.detector import Exposure, ResponseDeclared, TargetDeclared
from eventfit.analysis.files import BackgroundFile, BackgroundSource, BinsSource, CovarianceFile
from eventfit.analysis.measurements import Measurement
from eventfit.analysis.mechanisms import ProcessDeclared
from eventfit.analysis.nuisances import Norm, Nuisance
from eventfit.analysis.sources import OscillationDeclared, Source
from eventfit.analysis.wanted import Published, Wanted
from eventfit.provenance import AnyStatus
from eventfit.strict import Name, NonNegative, Strict

__all__ = ["COUNTED", "FORMS", "Background", "DataDeclared", "Declaration", "OffDeclared"]

#: forms of data that are one number in one bin
COUNTED = ("ratio_to_weak", "cross_section_per_fission", "cross_section_over_energy")
#: forms of data, of which a declaration has one; a variant that names another one replaces it
FORMS = ("observed", "residual", *COUNTED, "asimov")


class DataDeclared(Strict):
    """What was measured, in one of several forms, and the data set it comes from (equal origins never combine).

    ``observed``: a table or file of counts in the bins of the response, or of single events, which are then counted;
    with ``events`` the fit is that of the single events in this table, which are those of the counts, and needs the
    ``density`` of every background. ``residual``: rates with errors, backgrounds subtracted (Gaussian); a
    ``covariance`` of all bins takes the place of the errors. ``ratio_to_weak``, ``cross_section_per_fission``,
    ``cross_section_over_energy``: one number in one bin, over the weak one or to be held against it. ``asimov = true``:
    no data; what the declaration expects without signal stands for them, and every result is an expected one.
    """

    observed: BinsSource | None = None
    events: BinsSource | None = None
    residual: BinsSource | None = None
    covariance: CovarianceFile | None = None
    ratio_to_weak: RatioDeclared | None = None
    cross_section_per_fission: PerFissionDeclared | None = None
    cross_section_over_energy: OverEnergyDeclared | None = None
    asimov: Literal[True] | None = None
    origin: Annotated[list[str], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_form(self) -> DataDeclared:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"one of {', '.join(FORMS)} has to be given; here {' and '.join(given) or 'none'}")
        if self.events is not None and self.observed is None:
            raise ValueError("events belong to observed counts")
        if self.covariance is not None and self.residual is None:
            raise ValueError("a covariance belongs to a residual: the errors of counts are those of Poisson")
        return self

    @property
    def kind(self) -> Literal["observed", "expected", "counting"]:
        """What kind of results these data give."""
        if self.asimov is not None:
            return "expected"
        return "counting" if self.counted is not None else "observed"

    @property
    def counted(self) -> CountedDeclared | None:
        """The one number in one bin, if that is what was measured."""
        return self.ratio_to_weak or self.cross_section_per_fission or self.cross_section_over_energy


class OffDeclared(Strict):
    """Data without the source, ``time_ratio`` times as long as those with it, that measure all backgrounds together.

    ``background``: ``per_bin`` leaves that of every bin free (a pair of counts per bin), ``smooth`` makes it a sum of
    Bernstein polynomials of the given ``degree`` with coefficients >= 0, common to ON and OFF. ``observed`` is the
    table or file of OFF counts; without one, for expected results, the declared backgrounds stand for it.
    """

    time_ratio: Annotated[float, Field(ge=1e-6, le=1e6)]
    background: Literal["per_bin", "smooth"]
    degree: Annotated[int, Field(ge=0, le=12)] | None = None
    observed: BinsSource | None = None

    @model_validator(mode="after")
    def _degree(self) -> OffDeclared:
        if self.background == "smooth" and self.degree is None:
            raise ValueError("background = 'smooth' needs its degree: 0 is flat, 3 a cubic")
        if self.background == "per_bin" and self.degree is not None:
            raise ValueError("degree has no meaning for background = 'per_bin': leave it out")
        return self


class Background(Strict):
    """A background template; its norm is fixed unless ``norm`` frees it or a nuisance scales it.

    ``table`` holds expected counts in the bins of the response in its ``column`` (``expected_counts`` if none is
    chosen), or a curve of ``expected_per_keV``, which is then integrated; or it is a file. ``rate_per_keV_kg_day`` is a
    flat one. ``density`` is the table or file of the same background as a curve, for fits of single events.
    """

    name: Name
    table: BackgroundSource | None = None
    rate_per_keV_kg_day: NonNegative | None = None
    column: str | None = None
    density: BackgroundSource | None = None
    norm: Norm | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Background:
        if (self.table is None) == (self.rate_per_keV_kg_day is None):
            raise ValueError("either table or rate_per_keV_kg_day has to be given, and not both")
        if self.table is None and self.column is not None:
            raise ValueError("a column belongs to a table")
        if isinstance(self.table, BackgroundFile) and self.column is not None:
            raise ValueError("column belongs to a table by its name: of a file the column is its value")
        if isinstance(self.density, BackgroundFile) and not self.density.is_curve:
            raise ValueError("a density is a curve: x and y, or a graph")
        return self


class Declaration(Strict):
    """One analysis, or one variant of it.

    The parameter of a nuisance is called ``analysis.name``; that of one in ``shared`` by its name alone, as it is the
    same in other analyses that share it.
    """

    title: str
    cite: list[str] = Field(default_factory=list)
    #: how far the numbers typed into the declaration can be trusted: the worst of them, as for a table
    typed_status: AnyStatus = "transcribed"
    poi: str
    exposure: Exposure
    target: TargetDeclared
    flux: Annotated[list[Source], Field(min_length=1)]
    oscillation: OscillationDeclared | None = None
    process: Annotated[list[ProcessDeclared], Field(min_length=1)]
    response: ResponseDeclared
    data: DataDeclared
    off: OffDeclared | None = None
    background: list[Background] = Field(default_factory=list)
    nuisance: list[Nuisance] = Field(default_factory=list)
    shared: list[Name] = Field(default_factory=list)
    measurement: list[Measurement] = Field(default_factory=list)
    result: list[Wanted] = Field(default_factory=list)
    published: list[Published] = Field(default_factory=list)
