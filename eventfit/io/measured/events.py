"""Single events, and the histogram of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventfit.errors import OutOfRange, UnknownName, did_you_mean
from eventfit.io.measured.checks import checked_edges, checked_numbers
from eventfit.io.measured.histogram import Histogram
from eventfit.quadrature import Array

__all__ = ["Events"]


@dataclass(frozen=True, eq=False)
class Events:
    """Columns of single events, all of one length."""

    columns: Mapping[str, Array]
    where: str = "events"

    def __post_init__(self) -> None:
        checked = {
            name: checked_numbers(x, f"{self.where}, column {name}", "values") for name, x in self.columns.items()
        }
        lengths = {name: len(x) for name, x in checked.items()}
        if len(set(lengths.values())) > 1:
            raise OutOfRange("columns of events have different lengths", where=self.where, given=lengths)
        object.__setattr__(self, "columns", checked)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, column: str) -> Array:
        if column not in self.columns:
            raise UnknownName(
                "there is no such column",
                where=self.where,
                given=column,
                allowed=", ".join(self.columns),
                fix=did_you_mean(column, list(self.columns)),
            )
        return self.columns[column]

    def histogram(self, column: str, edges: Array, *, weights: str | None = None, unit: str = "") -> Histogram:
        """Events per bin, low edge included and high edge not, as ROOT fills; the others in the flow.

        With ``weights`` the errors are the root of the sum of squared weights.
        """
        x, edges = self[column], checked_edges(edges, f"edges for {self.where}")
        slot = np.searchsorted(edges, x, side="right")
        n = len(edges) + 1

        def filled(weight: Array | None) -> Array:
            return np.bincount(slot, weights=weight, minlength=n).astype(float)

        weight = None if weights is None else self[weights]
        values, squares = filled(weight), None if weight is None else np.sqrt(filled(weight**2))
        return Histogram(
            edges,
            values[1:-1],
            None if squares is None else (squares[1:-1], squares[1:-1]),
            float(values[0]),
            float(values[-1]),
            (0.0, 0.0) if squares is None else (float(squares[0]), float(squares[-1])),
            name=column,
            label=column,
            unit=unit,
            where=f"{self.where}, column {column}",
        )
