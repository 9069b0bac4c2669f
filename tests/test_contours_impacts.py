"""Contours, raw scans and impacts against the gaussian limit and answers in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from models import STANDARD, benchmark_like, counting, per_bin
from scipy import stats

from eventfit.errors import OutOfRange
from eventfit.inference import Profile, contour, fit, impacts_on_limit, upper_limit_qmu, upper_limit_qmu_tilde
from eventfit.likelihood import Component, GaussianScale, Likelihood, Power
from eventfit.parameters import Parameter

Array = np.ndarray


def linear(counts: float, *, lower: float = -np.inf, at: tuple[float, float] = (0.0, 0.0)) -> Likelihood:
    """Two correlated signals on a constrained background, so many counts that -2 ln L is a paraboloid."""
    parameters = [Parameter("x", lower=lower), Parameter("y"), Parameter("scale", constraint=STANDARD)]
    unit = np.sqrt(counts)
    components = [
        Component("x", unit * np.array([1.0, 0.6, 0.1, 0.0]), (Power("x"),)),
        Component("y", unit * np.array([0.1, 0.7, 0.9, 0.3]), (Power("y"),)),
        Component("b", np.full(4, counts), (GaussianScale("scale", 1.0 / unit),)),
    ]
    likelihood = Likelihood.build(parameters, components, np.full(4, counts))
    return likelihood.with_data(likelihood.asimov(np.array([*at, 0.0])))


def covariance(likelihood: Likelihood) -> Array:
    """Of x and y, the scale integrated out, from the information by hand."""
    counts = likelihood.components[2].counts[0]
    slopes = np.array([c.counts / np.sqrt(counts) for c in likelihood.components[:2]] + [np.ones(4)])
    information = slopes @ slopes.T
    information[2, 2] += 1.0
    return np.asarray(np.linalg.inv(information)[:2, :2])


# -- invariant --


def test_contours_of_a_gaussian_are_ellipses() -> None:
    likelihood = linear(1e8)
    expected = covariance(likelihood)
    found = contour(likelihood, "x", "y", points=31)
    assert [cl for cl, _ in found.levels] == [0.68, 0.90, 0.95]
    assert [h for _, h in found.levels] == pytest.approx(stats.chi2.ppf([0.68, 0.90, 0.95], 2), rel=1e-12)
    x, y = np.meshgrid(found.x, found.y)
    points = np.stack([x, y], axis=-1)
    parabola = np.einsum("...i,ij,...j->...", points, np.linalg.inv(expected), points)
    np.testing.assert_allclose(found.delta, parabola, rtol=5e-3, atol=1e-3)
    height = found.levels[2][1]
    for axis, values in ((0, found.x), (1, found.y)):  # how far the ellipse reaches, and the grid a little further
        reach = np.sqrt(height * expected[axis, axis])
        assert values[-1] == pytest.approx(np.sqrt(1.25) * reach, rel=1e-2)
        least = found.delta.min(axis=1 - (1 - axis))
        crossing = np.interp(height, least[15:], values[15:])
        assert crossing == pytest.approx(reach, rel=0.02)
    assert expected[0, 1] > 0.1  # both may rise together while the background falls
    assert found.delta[-8, -8] < found.delta[-8, 7]  # the ellipse leans to the right


def test_a_contour_ends_at_a_bound() -> None:
    likelihood = linear(1e8, lower=0.0, at=(0.3, 0.0))
    found = contour(likelihood, "x", "y", points=21)
    assert found.x[0] == 0.0
    free = contour(linear(1e8, at=(0.3, 0.0)), "x", "y", points=21, x_range=(0.0, found.x[-1]), y_range=(-2.0, 2.0))
    same = contour(likelihood, "x", "y", points=21, x_range=(0.0, found.x[-1]), y_range=(-2.0, 2.0))
    np.testing.assert_allclose(same.delta, free.delta, atol=1e-6)
    deficit = contour(linear(1e8, lower=0.0, at=(0.0, 0.0)), "x", "y", points=21)
    assert deficit.x[0] == 0.0
    assert deficit.delta.min() == pytest.approx(0.0, abs=0.05)
    assert deficit.delta.min() >= 0.0


def test_contours_that_make_no_sense_are_refused() -> None:
    likelihood = linear(1e4)
    for x, y, more in (("x", "x", {}), ("x", "y", {"points": 4}), ("x", "y", {"levels": [0.0]})):
        with pytest.raises(OutOfRange):
            contour(likelihood, x, y, **more)


def test_a_raw_scan_is_narrower_than_the_profile() -> None:
    likelihood = linear(1e6)
    profile = Profile(likelihood, "x")
    values = np.linspace(-2.0, 2.0, 21)
    raw, profiled = profile.raw_scan(values).delta, profile.scan(values).delta
    assert np.all(raw >= profiled - 1e-9)
    np.testing.assert_allclose(profiled, values**2 / covariance(likelihood)[0, 0], rtol=0.02, atol=1e-4)
    assert raw[-1] > 1.5 * profiled[-1]
    slopes = likelihood.components[0].counts / 1e3
    assert raw[-1] == pytest.approx(4.0 * (slopes**2).sum(), rel=0.02)


def test_impacts_add_up_to_the_width_of_the_limit() -> None:
    """Every measurement moved by its error, in quadrature: the spread of the limit over data sets."""
    likelihood = benchmark_like(100.0)
    likelihood = likelihood.with_data(likelihood.asimov(likelihood.start))
    profile = Profile(likelihood, "mu")
    found = impacts_on_limit(profile)
    measured = [i for i in found if i.kind != "nuisance"]
    assert len(measured) == 29 + 5
    width = np.sqrt(sum((0.5 * (i.up - i.down)) ** 2 for i in measured))
    assert width == pytest.approx(profile.best.errors[0], rel=0.03)
    limits = [
        upper_limit_qmu_tilde(Profile(likelihood.with_data(type(likelihood.data)(counts, auxiliary)), "mu")).value
        for counts, auxiliary in zip(*thrown(likelihood, 150), strict=True)
    ]
    assert width == pytest.approx(np.std(limits), rel=4.0 / np.sqrt(2 * 150))
    largest = [max(abs(i.down), abs(i.up)) for i in found]
    assert largest == sorted(largest, reverse=True)


def thrown(likelihood: Likelihood, n: int) -> tuple[Array, Array]:
    toys = likelihood.toys(likelihood.start, n, np.random.default_rng(12))
    return toys.counts, toys.auxiliary


def test_signs_of_impacts() -> None:
    """More events where the signal is raise the limit, more beside it lower it, and so does a larger background."""
    peak = np.array([0.0, 40.0, 0.0])
    components = [
        Component("s", peak, (Power("mu"),)),
        Component("b", np.full(3, 400.0), (GaussianScale("scale", 0.1),)),
    ]
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("scale", constraint=STANDARD)]
    likelihood = Likelihood.build(parameters, components, np.array([400.0, 480.0, 400.0]))
    impacts = {i.name: i for i in impacts_on_limit(Profile(likelihood, "mu"))}
    assert set(impacts) == {"bin 1", "bin 2", "bin 3", "measurement of scale", "scale"}
    assert impacts["bin 2"].up > 0.0 > impacts["bin 2"].down
    for name in ("bin 1", "bin 3", "measurement of scale", "scale"):
        assert impacts[name].up < 0.0 < impacts[name].down
    assert impacts["bin 1"].up == pytest.approx(impacts["bin 3"].up, rel=1e-4)


def test_the_impact_of_a_background_in_one_bin_is_its_change() -> None:
    """Held, the background moves the limit of a total count by as much as itself."""
    b, relative, n = 100.0, 0.2, 140.0
    parameters = [Parameter("mu", start=1.0, lower=0.0), Parameter("scale", constraint=STANDARD)]
    components = [
        Component("s", np.ones(1), (Power("mu"),)),
        Component("b", np.array([b]), (GaussianScale("scale", relative),)),
    ]
    profile = Profile(Likelihood.build(parameters, components, np.array([n])), "mu")
    nominal = upper_limit_qmu_tilde(profile).value
    impacts = {i.name: i for i in impacts_on_limit(profile)}
    known = upper_limit_qmu_tilde(Profile(counting(n, b), "mu")).value
    error = float(fit(profile.likelihood).errors[1])
    assert error == pytest.approx(1.0, rel=1e-6)  # one bin says nothing of its background
    assert nominal + impacts["scale"].up == pytest.approx(known - relative * b, rel=1e-6)
    assert nominal + impacts["scale"].down == pytest.approx(known + relative * b, rel=1e-6)
    moved = impacts["measurement of scale"]
    assert moved.up == pytest.approx(-relative * b, rel=1e-6)  # the whole problem moves, its width stays
    assert moved.down == pytest.approx(relative * b, rel=1e-6)


@pytest.mark.parametrize("constraint", ["poisson", "gaussian"])
def test_measurements_of_factors_per_bin_have_impacts_too(constraint: str) -> None:
    likelihood = per_bin(constraint)  # type: ignore[arg-type]
    impacts = {i.name: i for i in impacts_on_limit(Profile(likelihood, "mu")) if i.kind == "auxiliary"}
    assert set(impacts) == {"measurement of lumi", *(f"measurement of gamma, bin {b}" for b in range(1, 6))}
    nominal = upper_limit_qmu_tilde(Profile(likelihood, "mu")).value
    for b in (2, 3):
        auxiliary = likelihood.data.auxiliary.copy()
        auxiliary[b] += np.sqrt(auxiliary[b]) if constraint == "poisson" else likelihood.scales[0].strength[b - 1]
        moved = likelihood.with_data(type(likelihood.data)(likelihood.data.counts, auxiliary))
        change = upper_limit_qmu_tilde(Profile(moved, "mu")).value - nominal
        assert impacts[f"measurement of gamma, bin {b}"].up == pytest.approx(change, rel=1e-6, abs=1e-9)
    for b in (2, 3, 4):  # more background, less signal
        assert impacts[f"measurement of gamma, bin {b}"].up < 0.0 < impacts[f"measurement of gamma, bin {b}"].down


def test_impacts_of_another_rule() -> None:
    likelihood = linear(1e8, at=(1.0, 0.0)).bounded("x", -50.0, 50.0)
    profile = Profile(likelihood, "x")
    found = impacts_on_limit(profile, rule=upper_limit_qmu)
    width = np.sqrt(sum((0.5 * (i.up - i.down)) ** 2 for i in found if i.kind != "nuisance"))
    assert width == pytest.approx(np.sqrt(covariance(likelihood)[0, 0]), rel=0.01)
    y = next(i for i in found if i.name == "y")
    slope = covariance(likelihood)[0, 1] / covariance(likelihood)[1, 1]
    assert 0.5 * (y.up - y.down) == pytest.approx(slope * profile.best.errors[1], rel=0.01)
