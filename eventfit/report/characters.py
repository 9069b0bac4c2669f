"""Characters that a document can hold."""

from __future__ import annotations

import re

__all__ = ["printable"]

#: controls, halves of surrogate pairs, and code points that are no characters
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def printable(text: str) -> str:
    """``text`` with a mark in place of everything that neither HTML nor a figure may hold."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
