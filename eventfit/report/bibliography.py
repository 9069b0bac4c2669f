"""The publications behind a result, from ``data/bibliography.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence

from eventfit.errors import UnknownName
from eventfit.tables import shipped

__all__ = ["METHODS", "bibliography", "bibtex", "reference"]

#: what every result of this program rests on, besides its inputs
METHODS = ("arXiv:1007.1727", "baker-cousins1984", "james-roos1975", "iminuit")


def bibliography() -> dict[str, dict[str, str]]:
    """Key -> fields of every publication."""
    text = (shipped("data") / "bibliography.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def reference(key: str, entries: Mapping[str, Mapping[str, str]]) -> str:
    """One publication as a line: authors, title, journal, identifiers."""
    entry = _entry(key, entries)
    identifiers = [f"doi:{entry['doi']}"] if "doi" in entry else []
    if "eprint" in entry:
        identifiers.append(entry["eprint"] if "/" in entry["eprint"] else f"arXiv:{entry['eprint']}")
    parts = [entry["authors"], f'"{entry["title"]}"' if entry["title"] else "", entry["journal"], *identifiers]
    return ", ".join(part for part in parts if part)


def bibtex(keys: Sequence[str], entries: Mapping[str, Mapping[str, str]]) -> str:
    """BibTeX entries for ``keys``."""
    blocks = []
    for key in keys:
        entry = _entry(key, entries)
        fields = {"author": entry["authors"], "title": "{" + entry["title"] + "}", "note": entry["journal"]}
        fields |= {name: entry[name] for name in ("year", "doi", "eprint") if name in entry}
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        blocks.append(f"@misc{{{key.replace('/', '-').replace(':', '-')},\n{body}\n}}")
    return "\n\n".join(blocks)


def _entry(key: str, entries: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The fields of a publication; an identifier that the bibliography does not know stands for itself."""
    if key in entries:
        return entries[key]
    scheme, _, identifier = key.partition(":")
    if identifier and scheme in ("doi", "arXiv"):
        return {"authors": "", "title": "", "journal": "", "doi" if scheme == "doi" else "eprint": identifier}
    raise UnknownName(
        "a publication is cited that the bibliography does not know",
        where="cite",
        given=key,
        allowed="a key of data/bibliography.toml, doi:... or arXiv:...",
    )
