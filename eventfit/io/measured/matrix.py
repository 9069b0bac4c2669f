"""Contents over two axes, migration matrices among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from eventfit.errors import OutOfRange
from eventfit.io.measured.checks import checked_edges, checked_numbers, frozen
from eventfit.io.measured.histogram import Flow
from eventfit.quadrature import Array

__all__ = ["Matrix"]

#: rounding that the columns of a migration matrix may leave above one
SUM_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Matrix:
    """Contents over two axes: ``values`` (n_x, n_y); ``flow`` is the size of what lies outside, summed."""

    x_edges: Array
    y_edges: Array
    values: Array
    flow: float = 0.0
    name: str = ""
    x_label: str = ""
    y_label: str = ""
    where: str = "matrix"
    units: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        object.__setattr__(self, "x_edges", checked_edges(self.x_edges, f"{self.where}, x axis"))
        object.__setattr__(self, "y_edges", checked_edges(self.y_edges, f"{self.where}, y axis"))
        values, shape = np.asarray(self.values, dtype=float), (len(self.x_edges) - 1, len(self.y_edges) - 1)
        if values.shape != shape:
            raise OutOfRange(
                "a matrix does not fit its axes",
                where=self.where,
                given=" x ".join(map(str, values.shape)),
                allowed=f"{shape[0]} x {shape[1]} (bins in x, bins in y)",
            )
        checked_numbers(values.ravel(), self.where, "contents")
        object.__setattr__(self, "values", frozen(values))

    def with_flow(self, flow: Flow) -> Matrix:
        """The matrix without flow: ``refuse`` any, or ``drop`` it; it belongs to no cell, so nothing includes it."""
        if self.flow != 0.0 and flow != "drop":
            raise OutOfRange(
                "entries lie outside the axes",
                where=self.where,
                given=f"{self.flow:g} in underflow and overflow",
                fix='flow = "drop" leaves them out',
            )
        return replace(self, flow=0.0)

    @property
    def transposed(self) -> Matrix:
        """x and y exchanged."""
        return replace(
            self,
            x_edges=self.y_edges,
            y_edges=self.x_edges,
            values=self.values.T.copy(),
            x_label=self.y_label,
            y_label=self.x_label,
            units=self.units[::-1],
        )

    def migration(self, true: Literal["x", "y"], *, generated: Array | None = None) -> Array:
        """Probability per true bin (column) to be reconstructed in a bin (row), (n_reconstructed, n_true).

        Parameters
        ----------
        true
            Which axis is the true energy.
        generated
            Events generated per true bin (n_true,), if the matrix holds counts.

        Raises
        ------
        OutOfRange
            A negative entry, or a column that sums to more than one.
        """
        matrix = self.values if true == "y" else self.values.T
        if generated is not None:
            total = checked_numbers(generated, self.where, "generated events", matrix.shape[1])
            if np.any(total <= 0):
                raise OutOfRange("a true bin without generated events", where=self.where, given=total.min())
            matrix = matrix / total
        if np.any(matrix < 0):
            row, column = np.argwhere(matrix < 0)[0]
            raise OutOfRange(
                "a migration matrix has a negative entry",
                where=f"{self.where}, true bin {column + 1}, reconstructed bin {row + 1}",
                given=float(matrix[row, column]),
                allowed="probabilities",
            )
        sums = matrix.sum(axis=0)
        if np.any(sums > 1.0 + SUM_ROUNDING):
            column = int(np.argmax(sums))
            raise OutOfRange(
                "more than all events of a true bin are reconstructed",
                where=f"{self.where}, true bin {column + 1}",
                given=f"sum {sums[column]:g}",
                allowed="columns that sum to at most 1",
                fix="exchange the axes (true = 'x' or 'y'), or give the generated events if the matrix holds counts",
            )
        return np.asarray(matrix)
