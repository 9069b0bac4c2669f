"""HTML from values: what is not markup by its type is text, and text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from eventfit.report.characters import printable

__all__ = ["Content", "Html", "code", "element", "joined", "table"]

#: elements without content
VOID = {"br", "hr", "link", "meta", "wbr"}


class Html(str):
    """A string that is markup."""

    __slots__ = ()


#: what may stand in an element; None is nothing
Content = str | None


def joined(*content: Content, by: str = "") -> Html:
    """Markup as it is and text escaped, one after the other."""
    return Html(by.join(_markup(part) for part in content if part is not None))


def element(name: str, /, *content: Content, **attributes: str | bool | None) -> Html:
    """``<name attributes>content</name>``.

    Attributes that are Python's words end in an underscore, others have one for a hyphen; None and False leave it out.
    """
    head = name
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            head += f" {attribute}"
        elif value is not None and value is not False:
            head += f' {attribute}="{_text(value)}"'
    return Html(f"<{head}>") if name in VOID else Html(f"<{head}>{joined(*content)}</{name}>")


def code(name: str) -> Html:
    """A name in fixed width that may be broken after its separators."""
    parts = re.split(r"(?<=[/_.])", name)
    return element("code", joined(*parts, by=element("wbr")))


def table(
    columns: Sequence[Content], rows: Iterable[Sequence[Content]], *, numbers: Sequence[int] = (), class_: str = ""
) -> Html:
    """A table in a frame that scrolls where the page is narrow; the columns ``numbers`` stand to the right."""

    def cells(name: str, row: Sequence[Content]) -> Html:
        right = {i: "number" if i in numbers else None for i in range(len(row))}
        first = {"scope": "col"} if name == "th" else {}
        return element("tr", *(element(name, cell, class_=right[i], **first) for i, cell in enumerate(row)))

    head = element("thead", cells("th", columns))
    body = element("tbody", *(cells("td", row) for row in rows))
    return element("div", element("table", head, body, class_=class_ or None), class_="scrolls")


def _markup(part: str) -> str:
    return part if isinstance(part, Html) else _text(part)


def _text(text: str) -> str:
    return escape(printable(text))
