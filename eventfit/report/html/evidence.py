"""The figures of a page with their captions, and the numbers behind them: spectrum, profile, yields, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure

from eventfit.errors import StatisticsError
from eventfit.inference.asymptotic import cut_of
from eventfit.report.estimates import Estimate, correlations, estimates, yield_errors
from eventfit.report.figures import coupling_figure, couplings_beside, other_parameters, profile_figure
from eventfit.report.html.findings import Findings
from eventfit.report.html.markup import Content, Html, code, element, joined, table
from eventfit.report.html.numbers import NOTHING, amount, name_of, percent, ratio
from eventfit.report.html.svg import inline_svg
from eventfit.report.method_figures import profile_curve_figure
from eventfit.report.parameter_figures import correlation_figure, pull_figure
from eventfit.report.spectrum_figures import Yield, components_figure, spectrum_figure, yields_figure
from eventfit.report.spectrum_view import POINTS, SpectrumView, bin_axis, expected_parts
from eventfit.report.survival_figure import oscillated, survival_figure

__all__ = ["Evidence"]

#: most parameters of a correlation matrix, pulls and components in a figure; the tables have all
MATRIX, ROWS, BARS = 30, 24, 30


class Evidence:
    """The sections of a page that hold figures; they are numbered as they are asked for."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.shown = 0

    # -- sections -----------------------------------------------------------------------------------------------------

    def spectrum(self) -> Html:
        """Data with the fits, and with every component."""
        view, unbinned = self.view, self.findings.problem.likelihood.unbinned
        residual = (
            "Below, (observed − expected) in given errors."
            if view.errors.any()
            else "Below, the signed root of the Poisson deviance of every point; bands at one and two."
        )
        errors = "given" if view.errors.any() else "central 68 % Poisson"
        note = " The fit is one of single events: the bins are for the eye." if unbinned else ""
        parts = []
        if not view.wide:
            said = f"Data with {errors} errors, the best fit, and the fit without signal. {residual}{note}"
            parts.append(self._figure("spectrum", spectrum_figure(view, ""), "data and fits", said))
        size = -(-len(view.observed) // POINTS)
        mean = f" Points are means of {size} bins, with the error of their sum." if size > 1 else ""
        said = f"Every component of the best fit on a logarithmic scale, the signal in green.{mean} {residual}{note}"
        parts.append(self._figure("components", components_figure(view, ""), "data and components", said))
        return joined(*parts)

    def profile(self) -> Html:
        """The profile of this variant with the cuts, and those of all."""
        findings, reported = self.findings, self.findings.problem.reported
        cuts = [(f"{percent(findings.cl)}, two-sided", cut_of("tmu", findings.cl))]
        if findings.cl > 0.5:
            cuts.append((f"{percent(findings.cl)}, one-sided", cut_of("qmu", findings.cl)))
        entry = next((a.entry for a in findings.answers if a.quantity == "interval"), None)
        ends = [(low, high) for low, high in entry["fitted"]["pieces"] if None not in (low, high)] if entry else []
        figure = profile_curve_figure(findings.profile, reported, title="", cuts=cuts, pieces=ends)
        said = joined(
            "Profile of ",
            name_of(reported.name),
            ": −2 ln L above its minimum, all other parameters re-optimised at every value. The band is the two-sided "
            f"interval at {percent(findings.cl)} C.L.; dotted, the asymptotic cuts of two-sided and one-sided tests.",
        )
        return joined(self._figure("profile", figure, "profile of the parameter of interest", said), *self._variants())

    def yields(self) -> Html:
        """Events by component before and after the fit."""
        rows, observed = self.rows, float(self.view.observed.sum())
        total, error = sum(row.best for row in rows), self._errors[1]
        before = sum(row.start for row in rows)
        null = None if any(row.null is None for row in rows) else sum(row.null or 0.0 for row in rows)
        body: list[Sequence[Content]] = [
            (
                joined(code(row.name), " (signal)" if row.signal else None),
                amount(row.start),
                amount(row.null),
                amount(row.best, "", row.error),
                ratio(100.0 * row.best / total) if total else NOTHING,
            )
            for row in rows
        ]
        body.append((element("b", "sum"), amount(before), amount(null), amount(total, "", error), ""))
        body.append((element("b", "observed"), "", "", amount(observed), ""))
        columns = ("component", "before the fit", "without signal", "best fit", "% of the fit")
        said = (
            "Events by component: dashed before the fit, filled at the best fit with the error from its covariance. "
            f"Before the fit every parameter stands at its declared start ({self._start})."
        )
        figure = yields_figure(rows, observed, "", BARS)
        return joined(
            self._figure("yields", figure, "events by component", said),
            table(columns, body, numbers=(1, 2, 3, 4)),
            self._channels(),
            self._beside(),
        )

    def parameters(self) -> Html:
        """Pulls, constraints, free norms; the table of all parameters."""
        findings = self.findings
        best, null = estimates(findings.profile.best), findings.null and estimates(findings.null)
        figure = pull_figure(best, null or None, findings.prefix, "", ROWS)
        most = (
            f" Shown are {ROWS} of {len(best)}, the largest pulls first; the table has all." if len(best) > ROWS else ""
        )
        said = (
            "Above, pulls of the constrained parameters: (fitted − measured) in errors of the auxiliary measurement, "
            "the bar the fitted error in the same unit: a bar shorter than one says that these data constrain it. "
            f"Below, free parameters with their error relative to the best fit.{most}"
        )
        other = {e.name: e for e in null or ()}
        body = [self._parameter(estimate, other.get(estimate.name)) for estimate in best]
        columns = ("parameter", "measured", "without signal", "best fit", "pull", "constraint")
        return joined(
            self._figure("pulls", figure, "pulls and constraints", said),
            table(columns, body, numbers=(1, 2, 3, 4, 5)),
            element("p", "constraint: fitted error over that of the auxiliary measurement.", class_="after"),
            self._per_bin(),
        )

    def correlations(self) -> Html | None:
        """The correlation matrix of what the fit gives errors for; None for fewer than two."""
        names, matrix = correlations(self.findings.profile.best, MATRIX)
        if len(names) < 2:
            return None
        figure = correlation_figure(names, matrix, self.findings.prefix, "")
        most = f" The {MATRIX} most correlated parameters." if len(names) == MATRIX else ""
        said = f"Correlations at the best fit: orange positive, blue negative.{most} Parameters at a bound have none."
        return self._figure("correlations", figure, "correlation matrix", said)

    def flux(self) -> Html | None:
        """What arrives of the neutrinos of an oscillated source."""
        model = self.findings.problem.model
        arriving = oscillated(model.fluxes) if model is not None else []
        if not arriving:
            return None
        said = (
            "Survival probability of every component over its own range, lines as markers; below, the difference that "
            "its region of production makes."
        )
        return self._figure("survival", survival_figure(arriving), "survival probability", said)

    # -- what they share ----------------------------------------------------------------------------------------------

    @cached_property
    def view(self) -> SpectrumView:
        """Data and fits in bins."""
        problem = self.findings.problem
        return SpectrumView.of(
            self.findings.profile,
            problem.reported,
            bin_axis(problem),
            model=problem.model,
            samples=problem.samples,
            limit=self.findings.limit,
        )

    @cached_property
    def rows(self) -> tuple[Yield, ...]:
        """Events by component."""
        problem, null, errors = self.findings.problem, self.findings.null, self._errors[0]
        likelihood = problem.likelihood

        def events(theta: np.ndarray) -> dict[str, float]:
            parts = expected_parts(likelihood, theta, problem.model, problem.samples)
            return {name: float(part.sum()) for name, part in parts.items()}

        start = events(likelihood.start)
        without = None if null is None else events(null.values)
        return tuple(
            Yield(
                name=name,
                start=start[name],
                null=None if without is None else without[name],
                best=float(part.sum()),
                error=errors[name],
                signal=name in self.view.signal_names,
            )
            for name, part in self.view.components.items()
        )

    @cached_property
    def _errors(self) -> tuple[dict[str, float | None], float | None]:
        problem = self.findings.problem
        return yield_errors(self.findings.profile.best, problem.model, problem.samples)

    @property
    def _start(self) -> str:
        """The parameter of interest where the fit starts."""
        problem = self.findings.problem
        value = problem.likelihood.start[problem.likelihood.index(problem.poi)]
        return f"{problem.poi} = {value:.4g}"

    def _figure(self, name: str, figure: Figure, label: str, caption: Content) -> Html:
        """A numbered figure; its name is the beginning of every name inside."""
        self.shown += 1
        svg = inline_svg(figure, name, label)
        said = element("figcaption", element("b", f"Figure {self.shown}. "), caption)
        return element("figure", svg, said, id=f"figure-{name}")

    def _variants(self) -> list[Html]:
        """Profiles of all variants with the published interval, where they can be drawn in one figure."""
        rerun = self.findings.reproduction
        if rerun is None or len(rerun.runs) < 2 or rerun.runs["default"].profile is None:
            return []
        said = "Profiles of all variants, with the interval of the default one and, where there is one, the published."
        names = {False: "variants", True: "others"}
        drawn = []
        for others in (False, True) if other_parameters(rerun) else (False,):
            try:
                figure = profile_figure(rerun, others=others)
            except StatisticsError:  # a profile that never rises has no range to be drawn in
                continue
            figure.axes[0].set_title("", loc="left")
            text = "Profiles of the variants with another parameter, each against its own." if others else said
            drawn.append(self._figure(names[others], figure, "profiles of the variants", text))
        for poi in couplings_beside(rerun):
            figure = coupling_figure(rerun, poi)
            figure.axes[0].set_title("", loc="left")
            text = "Profiles of the variants with this parameter, with the interval of the first and the published one."
            drawn.append(self._figure(f"variants-{poi}", figure, f"profiles of {poi}", text))
        return drawn

    def _channels(self) -> Html | None:
        """Observed and expected by channel, where there are several."""
        view = self.view
        if len(view.axis.channels) < 2:
            return None
        rows = [
            (
                code(name),
                amount(float(view.observed[where].sum())),
                NOTHING if view.null is None else amount(float(view.null[where].sum())),
                amount(float(view.best[where].sum())),
            )
            for name, where in view.axis.channels.items()
        ]
        return table(("channel", "observed", "without signal", "best fit"), rows, numbers=(1, 2, 3))

    def _beside(self) -> Html | None:
        """The measurements beside the spectrum: what was measured, and what the best fit expects."""
        problem = self.findings.problem
        likelihood, n = problem.likelihood, len(self.view.observed)
        if problem.model is None or not likelihood.errors.size or not likelihood.errors[n:].any():
            return None
        expected = likelihood.expected(self.findings.profile.best.values)
        beside = n + np.flatnonzero(likelihood.errors[n:])
        given = (
            (problem.bins[i], likelihood.data.counts[i], likelihood.errors[i], expected[i]) for i in beside.tolist()
        )
        rows = [
            (
                code(name),
                amount(float(value), "", float(error)),
                amount(float(fit)),
                ratio(float((fit - value) / error)),
            )
            for name, value, error, fit in given
        ]
        columns = ("beside the spectrum", "measured", "best fit", "difference in errors")
        return table(columns, rows, numbers=(1, 2, 3))

    def _parameter(self, best: Estimate, null: Estimate | None) -> Sequence[Content]:
        note = " at its bound" if best.at_bound else " held" if best.held else ""
        meaning = element("small", best.meaning) if best.meaning else None
        name = joined(code(best.name.removeprefix(self.findings.prefix)), element("br") if meaning else None)
        return (
            joined(name, meaning),
            NOTHING if best.nominal is None else amount(best.nominal, "", best.width),
            NOTHING if null is None else amount(null.value, "", null.error),
            joined(amount(best.value, "" if best.unit == "sigma" else best.unit, best.error), note or None),
            ratio(best.pull),
            ratio(best.constraint),
        )

    def _per_bin(self) -> Html | None:
        """The factors per bin, in few numbers each."""
        likelihood, best = self.findings.problem.likelihood, self.findings.profile.best
        if not likelihood.scales:
            return None
        rows = []
        for scale in likelihood.scales:
            where = scale.strength > 0
            gamma = likelihood.bin_scales(best.values)[scale.name][where]
            kind = "gaussian" if scale.constraint == "gaussian" else "poisson"
            low, high = amount(float(gamma.min())), amount(float(gamma.max()))
            rows.append((code(scale.name), kind, str(int(where.sum())), low, high))
        columns = ("factor per bin", "constraint", "bins", "lowest", "highest")
        return table(columns, rows, numbers=(2, 3, 4))
