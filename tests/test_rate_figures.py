"""Figures of rates and of the survival probability: what is drawn is what was computed, and can be read."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from eventfit.analysis import Analysis
from eventfit.analysis.expectation import expectation
from eventfit.cross_section import CorrectedElectron, FreeElectrons, SteppingElectrons
from eventfit.flux import OscillationParameters, oscillated_solar_flux
from eventfit.flux.solar import COMPONENTS
from eventfit.quadrature import Array
from eventfit.rates import Prediction, open_source, predict_rates, solar_source
from eventfit.report.figures import save
from eventfit.report.rate_figures import expectation_figure, rate_figures, recoil_figure
from eventfit.report.rates import term_name
from eventfit.report.survival_figure import survival_figure
from eventfit.tables import Tables, shipped
from eventfit.target import Target
from eventfit.units import MeV, day, tonne

TABLES = Tables(shipped("data"))
XENON = Target.load(TABLES, "xenon")
PARAMETERS = OscillationParameters.load(TABLES, "nufit60_ic24_normal")
FLUXES = oscillated_solar_flux(TABLES, COMPONENTS, "b16_gs98", PARAMETERS)
UNIT = "events in 100 tonne day"


def prediction(
    *,
    stepping: bool = False,
    window: tuple[float, float] | None = None,
    moment: float | None = None,
    oscillation: str = "nufit60_ic24_normal",
    components: tuple[str, ...] = COMPONENTS,
) -> Prediction:
    electrons = SteppingElectrons(XENON) if stepping else FreeElectrons(XENON)
    source = solar_source(TABLES, components=components, oscillation=oscillation)
    process = CorrectedElectron(electrons, qed=True)
    return predict_rates(source, XENON, process, exposure=100 * tonne * day, window=window, moment=moment)


def near(source: str, window: tuple[float, float]) -> Prediction:
    """Of a reactor, or of stopped pions, with a moment beside the weak rate."""
    process = CorrectedElectron(FreeElectrons(XENON), qed=True)
    opened = open_source(source, TABLES, {"flux_per_cm2_s": 1e7})
    return predict_rates(opened, XENON, process, exposure=100 * tonne * day, window=window, moment=1e-10)


MAKERS: dict[str, Callable[[], Figure]] = {
    "survival": lambda: survival_figure(FLUXES),
    "survival with all flavours": lambda: survival_figure(FLUXES, converted=True),
    "survival of one line": lambda: survival_figure(FLUXES[1:2]),
    "recoils": lambda: recoil_figure(prediction(), UNIT),
    "bound": lambda: recoil_figure(prediction(stepping=True, components=("pp", "be7")), UNIT),
    "moment": lambda: recoil_figure(prediction(window=(1.0, 30.0), moment=1e-11), UNIT),
    "above pp": lambda: recoil_figure(prediction(window=(700.0, 1e6), oscillation="none"), UNIT),
    "line alone": lambda: recoil_figure(prediction(components=("pep",)), UNIT),
    "reactor": lambda: recoil_figure(near("reactor", (2.8, 55.0)), UNIT),
    "stopped pions": lambda: recoil_figure(near("stopped_pion", (18e3, 50e3)), UNIT),
    "one number": lambda: expectation_figure(expectation(Analysis.load("rovno_1993").model())),
    "many bins": lambda: expectation_figure(expectation(Analysis.load("borexino_2017").model())),
    "analysis": lambda: expectation_figure(expectation(Analysis.load("xenonnt_2022").model("mu_e"))),
}


@cache
def figure_of(name: str) -> Figure:
    """A figure of the list, drawn: warnings are errors here."""
    figure = MAKERS[name]()
    figure.draw_without_rendering()
    return figure


def curve(line: Line2D) -> tuple[Array, Array]:
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def smallest(text: Text) -> float:
    """Size in points of the smallest sign: super- and subscripts are smaller."""
    scripts = "$" in text.get_text() and re.search(r"[\^_]", text.get_text())
    return float(text.get_fontsize()) * (0.7 if scripts else 1.0)


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_text_is_large_and_inside(name: str) -> None:
    figure = figure_of(name)
    ticks = {
        tick
        for axes in figure.axes
        for tick in (*axes.get_xticklabels(which="both"), *axes.get_yticklabels(which="both"))
    }
    seen = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()]
    seen = [text for text in seen if text.get_text().strip()]
    assert len(seen) > 5
    for text in seen:
        assert smallest(text) >= 6.999, text.get_text()
        if text not in ticks:  # of which matplotlib keeps some outside of the axes without drawing them
            box = text.get_window_extent()
            assert figure.bbox.padded(0.5).fully_contains(*box.min), text.get_text()
            assert figure.bbox.padded(0.5).fully_contains(*box.max), text.get_text()


@pytest.mark.parametrize("name", MAKERS)
def test_axes_have_their_units(name: str) -> None:
    axes = figure_of(name).axes
    assert all(ax.get_ylabel() for ax in axes)
    if name == "many bins":  # of a number of hits, which has no unit
        assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("reconstructed n hits", "expected counts / bin")
        return
    assert "[MeV]" in axes[-1].get_xlabel() or "[keV]" in axes[-1].get_xlabel()
    if not name.startswith("survival"):
        assert "keV" in axes[0].get_ylabel()


def test_survival_is_the_content_over_the_range_of_the_component() -> None:
    top = figure_of("survival").axes[0]
    for flux, line in zip(FLUXES, top.get_lines()[1:], strict=True):
        energy, probability = curve(line)
        energy = energy * MeV
        assert probability == pytest.approx(flux.content(energy, "flavour")[0])
        if flux.source.is_line:
            assert energy == pytest.approx(flux.source.nodes_keV)
            assert line.get_linestyle() == "None"
            assert line.get_marker() not in ("", "None", None)
        else:
            assert np.all(flux.density(energy[:-1]) > 0)
            assert energy[-1] <= flux.source.nodes_keV[-1]
            assert flux.density(energy[-1:] * 1.001) == pytest.approx(0.0, abs=1e-3 * flux.source.total / energy[-1])


def test_the_spread_is_zero_for_the_reference_and_positive_for_what_is_born_outside() -> None:
    bottom = figure_of("survival").axes[1]
    lines = dict(zip(COMPONENTS, bottom.get_lines()[1:], strict=True))
    assert np.all(curve(lines["b8"])[1] == 0)
    assert np.all(curve(lines["hep"])[1] > 0)
    assert "^8" in bottom.get_ylabel()


def test_flavours_drawn_add_up() -> None:
    lines = figure_of("survival with all flavours").axes[0].get_lines()[1:]
    for number in range(len(FLUXES)):
        three = [curve(line)[1] for line in lines[3 * number : 3 * number + 3]]
        assert sum(three) == pytest.approx(np.ones(len(three[0])))


def test_recoils_drawn_are_the_spectrum() -> None:
    lines = figure_of("moment").axes[0].get_lines()
    T = curve(lines[0])[0]
    assert (T[0], T[-1]) == (1.0, 30.0)
    computed = prediction(window=(1.0, 30.0), moment=1e-11)
    spectra = computed.spectra(T)
    for name, line in zip(COMPONENTS, lines, strict=False):
        assert curve(line)[1] == pytest.approx(spectra[name])
    for column, line in zip(("predicted", "without_oscillation", "magnetic"), lines[len(COMPONENTS) :], strict=True):
        assert curve(line)[1] == pytest.approx(sum(computed.spectra(T, column).values()))


def test_a_step_is_a_step() -> None:
    """Both sides of every edge are drawn, so that no slope is seen where there is a jump."""
    T = curve(figure_of("bound").axes[0].get_lines()[0])[0]
    for edge in (*XENON.shell_energies, 2 * 384.3**2 / (510.99895 + 2 * 384.3)):
        assert np.any((edge * (1 - 1e-5) < T) & (edge > T))
        assert np.any((edge < T) & (edge * (1 + 1e-5) > T))


def test_the_total_of_one_component_is_not_drawn_over_it() -> None:
    for name, total in (("line alone", 0), ("stopped pions", 1)):
        labels = [str(line.get_label()) for line in figure_of(name).axes[0].get_lines()]
        assert labels.count("total") == total


def test_a_measured_number_has_its_own_error() -> None:
    """Rovno: 1.28 +- 0.63 of the weak rate, which is no count of events."""
    model = Analysis.load("rovno_1993").model()
    (bar,) = (c for c in figure_of("one number").axes[0].collections if isinstance(c, LineCollection))
    low, high = bar.get_segments()[0][:, 1] / model.templates[0].spectrum.values()[0]
    assert (low, high) == (pytest.approx(1.28 - 0.63), pytest.approx(1.28 + 0.63))


def test_what_lies_below_zero_is_drawn_as_its_size() -> None:
    """As an interference may."""
    model = Analysis.load("xenonnt_2022").model()
    templates = tuple(replace(t, spectrum=-1.0 * t.spectrum) for t in model.templates)
    figure = expectation_figure(expectation(replace(model, templates=templates)))
    figure.draw_without_rendering()
    labels = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    assert any(label.endswith("(absolute value)") for label in labels)
    drawn = [patch.get_data()[0] for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]
    for template, heights in zip(model.templates, drawn, strict=False):
        assert heights == pytest.approx(template.spectrum.values())


def test_names_of_terms() -> None:
    names = ("without_oscillation", "magnetic_moment", "mu_12", "q_nu_interference", "r2_e_squared")
    words = ("without oscillation", "magnetic moment", "mu_12", "q_nu interference", "r2_e squared")
    assert tuple(term_name(name) for name in names) == words


def test_figures_of_what_there_is() -> None:
    assert set(rate_figures(prediction(components=("pp",)), UNIT)) == {"", "survival"}
    assert set(rate_figures(prediction(oscillation="none", components=("pp",)), UNIT)) == {""}
    assert set(rate_figures(expectation(Analysis.load("xenonnt_2022").model()), UNIT)) == {""}


def test_they_can_be_saved(tmp_path: Path) -> None:
    for path in save(figure_of("survival"), tmp_path / "survival"):
        assert path.stat().st_size > 10_000
    figure_of("recoils").savefig(io.BytesIO(), format="pdf")
