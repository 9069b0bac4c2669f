"""How results look in a notebook: a table of their fields, without style or script, in the notebook's own colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from html import escape
from typing import Any

import numpy as np

__all__ = ["Shown", "html_table", "written"]


class Shown:
    """A dataclass that a notebook shows field by field, its method card below.

    What is left open (None, or empty) is left out, and so is a field that ``repr`` leaves out. Another result that is
    part of it is named and has a table of its own.
    """

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, _rows(self))


def html_table(caption: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Rows of text as an HTML table, everything escaped; the first cell of a row names it."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = [f"<thead><tr>{top}</tr></thead>"] if head else []
    for name, *cells in rows:
        rest = "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in cells)
        lines.append(f'<tr><th style="text-align: left">{escape(name)}</th>{rest}</tr>')
    return f"<table><caption>{escape(caption)}</caption>{''.join(lines)}</table>"


def written(value: Any) -> str:
    """A value as text: six digits, what is nested in parentheses, arrays by their size and ends."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else "none" if math.isnan(value) else f"{value:+}"
    if isinstance(value, np.ndarray):
        known = value[np.isfinite(value)]
        ends = f": {known.min():.6g} to {known.max():.6g}" if known.size else ""
        return f"{' x '.join(str(n) for n in value.shape)} values{ends}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"({written(e)})" if isinstance(e, list | tuple) else written(e) for e in value)
    return str(value)


def _rows(shown: Any) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    below: list[tuple[str, str]] = []
    for field in fields(shown):
        value = getattr(shown, field.name)
        if not field.repr or value is None or (isinstance(value, str | list | tuple | Mapping) and not value):
            continue
        if isinstance(value, Shown) and field.name == "card":
            below = [(f"card: {name}", text) for name, text in _rows(value)]
        elif isinstance(value, Shown):
            rows.append((field.name, type(value).__name__))
        else:
            rows.append((field.name.replace("_", " "), written(value)))
    return rows + below
