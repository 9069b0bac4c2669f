"""Figures as SVG inside a page: no names that clash, no style that leaks, and colours that follow the page's scheme."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.figure import Figure

from eventfit.report.html.markup import Html

__all__ = ["WIDTH", "inline_svg"]

#: inches between the margins of a printed page: a figure is never wider, so its letters are printed as they were set
WIDTH = 7.0
#: colours of the figures -> the page's variables that hold them, lighter on a dark page; black is its text colour
COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--vermilion)",
    "#009e73": "var(--green)",
    "#999999": "var(--grey)",
    "#8b4513": "var(--brown)",
}
#: what refers to another element by its name
REFERENCE = re.compile(r"(?<=url\(#)[^)]+(?=\))|(?<=^#).+")
#: decimals in a path beyond a hundredth of a point
TAIL = re.compile(r"-?\d+\.\d{3,}")


def inline_svg(figure: Figure, name: str, label: str) -> Html:
    """``figure`` as an ``<svg>`` element, the same bytes every time.

    Letters are outlines, so that no font is asked for and nothing moves. Names inside begin with ``name``, which has to
    be the figure's own in the page.

    Parameters
    ----------
    label
        What it shows, for those who do not see it.
    """
    if figure.get_figwidth() > WIDTH:
        figure.set_size_inches(WIDTH, figure.get_figheight())
    drawn = BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the tables have every name in full
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    root = ET.fromstring(drawn.getvalue())
    _strip(root)
    _rename(root, f"{name}-")
    for key in [key for key in root.attrib if key not in ("width", "height", "viewBox")]:
        del root.attrib[key]
    root.attrib.update({"role": "img", "aria-label": label})
    return Html(ET.tostring(root, encoding="unicode"))


def _strip(root: ET.Element) -> None:
    """Without metadata, style sheet (the page has it) and namespaces, which HTML knows by itself."""
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2]
            if kind in ("metadata", "style") or (kind == "defs" and not len(child)):
                parent.remove(child)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.attrib = {key.rpartition("}")[2]: _tidied(key, value) for key, value in node.attrib.items()}
        node.text = node.tail = None
    for parent in list(root.iter()):  # what held the style sheet alone
        for child in [c for c in parent if c.tag == "defs" and not len(c)]:
            parent.remove(child)


def _tidied(key: str, value: str) -> str:
    if key == "style":
        return re.sub(r"#[0-9a-f]{6}", lambda colour: COLOURS.get(colour[0], colour[0]), value)
    if key == "d":
        return TAIL.sub(lambda number: f"{float(number[0]):.2f}", " ".join(value.split()))
    return value


def _rename(root: ET.Element, prefix: str) -> None:
    """Names that are referred to get the prefix, the others go."""
    used = {name for node in root.iter() for value in node.attrib.values() for name in REFERENCE.findall(value)}
    for node in root.iter():
        if node.attrib.get("id", "") not in used:
            node.attrib.pop("id", None)
        for key, value in node.attrib.items():
            node.attrib[key] = prefix + value if key == "id" else REFERENCE.sub(lambda name: prefix + name[0], value)
