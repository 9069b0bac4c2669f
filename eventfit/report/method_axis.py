"""The axis of a fit parameter in the quantity that is quoted, and what the figures of the methods share."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventfit.errors import StatisticsError
from eventfit.inference import Profile
from eventfit.parameters import Reported
from eventfit.quadrature import Array
from eventfit.report.characters import printable

__all__ = ["QuotedAxis", "canvas", "cut_labels", "finite", "mathtext", "number", "percent", "visible_range"]

#: names that have a symbol in the literature
SYMBOLS = {"mu": r"$\mu$", "mu_nu": r"$\mu_\nu$", "mu_B": r"$\mu_\mathrm{B}$"}
SYMBOLS |= {"mu_e": r"$\mu_{\nu_e}$", "mu_mu": r"$\mu_{\nu_\mu}$", "mu_tau": r"$\mu_{\nu_\tau}$"}
#: numbers whose power of ten lies in this range are written as they are
PLAIN = range(-1, 4)
#: characters per inch of a title's line
TITLE_DENSITY = 10.5
#: standard deviations shown of a profile that never rises to the height wanted
STEPS = 5.0
#: part of a range that is shown beyond it
MARGIN = 0.03


@dataclass(frozen=True)
class QuotedAxis:
    """Positions and labels in ``reported``, in units of 10**``power_of_ten`` so that ticks stay short."""

    reported: Reported
    power_of_ten: int

    @classmethod
    def reaching(cls, reported: Reported, *fitted: float) -> QuotedAxis:
        """The axis on which the largest of ``fitted`` is a number between 1 and 10, or plain where that reads well."""
        ends = np.abs([reported.value(value) for value in finite(fitted)])
        return cls.spanning(reported, float(ends.max(initial=0.0)))

    @classmethod
    def spanning(cls, reported: Reported, largest: float) -> QuotedAxis:
        """:meth:`reaching` with the quoted number itself."""
        power = math.floor(math.log10(largest)) if 0.0 < largest < math.inf else 0
        return cls(reported, 0 if power in PLAIN else power)

    def x(self, fitted: float) -> float:
        """Where ``fitted`` stands on the axis."""
        return self.reported.value(fitted) / 10.0**self.power_of_ten

    def all_x(self, fitted: Array) -> Array:
        """:meth:`x` of all of ``fitted`` (n,)."""
        return np.array([self.x(float(value)) for value in fitted])

    def points(self, low: float, high: float, n: int, bounds: tuple[float, float]) -> tuple[Array, Array]:
        """``n`` fit values from ``low`` to ``high`` that stand evenly on the axis, and where they stand."""
        x = np.linspace(self.x(low), self.x(high), n)
        fitted = np.array([self.reported.fitted(value * 10.0**self.power_of_ten) for value in x])
        # there and back through a root is not exact, and a fit outside of the bounds is refused
        fitted = np.clip(fitted, *bounds)
        return fitted, self.all_x(fitted)

    @property
    def label(self) -> str:
        """Symbol and unit with the power of ten: ``mu_nu [10^-11 mu_B]``."""
        unit = self._unit
        return mathtext(self.reported.name) + (f" [{unit}]" if unit else "")

    def quote(self, fitted: float) -> str:
        """``fitted`` as a number with its unit, three digits."""
        return self.written(self.x(fitted))

    def written(self, x: float) -> str:
        """The number at ``x`` on the axis with its unit."""
        if not math.isfinite(x):
            return "none" if math.isnan(x) else "unbounded"
        if x == 0.0:
            return f"0 {mathtext(self.reported.unit)}".rstrip()
        times = r" $\times$ " if self._unit.startswith(("10", "$10")) else " "
        return number(x) + (times + self._unit if self._unit else "")

    @property
    def _unit(self) -> str:
        ten = f"$10^{{{self.power_of_ten}}}$" if self.power_of_ten else ""
        return " ".join(part for part in (ten, mathtext(self.reported.unit)) if part)


def canvas(title: str, *, size: tuple[float, float] = (7.0, 4.8)) -> tuple[Figure, Axes]:
    """An empty figure with its axes and title."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    # of the figure and not of the axes, which long names at their left make narrow
    lines = fill(title, int(TITLE_DENSITY * size[0]))
    figure.suptitle(lines, x=0.01, ha="left", fontsize="medium", parse_math=False)
    return figure, axes


def finite(values: Iterable[float]) -> list[float]:
    """Those of ``values`` that a place on an axis can be given."""
    return [float(value) for value in values if math.isfinite(value)]


def cut_labels(axes: Axes, cuts: Sequence[tuple[str, float]], top: float) -> None:
    """Names of horizontal lines, outside at the right where no curve runs, kept apart where the lines are close."""
    lowest = 0.0
    for name, height in sorted(cuts, key=lambda cut: cut[1]):
        y = max(height / top, lowest)
        lowest = y + 0.05
        axes.text(1.012, y, name, fontsize="small", va="center", transform=axes.transAxes, parse_math=False)


def visible_range(profile: Profile, height: float, held: list[float]) -> tuple[float, float]:
    """Fit values between which the profile stays below ``height``, widened to hold all of ``held``."""
    ends = [*finite(held), profile.estimate]
    for side, bound in zip((-1, +1), profile.bounds, strict=True):
        try:
            end = profile.crossing(height, side)
        except StatisticsError:  # the data do not bound it: show some standard deviations
            end = profile.estimate + side * STEPS * profile.scale()
        ends += finite([bound if end is None else end])
    margin = MARGIN * (max(ends) - min(ends))
    return max(min(ends) - margin, profile.bounds[0]), min(max(ends) + margin, profile.bounds[1])


def number(x: float) -> str:
    """Three digits, with the minus of the axis's ticks."""
    if math.isinf(x):
        return "∞" if x > 0.0 else "\N{MINUS SIGN}∞"
    return "0" if x == 0.0 else f"{x:#.3g}".rstrip(".").replace("-", "\N{MINUS SIGN}")


def percent(cl: float) -> str:
    """A confidence level as it is quoted: ``90 %``."""
    return f"{100.0 * cl:.6g} %"


def mathtext(name: str) -> str:
    """A parameter or a unit as matplotlib shall write it, with its powers raised."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    return re.sub(r"\^\{?(-?\d+)\}?", r"$^{\1}$", printable(name).replace("$", r"\$"))
