"""A key of numbered lines in columns below a figure; headings have the colours of what they head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

__all__ = ["LINE", "KeyLine", "draw_key", "key_columns"]

#: distance of lines in inches
LINE = 0.128
#: in inches: the gap between columns, room for a number and what is left behind it
GAP, NUMBER, BEHIND = 0.1, 0.2, 0.05
#: most columns tried
COLUMNS = 4
#: points of type in an inch
POINTS = 72.0


@dataclass(frozen=True)
class KeyLine:
    """A number and what it stands for, or without a number a heading in its colour."""

    number: str
    text: str
    colour: str = "black"

    @property
    def weight(self) -> str:
        """Of the type."""
        return "normal" if self.number else "bold"

    def width(self, size: float) -> float:
        """In inches, room for the number included, in type of ``size`` points."""
        path = TextPath((0, 0), self.text, size=size, prop=FontProperties(weight=self.weight))
        return float(path.get_extents().width) / POINTS + (NUMBER if self.number else 0.0)


def key_columns(lines: Sequence[KeyLine], *, width: float, size: float) -> list[list[KeyLine]]:
    """``lines`` in as many columns as fit into ``width`` inches, no heading at the foot of one."""
    for n in range(COLUMNS, 1, -1):
        columns = _broken(lines, n)
        if sum(_width(column, size) for column in columns) <= width:
            return columns
    return [list(lines)]


def draw_key(figure: Figure, columns: Sequence[Sequence[KeyLine]], *, left: float, below: float, size: float) -> None:
    """Write ``columns``, the first line ``below`` inches under the upper edge, ``left`` inches from the left one."""
    wide, high = figure.get_size_inches()
    for column in columns:
        for row, line in enumerate(column):
            y = 1.0 - (below + LINE * (row + 0.5)) / high
            x = left + (NUMBER if line.number else 0.0)
            style = FontProperties(size=size, weight=line.weight)
            figure.text(x / wide, y, line.text, fontproperties=style, color=line.colour, va="center_baseline")
            if line.number:
                x -= BEHIND
                figure.text(x / wide, y, line.number, fontproperties=style, ha="right", va="center_baseline")
        left += _width(column, size)


def _width(column: Sequence[KeyLine], size: float) -> float:
    return max(line.width(size) for line in column) + GAP


def _broken(lines: Sequence[KeyLine], n: int) -> list[list[KeyLine]]:
    """``lines`` in ``n`` columns at most, as short as they can be."""
    rows = -(-len(lines) // n)
    while True:
        columns: list[list[KeyLine]] = [[]]
        for i, line in enumerate(lines):
            alone = not line.number and len(columns[-1]) == rows - 1 and i < len(lines) - 1
            if len(columns[-1]) == rows or alone:
                columns.append([])
            columns[-1].append(line)
        if len(columns) <= n:
            return columns
        rows += 1
