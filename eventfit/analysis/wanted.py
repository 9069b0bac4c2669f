"""What an analysis computes, and the published values that stand beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eventfit.provenance import Status
from eventfit.response import Axis, Hits, KeV
from eventfit.strict import Finite, Level, Name, Pair, Positive, Strict

__all__ = [
    "BandWanted",
    "BestFitWanted",
    "CountsWanted",
    "EstimateWanted",
    "GoodnessWanted",
    "IntervalWanted",
    "LimitWanted",
    "NaiveWanted",
    "OfInterest",
    "Published",
    "RateWanted",
    "Rule",
    "SignificanceWanted",
    "Wanted",
]


#: rules of upper limits
Rule = Literal["qmu_tilde", "qmu", "cls", "delta_2_71", "bayes_flat", "feldman_cousins_gaussian"]


class OfInterest(Strict):
    """A quantity about the parameter of interest; ``poi`` restricts it to the variants that have this one."""

    poi: str | None = None


class IntervalWanted(OfInterest):
    """Two-sided profile likelihood interval."""

    quantity: Literal["interval"]
    cl: Level


class LimitWanted(OfInterest):
    """Upper limit by a named rule."""

    quantity: Literal["upper_limit"]
    cl: Level
    rule: Rule


class BandWanted(Strict):
    """Smallest and largest upper limit by one rule over ``variants``: all that inputs known to a range allow to say."""

    quantity: Literal["band"]
    cl: Level
    rule: Rule
    variants: Annotated[list[str], Field(min_length=2)]


class SignificanceWanted(OfInterest):
    """q0 against the background-only hypothesis."""

    quantity: Literal["significance"]


class BestFitWanted(OfInterest):
    """The estimate of the parameter of interest."""

    quantity: Literal["best_fit"]


class EstimateWanted(OfInterest):
    """The estimate of the fit parameter without its bounds, with its error: a squared moment may be negative."""

    quantity: Literal["estimate"]


class RateWanted(Strict):
    """Weak events of the components of a flux norm in counts/(day 100 t), recoils of all energies.

    ``rate``: as fitted without signal, with the error of the norm; ``predicted_rate``: as the source predicts it. The
    rows are called ``rate_<norm>`` and ``predicted_rate_<norm>``.
    """

    quantity: Literal["rate", "predicted_rate"]
    norm: Name

    @property
    def label(self) -> str:
        """What the row is called."""
        return f"{self.quantity}_{self.norm}"


class GoodnessWanted(Strict):
    """-2 ln L relative to saturated: ``gof`` without signal, ``gof_best_fit`` at the best fit."""

    quantity: Literal["gof", "gof_best_fit"]


class Windowed(Strict):
    """A window on the reconstructed axis; its key names the axis."""

    window_keV: Pair | None = None
    window_n_hits: Pair | None = None

    @model_validator(mode="after")
    def _one(self) -> Windowed:
        if (self.window_keV is None) == (self.window_n_hits is None):
            raise ValueError("either window_keV or window_n_hits has to be given, and not both")
        return self

    @property
    def key(self) -> str:
        """The key that was given."""
        return "window_keV" if self.window_n_hits is None else "window_n_hits"

    @property
    def axis(self) -> Axis:
        """The axis that the window is on."""
        return KeV if self.window_n_hits is None else Hits

    @property
    def window(self) -> tuple[float, float]:
        """Lower and upper end."""
        given = self.window_n_hits if self.window_keV is None else self.window_keV
        assert given is not None
        return given[0], given[1]


class CountsWanted(Windowed):
    """Counts in a window: observed, or expected from the declared backgrounds at their nominal norm."""

    quantity: Literal["observed_counts", "expected_counts"]


class NaiveWanted(Windowed):
    """Counting in a window with a background taken as known: what a quick estimate quotes."""

    quantity: Literal["naive_significance"]


Wanted = Annotated[
    BandWanted
    | BestFitWanted
    | EstimateWanted
    | IntervalWanted
    | LimitWanted
    | RateWanted
    | SignificanceWanted
    | GoodnessWanted
    | CountsWanted
    | NaiveWanted,
    Field(discriminator="quantity"),
]


class Published(Strict):
    """A published value that stands beside ours: matched by quantity, variant, kind and, if given, cl.

    ``errors`` are those published with an estimate, statistical and systematic.
    """

    quantity: str
    variant: str = "default"
    kind: Literal["observed", "expected", "counting", "naive"] = "observed"  # of our result beside it
    cl: Level | None = None
    value: Finite | Pair
    errors: list[Positive] = Field(default_factory=list)
    where: str
    note: str = ""
    status: Status = "transcribed"
