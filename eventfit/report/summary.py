"""Published against ours over many analyses: the table on the terminal, and the pages that keep it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as RichTable

from eventfit.analysis.reading import DEFAULT
from eventfit.errors import InputError, MissingInput
from eventfit.report.text import method, ours, quantity_label, ratio, theirs

__all__ = ["markdown_table", "require_places", "result_pages", "summary_table", "worst_input"]

#: what is written stands between these; what follows the first word is for readers of the source
BEGIN, END = re.compile(r"<!-- results\b[^>]*-->\n"), "<!-- /results -->"


def compared(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rows of a document that have a published value."""
    return (row for row in document["results"] if row["published"] is not None)


def worst_input(document: Mapping[str, Any], variant: str) -> str:
    """Status of the input of a variant that can be trusted least, '-' in documents older than that."""
    return str(document["variants"].get(variant, {}).get("worst_input", "-"))


def summary_table(documents: Sequence[Mapping[str, Any]]) -> RichTable:
    """One line for every published value of every analysis; the default variant in bold."""
    table = RichTable(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("analysis", "quantity", "variant"):
        table.add_column(column, overflow="fold")
    for column in ("published", "ours", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("kind", "worst input"):
        table.add_column(column, overflow="fold")
    for document in documents:
        name = document["analysis"]
        for row in compared(document):
            cells = [name, quantity_label(row), row["variant"], theirs(row), ours(row), ratio(row), row["kind"]]
            cells.append(worst_input(document, row["variant"]))
            table.add_row(*map(escape, cells), style="bold" if row["variant"] == DEFAULT else None)
            name = ""
        table.add_section()
    return table


def markdown_table(document: Mapping[str, Any]) -> str:
    """Every published value of an analysis beside ours."""
    names = ("quantity", "variant", "published", "ours", "ratio", "kind", "worst input", "method")
    rows = [
        (
            quantity_label(row),
            row["variant"],
            theirs(row),
            ours(row),
            ratio(row),
            row["kind"],
            worst_input(document, row["variant"]),
            method(row["method"]),
        )
        for row in compared(document)
    ]
    return _markdown(names, rows)


def result_pages(home: Path, documents: Sequence[Mapping[str, Any]]) -> dict[Path, str]:
    """``README.md`` of the checkout and of its folder ``analyses`` as they have to be, text of their own kept.

    Parameters
    ----------
    home
        The folder ``analyses``.
    documents
        The accepted results.
    """
    front, inside = _pages(home)
    return {front: _put(front, _front(documents)), inside: _put(inside, _sections(documents))}


def require_places(home: Path) -> None:
    """Ask for the places of the tables before the work starts.

    Raises
    ------
    MissingInput, InputError
        A page is missing, or has no place for its table.
    """
    for page in _pages(home):
        _split(page)


def _pages(home: Path) -> tuple[Path, Path]:
    return home.parent / "README.md", home / "README.md"


def _split(page: Path) -> tuple[str, str]:
    """The text before the tables with the mark that begins them, and the text from the one that ends them."""
    if not page.is_file():
        raise MissingInput("a page for results is missing", where=str(page), fix="restore it from the repository")
    text = page.read_text(encoding="utf-8")
    begin = BEGIN.search(text)
    end = -1 if begin is None else text.find(END, begin.end())
    if begin is None or end < 0:
        raise InputError(
            "a page has no place for results",
            where=str(page),
            allowed=f"<!-- results --> on a line of its own, and {END} below it",
            fix="put the marks where the tables shall be",
        )
    return text[: begin.end()], text[end:]


def _put(page: Path, content: str) -> str:
    before, after = _split(page)
    return f"{before}\n{content}\n\n{after}"


def _front(documents: Sequence[Mapping[str, Any]]) -> str:
    """One table over all analyses, of the choices made beforehand."""
    names = ("analysis", "quantity", "published", "ours", "ratio", "kind", "worst input", "method")
    rows = [
        (
            f"[{document['analysis']}](analyses/{document['analysis']}/notes.md)",
            quantity_label(row),
            theirs(row),
            ours(row),
            ratio(row),
            row["kind"],
            worst_input(document, DEFAULT),
            method(row["method"]),
        )
        for document in documents
        for row in compared(document)
        if row["variant"] == DEFAULT
    ]
    return _markdown(names, rows)


def _sections(documents: Sequence[Mapping[str, Any]]) -> str:
    """A section per analysis, with every variant."""
    parts = []
    for document in documents:
        name = document["analysis"]
        parts += [f"## [{name}]({name}/notes.md)", document["title"], markdown_table(document)]
    return "\n\n".join(parts)


def _markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
