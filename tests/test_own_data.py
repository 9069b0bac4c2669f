"""Data of the user: files, arrays and histograms in declarations, from Python, and what is wrong with them."""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from scipy.stats import norm
from typer.testing import CliRunner, Result

from eventfit.analysis import Analysis, Model
from eventfit.analysis.problem import open_problem
from eventfit.cli import app
from eventfit.errors import InputError, OutOfRange
from eventfit.flux import TableFlux, stopped_pion_flux
from eventfit.folding import fold
from eventfit.inference import Profile, fit, upper_limit_qmu_tilde
from eventfit.quadrature import Array
from eventfit.report.inspection import inspection_document
from eventfit.response import (
    ConstantQuenching,
    ConstantResolution,
    Efficiency,
    MigrationMatrix,
    PerfectResolution,
    Response,
    SqrtResolution,
    TabulatedResolution,
)

EDGES = np.linspace(2.0, 10.0, 17)
COUNTS = np.random.default_rng(3).poisson(40.0, 16).astype(float)
BACKGROUND = 44.0 - 0.5 * EDGES[:-1]
REACTOR = {
    "kind": "reactor",
    "model": "bestiole",
    "fractions": {"u235": 0.55, "u238": 0.07, "pu239": 0.32, "pu241": 0.06},
    "captures_per_fission": 0.6,
    "flux_per_cm2_s": 1e13,
}


def declared(**changes: Any) -> dict[str, Any]:
    """The shortest declaration of a made-up detector, its numbers handed over from Python."""
    base: dict[str, Any] = {
        "title": "own data",
        "poi": "mu_nu",
        "exposure": {"value": 200.0, "unit": "kg day"},
        "target": {"material": "germanium", "electrons": "free"},
        "flux": [REACTOR],
        "process": [{"kind": "magnetic_moment"}],
        "response": {
            "order": ["resolution"],
            "edges_keV": EDGES,
            "resolution": {"kind": "constant", "fwhm_keV": 0.5},
        },
        "data": {"observed": {"object": "counts", "unit": "keV"}, "origin": ["own"]},
        "background": [
            {"name": "flat", "table": {"object": "flat", "unit": "keV"}, "norm": {"start": 1.0, "bounds": [0.0, 5.0]}}
        ],
    }
    response = base["response"] | changes.pop("response", {})
    return base | {"response": response} | changes


def made(objects: Mapping[str, object] | None = None, folder: Path | None = None, **changes: Any) -> Model:
    given = {"counts": (COUNTS, EDGES), "flat": (BACKGROUND, EDGES)} | dict(objects or {})
    return Analysis.from_dict(declared(**changes), name="own", folder=folder, objects=given).model()


def observing(source: Any) -> dict[str, Any]:
    return {"observed": source, "origin": ["own"]}


def same(a: Model, b: Model) -> None:
    """The likelihoods agree to the last digits that reading leaves."""
    assert np.array_equal(a.likelihood.data.counts, b.likelihood.data.counts)
    for theta in (np.array([0.0, 1.0]), np.array([7.0, 0.9])):
        assert b.likelihood.value(theta) == pytest.approx(a.likelihood.value(theta), rel=1e-12)


def csv(path: Path, **columns: Any) -> None:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(repr(float(cell)) for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every format with the same numbers."""
    low, high = EDGES[:-1], EDGES[1:]
    csv(tmp_path / "all.csv", E_low_keV=low, E_high_keV=high, counts=COUNTS, flat=BACKGROUND)
    csv(tmp_path / "centres.csv", E_keV=0.5 * (low + high), counts=COUNTS)
    csv(tmp_path / "column.csv", counts=COUNTS)
    csv(tmp_path / "mev.csv", low=low / 1000, high=high / 1000, counts=COUNTS)
    csv(tmp_path / "rate.csv", E_low_keV=low, E_high_keV=high, rate=COUNTS / (200.0 * np.diff(EDGES)))
    centres = np.repeat(0.5 * (low + high), COUNTS.astype(int))
    csv(tmp_path / "events.csv", E_keV=np.random.default_rng(1).permutation(centres))
    fine = np.linspace(0.0, 12.0, 49)
    middle = 0.5 * (fine[:-1] + fine[1:])
    inside = np.searchsorted(EDGES, middle, side="right") - 1
    part = np.where((inside >= 0) & (inside < 16), COUNTS[np.clip(inside, 0, 15)], 99.0)
    halves = np.where(np.arange(48) % 2, part - np.floor(part / 2), np.floor(part / 2))
    csv(tmp_path / "fine.csv", low_keV=fine[:-1], high_keV=fine[1:], counts=halves)
    with uproot.recreate(tmp_path / "data.root") as file:
        histogram = hist.Hist(hist.axis.Variable(EDGES, label="Energy [keV]"), storage=hist.storage.Double())
        histogram.view(flow=True)[...] = [3.0, *COUNTS, 4.0]
        file["h_energy"] = histogram
        file["events"] = {"energy_MeV": centres / 1000}
    return tmp_path


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        {"file": "all.csv", "low": "E_low_keV", "high": "E_high_keV", "value": "counts"},
        {"file": "centres.csv", "centre": "E_keV", "value": "counts"},
        {"file": "column.csv", "rows": "bins", "value": "counts"},
        {"file": "mev.csv", "low": "low", "high": "high", "value": "counts", "unit": "MeV"},
        {"file": "rate.csv", "low": "E_low_keV", "high": "E_high_keV", "value": "rate", "per": "keV kg day"},
        {"file": "fine.csv", "low": "low_keV", "high": "high_keV", "value": "counts", "rebin": True},
        {"file": "events.csv", "events": "E_keV"},
        {"file": "data.root", "histogram": "h_energy", "overflow": "drop"},
        {"file": "data.root", "tree": "events", "events": "energy_MeV"},
        {"object": "uhi"},
        {"object": "columns", "low": "a", "high": "b", "value": "n", "unit": "keV"},
    ],
    ids=lambda source: "-".join(str(word) for word in source.values()),
)
def test_the_same_numbers_from_everywhere(source: dict[str, Any], folder: Path) -> None:
    uhi = hist.Hist(hist.axis.Variable(EDGES, label="E [keV]"), storage=hist.storage.Double())
    uhi.values()[...] = COUNTS
    objects = {"uhi": uhi, "columns": {"a": EDGES[:-1], "b": EDGES[1:], "n": COUNTS}}
    found = made(objects, folder, data=observing(source))
    same(made(), found)
    file = source.get("file")
    table = next(t for t in found.tables if t.name.split(":")[0] in (file, f"object {source.get('object')}"))
    assert table.status == "user"
    assert found.likelihood.input_hashes[table.name] == table.sha256
    if file is not None:
        assert table.sha256 == sha256((folder / file).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("per", "scale"),
    [
        ("keV kg day", 1 / (200.0 * 0.5)),
        ("kg day", 1 / 200.0),
        ("keV", 1 / 0.5),
        ("MeV tonne year", 1000.0 / (0.2 / 365.25 * 0.5)),
        ("tonne year", 365.25 / 0.2),
    ],
)
def test_rates_become_the_counts_of_the_exposure(per: str, scale: float, folder: Path) -> None:
    low, high = EDGES[:-1], EDGES[1:]
    csv(folder / "rates.csv", low_keV=low, high_keV=high, rate=COUNTS * scale, flat=BACKGROUND * scale)
    source = {"file": "rates.csv", "low": "low_keV", "high": "high_keV", "per": per}
    background = declared()["background"][0] | {"table": source | {"value": "flat"}}
    same(made(), made(folder=folder, data=observing(source | {"value": "rate"}), background=[background]))


def test_a_curve_is_integrated_over_the_bins(folder: Path) -> None:
    """A line has the same integral as its value at the centre times the width."""
    centre = 0.5 * (EDGES[:-1] + EDGES[1:])
    line = {"name": "flat", "norm": {"start": 1.0, "bounds": [0.0, 5.0]}}
    csv(folder / "line.csv", E_keV=[0.0, 12.0], density=[90.0 / 200, 78.0 / 200])
    curve = made(
        folder=folder,
        background=[line | {"table": {"file": "line.csv", "x": "E_keV", "y": "density", "per": "keV kg day"}}],
    )
    assert curve.backgrounds[0].values() == pytest.approx(0.5 * (90.0 - centre), rel=1e-12)
    columns = {"line": {"x": [0.0, 0.012], "y": [90_000.0, 78_000.0]}}
    source = {"object": "line", "x": "x", "y": "y", "unit": "MeV", "per": "MeV"}
    same(curve, made(columns, background=[line | {"table": source}]))


def test_an_efficiency_from_a_file_is_that_of_python_and_of_a_table(folder: Path) -> None:
    x, y = np.array([0.0, 3.0, 20.0]), np.array([0.1, 0.8, 0.9])
    csv(folder / "efficiency.csv", E_MeV=x / 1000, eff=y)
    with uproot.recreate(folder / "eff.root") as file:
        file["eff"] = hist.Hist(hist.axis.Regular(4, 0, 20, label="E [keV]"), data=np.array([0.2, 0.4, 0.6, 0.8]))
    order = {"order": ["resolution", "efficiency"]}
    of_file = made(folder=folder, response=order | {"efficiency": {"file": "efficiency.csv", "x": "E_MeV", "y": "eff"}})
    of_python = made({"eff": (x, y)}, response=order | {"efficiency": {"object": "eff", "unit": "keV"}})
    same(of_file, of_python)
    plain = made()
    assert np.all(of_file.templates[0].spectrum.values() < plain.templates[0].spectrum.values())
    of_root = made(folder=folder, response=order | {"efficiency": {"file": "eff.root", "histogram": "eff"}})
    at_centres = {"object": "eff", "unit": "keV"}
    points = ([0.0, 2.5, 7.5, 12.5, 17.5, 20.0], [0.2, 0.2, 0.4, 0.6, 0.8, 0.8])
    same(of_root, made({"eff": points}, response=order | {"efficiency": at_centres}))


def test_errors_make_a_gaussian_fit_with_a_closed_form(folder: Path) -> None:
    """A residual with one linear parameter: weighted least squares."""
    error = 3.0 + 0.2 * np.arange(16)
    residual = np.random.default_rng(5).normal(0.0, error)
    csv(folder / "residual.csv", low_keV=EDGES[:-1], high_keV=EDGES[1:], r=residual, e=error)
    source = {"file": "residual.csv", "low": "low_keV", "high": "high_keV", "value": "r", "error": "e"}
    model = made(folder=folder, data={"residual": source, "origin": ["own"]}, background=[])
    free = model.likelihood.bounded("mu2", -np.inf, np.inf)
    t = model.templates[0].spectrum.values()
    estimate, variance = (t / error**2) @ residual / ((t / error**2) @ t), 1.0 / ((t / error**2) @ t)
    found = fit(free)
    assert found["mu2"] == pytest.approx(estimate, rel=1e-9)
    assert found.errors[0] == pytest.approx(np.sqrt(variance), rel=1e-9)
    histogram = hist.Hist(hist.axis.Variable(EDGES, label="E [keV]"), storage=hist.storage.Weight())
    histogram.view().value, histogram.view().variance = residual, error**2
    other = made({"r": histogram}, data={"residual": {"object": "r"}, "origin": ["own"]}, background=[])
    assert other.likelihood.value(np.array([2.0])) == pytest.approx(model.likelihood.value(np.array([2.0])), rel=1e-12)


def covariance() -> Array:
    error = 3.0 + 0.2 * np.arange(16)
    shape = np.exp(-EDGES[:-1] / 4.0)
    return np.diag(error**2) + 25.0 * np.outer(shape, shape) + 9.0 * np.ones((16, 16))


def test_a_covariance_is_exact(folder: Path) -> None:
    """-2 ln L is r^T C^-1 r, and the profile over a free background too, whatever the bins are turned into."""
    matrix, rng = covariance(), np.random.default_rng(6)
    residual = rng.multivariate_normal(np.zeros(16), matrix)
    np.savetxt(folder / "covariance.txt", matrix / 200.0**2)
    csv(folder / "residual.csv", low_keV=EDGES[:-1], high_keV=EDGES[1:], r=residual / 200.0)
    source = {"file": "residual.csv", "low": "low_keV", "high": "high_keV", "value": "r", "per": "kg day"}
    data = {"residual": source, "covariance": {"file": "covariance.txt"}, "origin": ["own"]}
    model = made(folder=folder, data=data)
    inverse, t, b = np.linalg.inv(matrix), model.templates[0].spectrum.values(), BACKGROUND
    for mu2, scale in ((0.0, 0.0), (11.0, 0.7)):
        difference = residual - mu2 * t - scale * b
        assert model.likelihood.value(np.array([mu2, scale])) == pytest.approx(
            difference @ inverse @ difference, rel=1e-9
        )
    design = np.stack([t, b])
    best = np.linalg.solve(design @ inverse @ design.T, design @ inverse @ residual)
    free = model.likelihood.bounded("mu2", -np.inf, np.inf).bounded("own.flat", -np.inf, np.inf)
    assert fit(free).values == pytest.approx(best, rel=1e-6)
    assert model.spectrum_of(model.likelihood.expected(np.array([3.0, 0.5]))) == pytest.approx(
        3.0 * t + 0.5 * b, rel=1e-9
    )
    assert model.observed.values() == pytest.approx(residual, rel=1e-12)
    assert model.spectrum_errors == pytest.approx(np.sqrt(np.diagonal(matrix)), rel=1e-9)


def test_a_diagonal_covariance_is_the_errors() -> None:
    error = 3.0 + 0.2 * np.arange(16)
    table = {"a": EDGES[:-1], "b": EDGES[1:], "r": COUNTS, "e": error}
    columns = {"object": "r", "low": "a", "high": "b", "value": "r", "unit": "keV"}
    beside = made({"r": table}, data={"residual": columns | {"error": "e"}, "origin": ["own"]})
    full = {"residual": columns, "covariance": {"object": "c"}, "origin": ["own"]}
    together = made({"r": table, "c": np.diag(error**2)}, data=full)
    for theta in (np.array([0.0, 1.0]), np.array([9.0, 0.4])):
        assert together.likelihood.value(theta) == pytest.approx(beside.likelihood.value(theta), rel=1e-9)


def test_correlated_bins_are_shown_as_they_were_measured(folder: Path) -> None:
    """The report, the figures and the ROOT file hold bins of energy, and not the combinations that are fitted."""
    np.savetxt(folder / "covariance.txt", covariance())
    source = '{ file = "all.csv", low = "E_low_keV", high = "E_high_keV", value = "counts" }'
    text = toml(folder, data=f'{{ residual = {source}, covariance = {{ file = "covariance.txt" }}, origin = ["own"] }}')
    (folder / "analysis.toml").write_text(text)
    run("export", folder, "--format", "root", "-o", folder / "out" / "spectra.root")
    with uproot.open(folder / "out" / "spectra.root") as file:
        assert file["observed"].axis().edges() == pytest.approx(EDGES)
        assert file["observed"].values() == pytest.approx(COUNTS)
        assert file["best_fit"].values() == pytest.approx(
            sum(file[name].values() for name in file.keys(cycle=False) if name.startswith("components/")), rel=1e-9
        )
    for verb in ("fit", "report", "inspect"):
        assert run(verb, folder, "-o", folder / "out").exit_code == 0
    assert "correlated" in run("inspect", folder).stdout
    assert "combination 3" in open_problem(str(folder)).bins


# -- the response --


def folded(response: Response, edges: Array = EDGES) -> Array:
    model = made()
    (template,) = fold(
        model.fluxes, model.processes, response, edges, exposure=200.0 * 86400.0, units_per_kg=model.target.units_per_kg
    )
    return template.spectrum.values()


def test_a_matrix_of_true_bins_is_a_perfect_resolution() -> None:
    """P(bin | T) = 1 in its own bin."""
    identity = MigrationMatrix(EDGES, EDGES, np.eye(16), "unseen")
    assert folded(Response(("resolution",), identity)) == pytest.approx(
        folded(Response(("resolution",), PerfectResolution())), rel=1e-9
    )


def gaussian_matrix(true: Array, sigma: Callable[[Array], Array]) -> Array:
    """Probabilities (n_bin, n_true) at the middle of every true bin."""
    T = 0.5 * (true[:-1] + true[1:])
    return np.diff(norm.cdf((EDGES[:, None] - T) / sigma(T)), axis=0)


def test_a_fine_matrix_is_the_resolution_that_made_it() -> None:
    """With half the bins the difference is four times as large."""
    wanted = folded(Response(("resolution",), ConstantResolution(0.3)))
    differences = []
    for n in (130, 260):
        true = np.linspace(0.0, 13.0, n + 1)
        matrix = MigrationMatrix(true, EDGES, gaussian_matrix(true, lambda T: np.full(T.shape, 0.3)), "unseen")
        differences.append(np.abs(folded(Response(("resolution",), matrix)) / wanted - 1.0).max())
    assert differences[1] < 2e-3
    assert differences[1] < 0.3 * differences[0]


def test_a_matrix_behind_efficiency_and_quenching() -> None:
    """Visible energies go into it: the same as the same chain without smearing, and half of everything is half."""
    efficiency = Efficiency(np.array([0.0, 5000.0]), np.array([0.5, 0.5]))
    order = ("quenching", "efficiency", "resolution")
    identity = MigrationMatrix(EDGES, EDGES, np.eye(16), "unseen")
    chains = [
        Response(order, resolution, efficiency, ConstantQuenching(0.25))  # type: ignore[arg-type]
        for resolution in (identity, PerfectResolution())
    ]
    assert folded(chains[0]) == pytest.approx(folded(chains[1]), rel=1e-9)
    whole = Response(("quenching", "resolution"), identity, None, ConstantQuenching(0.25))
    assert folded(chains[0]) == pytest.approx(0.5 * folded(whole), rel=1e-9)


def test_matrices_from_files(folder: Path) -> None:
    """A TH2, rows of numbers, a row per cell, and arrays of generated events give one likelihood."""
    true = np.linspace(0.0, 13.0, 27)
    matrix = gaussian_matrix(true, lambda T: np.full(T.shape, 0.3))
    with uproot.recreate(folder / "response.root") as file:
        axes = hist.axis.Variable(true, label="T [keV]"), hist.axis.Variable(EDGES, label="E [keV]")
        histogram = hist.Hist(*axes, storage=hist.storage.Double())
        histogram.values()[...] = matrix.T
        file["migration"] = histogram
        generated = hist.Hist(hist.axis.Variable(true), storage=hist.storage.Double())
        generated.values()[...] = 1000.0
        histogram.values()[...] = 1000.0 * matrix.T
        file["counts"], file["generated"] = histogram, generated
    np.savetxt(folder / "grid.txt", matrix)
    i, j = (index.ravel() for index in np.indices(matrix.shape))
    cells = {"t0": true[j], "t1": true[j + 1], "r0": EDGES[i], "r1": EDGES[i + 1], "p": matrix[i, j]}
    csv(folder / "cells.csv", **cells)
    kind = {"kind": "matrix", "beyond": "unseen"}
    named = {"true_low": "t0", "true_high": "t1", "low": "r0", "high": "r1", "value": "p", "unit": "keV"}
    forms: list[dict[str, Any]] = [
        {"file": "response.root", "histogram": "migration", "true": "x"},
        {"file": "response.root", "histogram": "counts", "true": "x", "generated": "generated"},
        {"file": "response.root", "histogram": "counts", "true": "x", "generated": [1000.0] * 26},
        {"file": "grid.txt", "true": "y", "true_edges_keV": true},
        {"file": "cells.csv"} | named,
        {"object": "arrays", "true": "y", "unit": "keV"},
    ]
    models = [made({"arrays": (matrix, EDGES, true)}, folder, response={"resolution": kind | form}) for form in forms]
    for model in models[1:]:
        same(models[0], model)
    assert models[0].templates[0].spectrum.values() == pytest.approx(
        folded(Response(("resolution",), ConstantResolution(0.3))), rel=0.05
    )
    part = made(
        folder=folder,
        response={"resolution": kind | forms[0] | {"rebin": True}, "edges_keV": EDGES[::2]},
        data={"asimov": True, "origin": ["own"]},
        background=[{"name": "flat", "rate_per_keV_kg_day": 1.0}],
    )
    pairs = models[0].templates[0].spectrum.values().reshape(-1, 2).sum(axis=1)
    assert part.templates[0].spectrum.values() == pytest.approx(pairs, rel=1e-9)


def test_recoils_beyond_a_matrix_are_refused_unless_they_are_unseen() -> None:
    matrix = gaussian_matrix(EDGES, lambda T: np.full(T.shape, 0.3))
    with pytest.raises(OutOfRange, match=r"(?s)beyond the true energies.*unseen"):
        folded(Response(("resolution",), MigrationMatrix(EDGES, EDGES, matrix)))
    empty_ends = matrix.copy()
    empty_ends[:, [0, -1]] = 0.0
    assert folded(Response(("resolution",), MigrationMatrix(EDGES, EDGES, empty_ends))).sum() > 0.0


def test_a_migration_matrix_is_no_gaussian() -> None:
    """What would change its mean or width, take its density or act behind it is refused, and not ignored."""
    matrix = MigrationMatrix(EDGES, EDGES, np.eye(16), "unseen", "m.csv")
    for wrong in (
        lambda: matrix.mean(EDGES),
        lambda: matrix.sigma(EDGES),
        lambda: Response(("resolution",), matrix).density(EDGES, EDGES),
        lambda: Response(("resolution", "efficiency"), matrix, Efficiency(EDGES, 0.0 * EDGES)),
        lambda: matrix.columns(EDGES, EDGES[1:]),
        lambda: MigrationMatrix(EDGES, EDGES, 2.0 * np.eye(16)),
        lambda: MigrationMatrix(EDGES, EDGES, 0.0 * np.eye(16)),
    ):
        with pytest.raises(OutOfRange, match="matrix"):
            wrong()


def test_a_table_of_widths_is_the_resolution_that_made_it(folder: Path) -> None:
    energy = np.linspace(0.0, 40.0, 4001)
    constant = TabulatedResolution(np.array([0.0, 40.0]), np.array([0.3, 0.3]), np.inf, held=True)
    assert folded(Response(("resolution",), constant)) == pytest.approx(
        folded(Response(("resolution",), ConstantResolution(0.3))), rel=1e-9
    )
    root = SqrtResolution(0.1, 0.005)
    table = TabulatedResolution(energy, root.sigma(energy), np.inf, held=True)
    assert folded(Response(("resolution",), table)) == pytest.approx(folded(Response(("resolution",), root)), rel=1e-4)
    csv(folder / "width.csv", E_keV=energy, fwhm=2.0 * np.sqrt(2.0 * np.log(2.0)) * root.sigma(energy))
    source = {"kind": "table", "file": "width.csv", "x": "E_keV", "y": "fwhm", "gives": "fwhm", "beyond": "hold"}
    found = made(folder=folder, response={"resolution": source})
    assert found.templates[0].spectrum.values() == pytest.approx(folded(Response(("resolution",), table)), rel=1e-9)


def test_errors_of_backgrounds_and_of_the_response_come_from_files_as_well(folder: Path) -> None:
    """Shapes up and down, errors per bin and the band of an efficiency: as from Python, and 1 sigma up is the shape."""
    tilt = 1.0 + 0.05 * np.linspace(-1.0, 1.0, 16)
    low, high = EDGES[:-1], EDGES[1:]
    shapes = {"down": BACKGROUND / tilt, "up": BACKGROUND * tilt, "error": 0.1 * BACKGROUND}
    csv(folder / "shapes.csv", low_keV=low, high_keV=high, **shapes)
    x = np.array([0.0, 20.0])
    csv(folder / "band.csv", E_keV=x, nominal=[0.8, 0.8], down=[0.7, 0.7], up=[0.9, 0.9])

    def of_file(name: str) -> dict[str, Any]:
        return {"file": "shapes.csv", "low": "low_keV", "high": "high_keV", "value": name}

    def of_python(name: str) -> dict[str, Any]:
        return {"object": name, "unit": "keV"}

    def band(name: str, folder: bool) -> dict[str, Any]:
        return {"file": "band.csv", "x": "E_keV", "y": name} if folder else {"object": f"eff_{name}", "unit": "keV"}

    def model(of: Callable[[str], dict[str, Any]], file: bool) -> Model:
        nuisances = [
            {"name": "tilt", "kind": "histosys", "tables": {"flat": {"down": of("down"), "up": of("up")}}},
            {"name": "mc", "kind": "staterror", "tables": {"flat": of("error")}},
            {
                "name": "band",
                "kind": "efficiency",
                "down": band("down", file),
                "up": band("up", file),
                "backgrounds": "fixed",
            },
        ]
        response = {"order": ["resolution", "efficiency"], "efficiency": band("nominal", file)}
        curves = {f"eff_{name}": (x, np.full(2, y)) for name, y in (("nominal", 0.8), ("down", 0.7), ("up", 0.9))}
        objects = {name: (counts, EDGES) for name, counts in shapes.items()} | curves
        return made(objects, folder, nuisance=nuisances, response=response)

    files, python = model(of_file, True), model(of_python, False)
    names = files.likelihood.names
    theta = np.array([{"mu2": 3.0, "own.tilt": 1.0, "own.flat": 1.0}.get(name, 0.0) for name in names])
    for found in (files, python):
        parts = found.likelihood.expected_by_component(theta)
        total = sum(part for name, part in parts.items() if name.startswith("flat"))
        gamma = found.likelihood.bin_scales(theta)["own.mc"]
        assert total == pytest.approx(gamma * shapes["up"], rel=1e-9)
    assert files.likelihood.value(theta) == pytest.approx(python.likelihood.value(theta), rel=1e-12)
    assert {t.name for t in files.tables if t.status == "user"} == {
        "shapes.csv",
        "band.csv",
        "object counts",
        "object flat",
    }


def test_an_error_of_the_energy_scale_does_not_act_on_a_matrix() -> None:
    """It would have to be another matrix: refused, and not ignored."""
    matrix = {"kind": "matrix", "object": "m", "true": "x", "beyond": "unseen", "unit": "keV"}
    scale = {"name": "scale", "kind": "energy_scale", "relative": 0.01, "backgrounds": "fixed"}
    with pytest.raises(OutOfRange, match=r"(?s)no mean and no width.*nuisance\[scale\]"):
        made({"m": (np.eye(16), EDGES, EDGES)}, response={"resolution": matrix}, nuisance=[scale])
    width = {"name": "width", "kind": "resolution", "relative": 0.01, "backgrounds": "fixed"}
    with pytest.raises(OutOfRange, match=r"nuisance\[width\]"):
        made({"m": (np.eye(16), EDGES, EDGES)}, response={"resolution": matrix}, nuisance=[width])


def test_a_quenching_from_a_file(folder: Path) -> None:
    """As a factor and as a visible energy: the constant one that made both."""
    x = np.linspace(0.0, 20.0, 11)
    csv(folder / "quenching.csv", T_keV=x, factor=np.full(11, 0.3), E_keV=0.3 * x)
    weak = {"kind": "coherent", "form_factor": "helm", "sin2_theta_w": 0.2386}
    process = [weak, {"kind": "magnetic_moment", "on": ["electrons"]}]
    data, background = {"asimov": True, "origin": ["own"]}, [{"name": "flat", "rate_per_keV_kg_day": 1.0}]

    def coherent(quenching: dict[str, Any]) -> Array:
        response = {"order": ["quenching", "resolution"], "quenching": quenching, "edges_keV": [0.3, 0.4, 0.6]}
        response |= {"resolution": {"kind": "constant", "fwhm_keV": 0.05}}
        model = made(folder=folder, response=response, process=process, data=data, background=background)
        return np.asarray(sum(t.spectrum.values() for t in model.templates if t.process == "coherent"))

    wanted = coherent({"kind": "constant", "factor": 0.3})
    assert np.all(wanted > 0.0)
    for column in ("factor", "E_keV"):
        found = coherent({"kind": "table", "table": {"file": "quenching.csv", "x": "T_keV", "y": column}})
        assert found == pytest.approx(wanted, rel=1e-6)


# -- the source --


def test_a_flux_from_a_table_is_the_source_that_made_it(folder: Path) -> None:
    """nu_e and nubar_mu of stopped pions from their own densities, and a norm that is taken from the total."""
    energy = np.linspace(0.0, 52900.0, 1060)
    exact = {flux.name: flux for flux in stopped_pion_flux(1e7, components=["nu_e", "nubar_mu"])}
    columns = {name: flux.density(energy) * 1000.0 for name, flux in exact.items()}
    csv(folder / "flux.csv", E_MeV=energy / 1000.0, **columns)
    names = {name: name for name in columns}
    table = {"kind": "table", "name": "beam", "file": "flux.csv", "energy": "E_MeV", "columns": names}
    flux = [{"kind": "stopped_pion", "components": ["nu_e", "nubar_mu"], "flux_per_flavour_per_cm2_s": 1e7}]
    process = [{"kind": "standard_model", "order": "tree", "sin2_theta_w": 0.2386}, {"kind": "magnetic_moment"}]
    changes: dict[str, Any] = {"process": process}
    closed = made(flux=flux, **changes)
    found = made(folder=folder, flux=[table | {"per": "cm2 s MeV", "beyond": "zero"}], **changes)
    normed = made(folder=folder, flux=[table | {"total_per_cm2_s": 2e7, "beyond": "zero"}], **changes)
    for term in ("standard_model", "magnetic_moment"):
        wanted = sum(t.spectrum.values() for t in closed.templates if t.term == term)
        for model in (found, normed):
            (own,) = [t.spectrum.values() for t in model.templates if t.term == term]
            assert own == pytest.approx(wanted, rel=2e-4)
    assert [t.name for t in found.templates] == ["beam.standard_model", "beam.magnetic_moment"]
    double = made(folder=folder, flux=[table | {"total_per_cm2_s": 4e7, "beyond": "zero"}], **changes)
    for one, two in zip(normed.templates, double.templates, strict=True):
        assert two.spectrum.values() == pytest.approx(2.0 * one.spectrum.values(), rel=1e-12)


def test_what_is_known_of_a_table_of_fluxes() -> None:
    nodes = np.array([1000.0, 2000.0, 3000.0])
    ends = TableFlux("a", nodes, {"nu_e": np.array([1.0, 2.0, 0.0])})
    assert ends.known == (1000.0, np.inf)
    assert TableFlux("a", nodes, {"nu_e": np.array([0.0, 2.0, 1.0])}).known == (0.0, 3000.0)
    assert TableFlux("a", nodes, {"nu_e": np.array([1.0, 2.0, 1.0])}, complete=True).known == (0.0, np.inf)
    assert ends.measure("flavour", order=2)["nu_e"].total == pytest.approx(ends.total, rel=1e-12) == 2500.0
    assert ends.density(np.array([500.0, 1500.0, 3500.0])).tolist() == [0.0, 1.5, 0.0]
    with pytest.raises(OutOfRange, match="mass content"):
        ends.measure("mass", order=2)


# -- Python --


def test_ten_lines_of_python() -> None:
    model = made()
    profile = Profile(model.likelihood, model.poi)
    limit = upper_limit_qmu_tilde(profile, cl=0.90)
    assert 1e-12 < model.reported.value(limit.value) < 1e-9
    problem = open_problem(
        Analysis.from_dict(declared(), objects={"counts": (COUNTS, EDGES), "flat": (BACKGROUND, EDGES)})
    )
    assert problem.likelihood.value(problem.likelihood.start) == model.likelihood.value(model.likelihood.start)
    assert "object counts" in model._repr_html_()


def test_an_inspection_names_everything_that_moves_a_component() -> None:
    """Terms of a morph belong to what they bend."""
    scale = {"name": "scale", "kind": "energy_scale", "relative": 0.01, "backgrounds": "fixed"}
    objects = {"counts": (COUNTS, EDGES), "flat": (BACKGROUND, EDGES)}
    analysis = Analysis.from_dict(declared(nuisance=[scale]), name="own", objects=objects)
    found = inspection_document(open_problem(analysis), {})
    components = {entry["name"]: entry["scales_with"] for entry in found["components"]}
    assert components == {"reactor.magnetic_moment": ["mu2", "own.scale"], "flat": ["own.flat"]}
    assert 0.0 < found["morph_error"] < 1e-3


def test_objects_are_copied_and_told_apart_by_their_content() -> None:
    counts = COUNTS.copy()
    objects = {"counts": (counts, EDGES), "flat": (BACKGROUND, EDGES)}
    analysis = Analysis.from_dict(declared(), objects=objects)
    before = analysis.model().likelihood.input_hashes["object counts"]
    counts += 1.0
    assert analysis.model().likelihood.input_hashes["object counts"] == before
    changed = Analysis.from_dict(declared(), objects=objects).model()
    assert changed.likelihood.input_hashes["object counts"] != before


def test_a_changed_file_is_folded_again(folder: Path) -> None:
    csv(folder / "efficiency.csv", E_keV=[0.0, 20.0], eff=[0.5, 0.5])
    response = {
        "order": ["resolution", "efficiency"],
        "efficiency": {"file": "efficiency.csv", "x": "E_keV", "y": "eff"},
    }
    given = {"counts": (COUNTS, EDGES), "flat": (BACKGROUND, EDGES)}
    analysis = Analysis.from_dict(declared(response=response), folder=folder, objects=given)
    half = analysis.model().templates[0].spectrum.values()
    csv(folder / "efficiency.csv", E_keV=[0.0, 20.0], eff=[1.0, 1.0])
    assert analysis.model().templates[0].spectrum.values() == pytest.approx(2.0 * half, rel=1e-9)


def test_events_of_a_file_make_an_unbinned_fit(folder: Path) -> None:
    events = {"file": "events.csv", "events": "E_keV"}
    line = {"file": "line.csv", "x": "E_keV", "y": "n", "per": "keV"}
    csv(folder / "line.csv", E_keV=[0.0, 12.0], n=[90.0, 78.0])
    background = [{"name": "flat", "table": line, "density": line, "norm": {"start": 1.0, "bounds": [0.0, 5.0]}}]
    model = made(folder=folder, data={"observed": events, "events": events, "origin": ["own"]}, background=background)
    assert model.likelihood.unbinned
    assert Profile(model.likelihood, model.poi).best.status.good


def test_variants_change_files(folder: Path) -> None:
    """A variant may name another column of the file."""
    source = {"file": "all.csv", "low": "E_low_keV", "high": "E_high_keV", "value": "counts"}
    variants = {"default": {"meaning": "data"}, "other": {"meaning": "x", "data": {"observed": {"value": "twice"}}}}
    csv(folder / "all.csv", E_low_keV=EDGES[:-1], E_high_keV=EDGES[1:], counts=COUNTS, twice=2 * COUNTS)
    analysis = Analysis.from_dict(
        declared(data=observing(source), variant=variants), folder=folder, objects={"flat": (BACKGROUND, EDGES)}
    )
    first, second = (analysis.model(name).observed.values() for name in ("default", "other"))
    assert np.array_equal(second, 2.0 * first)


@pytest.mark.parametrize(
    ("declared_as", "message"),
    [
        ({"object": "count"}, "(?s)nothing was handed over.*count.*counts, flat.*did you mean 'counts'"),
        ({"object": "counts"}, "(?s)does not say the unit.*declare the unit"),
        (
            {"object": "counts", "value": "n", "low": "a", "high": "b"},
            "(?s)object has none.*tuple.*leave the columns out",
        ),
        ({"file": "counts.csv", "value": "n", "rows": "bins"}, "(?s)no folder.*folder="),
    ],
)
def test_wrong_objects(declared_as: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(data=observing(declared_as))


def test_an_object_that_cannot_be_copied_is_refused() -> None:
    class Stubborn:
        def __deepcopy__(self, memo: object) -> object:
            raise RuntimeError("no")

    with pytest.raises(InputError, match=r"(?s)cannot be copied.*object x.*no"):
        Analysis.from_dict(declared(), objects={"x": Stubborn()})


def test_the_forms_in_the_readme_are_valid() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    said = tomllib.loads(block)
    assert {"data", "background", "response", "flux"} == set(said)
    found = Analysis.from_dict(declared() | said).default
    assert not isinstance(found.data.observed, str | None)
    others = re.findall(r"^# (\w+ = \{.*\})", block, re.MULTILINE)  # forms that stand in comments
    assert len(others) == 4
    for line in others:
        key, value = next(iter(tomllib.loads(line.replace("...", '"a"')).items()))
        part = "response" if key == "resolution" else "data"
        changed = {"residual": {"file": "a", "histogram": "h"}} if key == "covariance" else {}
        rest = {"edges_keV": EDGES, "order": ["resolution"]} if part == "response" else {"origin": ["own"]}
        Analysis.from_dict(declared(**{part: rest | changed | {key: value}}))


# -- wrong files ------------------------------------------------------------------------------------------------------

TOML = """
title = "own"
poi = "mu_nu"
exposure = {{ value = 200, unit = "kg day" }}
target = {{ material = "germanium", electrons = "free" }}
flux = [{flux}]
process = [{{ kind = "magnetic_moment" }}]
data = {data}
background = [{{ name = "flat", table = {background}, norm = {{ start = 1, bounds = [0, 5] }} }}]

[response]
order = {order}
edges_keV = {{ start = 2, stop = 10, width = 0.5 }}
resolution = {resolution}
{efficiency}
"""
#: words of pydantic that nobody should have to know
JARGON = re.compile(r"function-\w+|literal\[|input tag|dictionary|instance of|after validation|pydantic|\w+File\b")
COLUMNS = 'low = "E_low_keV", high = "E_high_keV"'


def toml(folder: Path, **changes: str) -> str:
    observed = changes.pop("observed", f'{{ file = "all.csv", {COLUMNS}, value = "counts" }}')
    defaults = {
        "flux": json.dumps(REACTOR).replace(":", " ="),
        "data": f'{{ observed = {observed}, origin = ["own"] }}',
        "background": f'{{ file = "all.csv", {COLUMNS}, value = "flat" }}',
        "order": '["resolution"]' if "efficiency" not in changes else '["resolution", "efficiency"]',
        "resolution": '{ kind = "constant", fwhm_keV = 0.5 }',
        "efficiency": "",
    }
    return TOML.format(**(defaults | changes))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def replaced(file: str, row: int, column: int, cell: str) -> Callable[[Path], None]:
    """One cell of a table."""

    def change(lines: list[str]) -> list[str]:
        cells = lines[row].split(",")
        cells[column] = cell
        return [*lines[:row], ",".join(cells), *lines[row + 1 :]]

    return lambda folder: rows(folder / file, change)


def written(file: str, content: bytes | str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def grid(file: str, matrix: Array) -> Callable[[Path], None]:
    return lambda folder: np.savetxt(folder / file, matrix)


def claiming(folder: Path) -> None:
    """A file of 10 GB that holds nothing, and needs no disk."""
    with (folder / "big.csv").open("wb") as file:
        file.write(b"E_low_keV,E_high_keV,counts\n")
        file.truncate(10 * 2**30)


def root_claim(folder: Path) -> None:
    """A histogram whose key claims 10 GB."""
    raw = (folder / "data.root").read_bytes()
    at = raw.index(b"h_energy") - 40
    (folder / "claim.root").write_bytes(raw[: at + 4] + b"\x7f\xff\xff\xff" * 3 + raw[at + 16 :])


def source(file: str, more: str = f'{COLUMNS}, value = "counts"') -> str:
    return f'{{ file = "{file}", {more} }}'


def efficiency(file: str = "efficiency.csv", more: str = 'x = "E_keV", y = "eff"') -> str:
    return f'efficiency = {{ file = "{file}", {more} }}'


def curve(x: Any, y: Any) -> Callable[[Path], None]:
    return lambda folder: csv(folder / "efficiency.csv", E_keV=x, eff=y)


def matrix_of(more: str = 'true = "x", true_edges_keV = [2, 4, 10], beyond = "unseen"') -> str:
    return f'{{ kind = "matrix", file = "grid.txt", {more} }}'


def covariant(more: str = "") -> str:
    return f'{{ residual = {source("all.csv")}, covariance = {{ file = "covariance.txt"{more} }}, origin = ["own"] }}'


def measured(errors: str) -> str:
    return (
        f'{{ residual = {{ file = "r.csv", low = "a_keV", high = "b_keV", value = "r", {errors} }}, origin = ["own"] }}'
    )


def flux_table(more: str) -> str:
    return f'{{ kind = "table", name = "beam", file = "flux.csv", {more} }}'


FLUX = 'energy = "E_MeV", columns = { nubar_e = "nubar_e" }, per = "cm2 s MeV"'


def fluxes(energy: Any, density: Any) -> Callable[[Path], None]:
    return lambda folder: csv(folder / "flux.csv", E_MeV=energy, nubar_e=density)


def nothing(folder: Path) -> None:
    """The files are right."""


Case = tuple[Callable[[Path], None], dict[str, str], tuple[str, ...]]
#: what is wrong -> (what is done to the files, what is declared, class of the error and what its message says)
WRONG: dict[str, Case] = {
    "no_file": (nothing, {"observed": source("count.csv")}, ("MissingInput", "count.csv", "cannot be read")),
    "a_folder": (lambda f: (f / "d").mkdir(), {"observed": source("d")}, ("MissingInput", "folder stands")),
    "absolute": (nothing, {"observed": source("/etc/passwd")}, ("PathOutsideFolder", "/etc/passwd", "copy")),
    "leaves": (nothing, {"observed": source("../all.csv")}, ("PathOutsideFolder", "../all.csv", "without '..'")),
    "link_leaves": (
        lambda f: (f / "link.csv").symlink_to("/etc/hostname"),
        {"observed": source("link.csv")},
        ("PathOutsideFolder", "link.csv"),
    ),
    "strange_name": (nothing, {"observed": source("a*b?.csv")}, ("MissingInput", "name of a table or file", "a*b?")),
    "empty": (written("all.csv", b""), {}, ("BadFile", "all.csv", "empty")),
    "header_only": (written("all.csv", "E_low_keV,E_high_keV,counts\n"), {}, ("BadFile", "no rows", "all.csv")),
    "rubbish": (written("all.csv", bytes(range(256)) * 9), {}, ("BadFile", "all.csv", "not text")),
    "not_utf8": (written("all.csv", "E_low_keV;Zähler\n1;2\n".encode("latin-1")), {}, ("BadFile", "UTF-8", "all.csv")),
    "root_rubbish": (
        written("bad.root", b"root" + bytes(range(256)) * 4),
        {"observed": '{ file = "bad.root", histogram = "h" }'},
        ("BadFile", "bad.root", "damaged"),
    ),
    "csv_called_root": (
        written("x.root", "a,b\n1,2\n"),
        {"observed": '{ file = "x.root", histogram = "h" }'},
        ("BadFile", "x.root", "not what its name says"),
    ),
    "claims_10_gb": (claiming, {"observed": source("big.csv")}, ("BadFile", "big.csv", "too large", "10240 MiB")),
    "root_claims": (
        root_claim,
        {"observed": '{ file = "claim.root", histogram = "h_energy" }'},
        ("BadFile", "claim.root"),
    ),
    "column_unknown": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "count"')},
        ("UnknownName", "count", "E_low_keV, E_high_keV, counts, flat", "did you mean 'counts'"),
    ),
    "columns_unnamed": (
        nothing,
        {"observed": '{ file = "all.csv" }'},
        ("UnknownName", "all.csv", "E_low_keV, E_high_keV, counts, flat", "value ="),
    ),
    "histogram_unknown": (
        nothing,
        {"observed": '{ file = "data.root", histogram = "energy" }'},
        ("UnknownName", "energy", "h_energy (TH1D)", "events ("),
    ),
    "histogram_unnamed": (
        nothing,
        {"observed": '{ file = "data.root" }'},
        ("UnknownName", "data.root", "h_energy (TH1D), events (", 'histogram = "..."'),
    ),
    "tree_unnamed": (
        nothing,
        {"observed": '{ file = "data.root", tree = "events" }'},
        ("UnknownName", "data.root:events", "energy_MeV"),
    ),
    "tree_as_histogram": (
        nothing,
        {"observed": '{ file = "data.root", histogram = "events" }'},
        ("UnknownName", "energy_MeV", 'tree = "events"'),
    ),
    "overflow": (
        nothing,
        {"observed": '{ file = "data.root", histogram = "h_energy" }'},
        ("OutOfRange", "underflow 3, overflow 4", "overflow", "drop"),
    ),
    "events_outside": (
        written("events.csv", "E_keV\n3\n4\n11.5\n"),
        {"observed": '{ file = "events.csv", events = "E_keV" }'},
        ("OutOfRange", "overflow 1", "2 to 10 keV"),
    ),
    "key_unknown": (
        nothing,
        {"observed": source("all.csv", 'lo = "E_low_keV"')},
        ("DeclarationError", "data.observed.lo", "did you mean 'low'"),
    ),
    "file_and_object": (
        nothing,
        {"observed": source("all.csv", 'object = "counts"')},
        ("DeclarationError", "data.observed", "either file or object"),
    ),
    "object_in_a_file": (nothing, {"observed": '{ object = "counts" }'}, ("UnknownName", "counts", "from_dict")),
    "low_without_high": (
        nothing,
        {"observed": source("all.csv", 'low = "E_low_keV", value = "counts"')},
        ("DeclarationError", "low and high belong together"),
    ),
    "value_without_bins": (
        nothing,
        {"observed": source("all.csv", 'value = "counts"')},
        ("DeclarationError", "the bins are missing", "low and high"),
    ),
    "two_ways": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "counts", histogram = "h"')},
        ("DeclarationError", "data.observed", "do not go together"),
    ),
    "per_unknown": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "counts", per = "keV day"')},
        ("DeclarationError", "data.observed.per", "'keV day'", "'keV kg day'"),
    ),
    "number_for_file": (nothing, {"observed": "7"}, ("DeclarationError", "data.observed", "7", "a table with")),
    "nan": (replaced("all.csv", 3, 2, "nan"), {}, ("OutOfRange", "NaN", "all.csv, column counts", "number 3 of 16")),
    "word": (replaced("all.csv", 3, 2, "many"), {}, ("OutOfRange", "line 4, column counts", "'many'")),
    "decimal_comma": (
        written("all.csv", "E_low_keV;E_high_keV;counts;flat\n2,0;2,5;1;1\n"),
        {},
        ("OutOfRange", "write decimals with a point"),
    ),
    "ragged": (replaced("all.csv", 3, 2, "1,2"), {}, ("BadFile", "different numbers of cells", "all.csv")),
    "gap": (replaced("all.csv", 3, 0, "3.1"), {}, ("OutOfRange", "contiguous", "all.csv, row 2")),
    "other_edges": (
        nothing,
        {"observed": source("fine.csv", 'low = "low_keV", high = "high_keV", value = "counts"')},
        ("OutOfRange", "48 bins from 0 to 12", "16 bins from 2 to 10", "rebin = true"),
    ),
    "rebin_off_edges": (
        lambda f: csv(
            f / "odd.csv", low_keV=np.arange(1.7, 11.0, 0.4), high_keV=np.arange(2.1, 11.4, 0.4), n=np.ones(24)
        ),
        {"observed": source("odd.csv", 'low = "low_keV", high = "high_keV", value = "n", rebin = true')},
        ("OutOfRange", "odd.csv", "bins"),
    ),
    "rows_missing": (
        lambda f: rows(f / "column.csv", lambda lines: lines[:-1]),
        {"observed": source("column.csv", 'rows = "bins", value = "counts"')},
        ("OutOfRange", "column.csv", "15", "16"),
    ),
    "no_unit": (
        nothing,
        {"observed": source("mev.csv", 'low = "low", high = "high", value = "counts"')},
        ("OutOfRange", "does not say the unit", "mev.csv"),
    ),
    "other_unit": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "counts", unit = "MeV"')},
        ("InputError", "another unit", "MeV", "keV"),
    ),
    "unit_of_length": (
        nothing,
        {"observed": source("mev.csv", 'low = "low", high = "high", value = "counts", unit = "cm"')},
        ("OutOfRange", "cm to keV", "eV, keV, MeV"),
    ),
    "negative_counts": (replaced("all.csv", 3, 2, "-1"), {}, ("OutOfRange", "negative", "bin 3 (from 3 to 3.5)")),
    "half_counts": (replaced("all.csv", 3, 2, "7.5"), {}, ("OutOfRange", "not whole", "7.5", "all.csv")),
    "hash": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "counts", sha256 = "{"0" * 64}"')},
        ("ChecksumMismatch", "all.csv", "0" * 64, "update sha256"),
    ),
    "hash_no_hash": (
        nothing,
        {"observed": source("all.csv", f'{COLUMNS}, value = "counts", sha256 = "abc"')},
        ("DeclarationError", "data.observed.sha256"),
    ),
    "background_negative": (
        replaced("all.csv", 3, 3, "-2"),
        {},
        ("OutOfRange", "background[flat].table", "less than nothing", "bin 3"),
    ),
    "background_ends": (
        lambda f: csv(f / "line.csv", E_keV=[0, 9], n=[1, 1]),
        {"background": '{ file = "line.csv", x = "E_keV", y = "n", per = "keV" }'},
        ("OutOfRange", "background[flat].table", "0 to 9 keV", "2 to 10 keV"),
    ),
    "curve_per_nothing": (
        nothing,
        {"background": '{ file = "all.csv", x = "E_low_keV", y = "flat" }'},
        ("DeclarationError", "background[flat].table", "per keV or MeV"),
    ),
    "efficiency_negative": (
        curve([0, 5, 20], [0, -0.1, 1]),
        {"efficiency": efficiency()},
        ("OutOfRange", "response.efficiency", "at 5 keV", "-0.1", "0 to 1"),
    ),
    "efficiency_percent": (curve([0, 20], [0, 85]), {"efficiency": efficiency()}, ("OutOfRange", "percentages")),
    "efficiency_short": (
        curve([3, 20], [1, 1]),
        {"efficiency": efficiency()},
        ("OutOfRange", "efficiency.csv", "3 to 20 keV"),
    ),
    "efficiency_unsorted": (
        curve([0, 9, 5, 20], [0, 1, 1, 1]),
        {"efficiency": efficiency()},
        ("OutOfRange", "do not increase", "point 3"),
    ),
    "efficiency_unnamed": (
        curve([0, 20], [1, 1]),
        {"efficiency": efficiency(more='unit = "keV"')},
        ("UnknownName", "E_keV, eff", "x ="),
    ),
    "x_without_y": (
        curve([0, 20], [1, 1]),
        {"efficiency": efficiency(more='x = "E_keV"')},
        ("DeclarationError", "x and y belong together"),
    ),
    "widths_negative": (
        curve([0, 20], [0.1, -1]),
        {"resolution": '{ kind = "table", file = "efficiency.csv", x = "E_keV", y = "eff", gives = "sigma" }'},
        ("OutOfRange", "response.resolution", "negative", "at 20 keV"),
    ),
    "widths_begin_late": (
        curve([1, 9000], [0.1, 0.2]),
        {"resolution": '{ kind = "table", file = "efficiency.csv", x = "E_keV", y = "eff", gives = "sigma" }'},
        ("OutOfRange", "from 1 keV on", 'beyond = "hold"'),
    ),
    "matrix_sums": (
        grid("grid.txt", np.full((2, 16), 0.07)),
        {"resolution": matrix_of()},
        ("OutOfRange", "response.resolution", "grid.txt", "true bin 1", "sum 1.12", "at most 1"),
    ),
    "matrix_negative": (
        grid("grid.txt", np.full((2, 16), -0.01)),
        {"resolution": matrix_of()},
        ("OutOfRange", "negative entry", "grid.txt"),
    ),
    "matrix_shape": (
        grid("grid.txt", np.full((3, 16), 0.01)),
        {"resolution": matrix_of()},
        ("OutOfRange", "3 x 16", "2 x 16"),
    ),
    "matrix_axis": (
        grid("grid.txt", np.full((2, 16), 0.01)),
        {"resolution": matrix_of("true_edges_keV = [2, 4, 10]")},
        ("DeclarationError", 'true = "x"'),
    ),
    "matrix_beyond": (
        grid("grid.txt", np.full((2, 16), 0.01)),
        {"resolution": matrix_of('true = "x", true_edges_keV = [2, 4, 10]')},
        ("OutOfRange", "beyond the true energies", 'beyond = "unseen"'),
    ),
    "matrix_missing": (
        nothing,
        {"resolution": '{ kind = "matrix", file = "data.root", histogram = "h_energy", true = "x" }'},
        ("BadFile", "data.root:h_energy", "TH2"),
    ),
    "covariance_not_positive": (
        grid("covariance.txt", np.ones((16, 16)) - 2 * np.eye(16)),
        {"data": covariant()},
        ("OutOfRange", "data.covariance", "negative variance"),
    ),
    "covariance_singular": (
        grid("covariance.txt", np.ones((16, 16))),
        {"data": covariant()},
        ("OutOfRange", "data.covariance", "no error", "rank 1 of 16"),
    ),
    "covariance_asymmetric": (
        grid("covariance.txt", np.eye(16) + np.eye(16, k=1)),
        {"data": covariant()},
        ("OutOfRange", "not symmetric", "row 1, column 2"),
    ),
    "covariance_shape": (
        grid("covariance.txt", np.eye(15)),
        {"data": covariant()},
        ("OutOfRange", "15 x 15", "16 x 16"),
    ),
    "covariance_of_counts": (
        grid("covariance.txt", np.eye(16)),
        {"data": f'{{ observed = {source("all.csv")}, covariance = {{ file = "covariance.txt" }}, origin = ["own"] }}'},
        ("DeclarationError", "belongs to a residual"),
    ),
    "residual_without_errors": (
        nothing,
        {"data": f'{{ residual = {source("all.csv")}, origin = ["own"] }}'},
        ("OutOfRange", "without errors", "all.csv"),
    ),
    "errors_negative": (
        lambda f: csv(f / "r.csv", a_keV=EDGES[:-1], b_keV=EDGES[1:], r=COUNTS, e=COUNTS - 40),
        {"data": measured('error = "e"')},
        ("OutOfRange", "error is negative", "r.csv"),
    ),
    "errors_zero": (
        lambda f: csv(f / "r.csv", a_keV=EDGES[:-1], b_keV=EDGES[1:], r=COUNTS, e=0 * COUNTS),
        {"data": measured('error = "e"')},
        ("OutOfRange", "data.residual", "errors above zero"),
    ),
    "errors_asymmetric": (
        lambda f: csv(f / "r.csv", a_keV=EDGES[:-1], b_keV=EDGES[1:], r=COUNTS, e=COUNTS, f=COUNTS + 1),
        {"data": measured('error_low = "e", error_high = "f"')},
        ("OutOfRange", "below and above differ", "r.csv"),
    ),
    "flux_flavour": (
        fluxes([0, 8], [1, 0]),
        {"flux": flux_table('energy = "E_MeV", columns = { antinu = "nubar_e" }, per = "cm2 s MeV"')},
        ("DeclarationError", "flux[beam].columns", "antinu", "nubar_e"),
    ),
    "flux_negative": (
        fluxes([0, 4, 8], [1e12, -1, 0]),
        {"flux": flux_table(FLUX)},
        ("OutOfRange", "flux[1]", "beam", "row 2", "-0.001"),
    ),
    "flux_unsorted": (
        fluxes([0, 8, 4], [1e12, 1, 0]),
        {"flux": flux_table(FLUX)},
        ("OutOfRange", "flux[1]", "do not increase"),
    ),
    "flux_zero": (fluxes([0, 8], [0, 0]), {"flux": flux_table(FLUX)}, ("OutOfRange", "flux[1]", "zero everywhere")),
    "flux_two_norms": (
        fluxes([0, 8], [1, 0]),
        {"flux": flux_table(FLUX + ", total_per_cm2_s = 1e13")},
        ("DeclarationError", "either per", "total_per_cm2_s"),
    ),
    "flux_unknown_below": (
        fluxes([3, 8], [1e12, 0]),
        {"flux": flux_table(FLUX)},
        ("OutOfRange", "beam", "not known", "3000"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files(name: str, folder: Path) -> None:
    """One message that names file, key, what was given and what is allowed; exit code 2; nothing that hangs."""
    prepare, changes, (kind, *parts) = WRONG[name]
    prepare(folder)
    (folder / "analysis.toml").write_text(toml(folder, **changes))
    began = time.perf_counter()
    result = run("validate", folder)
    assert time.perf_counter() - began < 10.0
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), "no other exception comes through"
    assert re.match(rf"{kind}: ", result.stderr), result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr
    assert "Traceback" not in result.output
    assert not JARGON.search(result.stderr.partition(": ")[2]), result.stderr
    assert not re.search(r"where:.*:\s*$", result.stderr, re.MULTILINE), "it names no key"
