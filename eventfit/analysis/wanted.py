"""What an analysis computes, and the published values that stand beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eventfit.strict import Finite, Level, Pair, Strict

__all__ = [
    "BestFitWanted",
    "CountsWanted",
    "GoodnessWanted",
    "IntervalWanted",
    "LimitWanted",
    "NaiveWanted",
    "Published",
    "SignificanceWanted",
    "Wanted",
]


class IntervalWanted(Strict):
    """Two-sided profile likelihood interval."""

    quantity: Literal["interval"]
    cl: Level


class LimitWanted(Strict):
    """Upper limit by a named rule."""

    quantity: Literal["upper_limit"]
    cl: Level
    rule: Literal["qmu_tilde", "delta_2_71"]


class SignificanceWanted(Strict):
    """q0 against the background-only hypothesis."""

    quantity: Literal["significance"]


class BestFitWanted(Strict):
    """The estimate of the parameter of interest."""

    quantity: Literal["best_fit"]


class GoodnessWanted(Strict):
    """-2 ln L relative to saturated: ``gof`` without signal, ``gof_best_fit`` at the best fit."""

    quantity: Literal["gof", "gof_best_fit"]


class CountsWanted(Strict):
    """Counts in a window: observed, or expected from the declared backgrounds at their nominal norm."""

    quantity: Literal["observed_counts", "expected_counts"]
    window_keV: Pair


class NaiveWanted(Strict):
    """Counting in a window with a background taken as known: what a quick estimate quotes."""

    quantity: Literal["naive_significance"]
    window_keV: Pair


Wanted = Annotated[
    BestFitWanted | IntervalWanted | LimitWanted | SignificanceWanted | GoodnessWanted | CountsWanted | NaiveWanted,
    Field(discriminator="quantity"),
]


class Published(Strict):
    """A published value that stands beside ours: matched by quantity, variant, kind and, if given, cl."""

    quantity: str
    variant: str = "default"
    kind: Literal["observed", "expected", "counting", "naive"] = "observed"
    cl: Level | None = None
    value: Finite | Pair
    where: str
    note: str = ""
