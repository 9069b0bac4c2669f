"""Writing: output folders, and the accepted results of a checkout."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from eventfit.analysis import Analysis, shipped_analyses
from eventfit.analysis.reading import DEFAULT
from eventfit.errors import InputError, MissingInput, WriteFailed
from eventfit.report.json import dumps
from eventfit.report.summary import require_places, result_pages
from eventfit.tables import shipped

__all__ = [
    "accept_results",
    "accepted_pages",
    "accepted_result",
    "prepare",
    "read_source",
    "require_acceptable",
    "silence",
    "with_stored_toys",
    "write_text",
]

#: packages whose versions are part of what a toy depends on
TOY_VERSIONS = ("eventfit", "numpy", "scipy", "iminuit")


def prepare(folder: Path) -> Path:
    """``folder``, made if it is missing; asked for before the work starts, so that no result is lost to a typo."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed("the output folder cannot be made", where=str(folder), given=error.strerror) from error
    return folder


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WriteFailed("a file could not be written", where=str(path), given=error.strerror) from error


def read_source(path: Path) -> tuple[str, str]:
    """Name and text of a file that was read before as what it is.

    Raises
    ------
    MissingInput
        It is gone, or no longer text.
    """
    try:
        return path.name, path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise MissingInput("the file cannot be read", where=str(path), given=error) from error


def accepted_result(analysis: str) -> dict[str, Any] | None:
    """The stored result of a shipped analysis, None before the first ``--accept``."""
    path = shipped("analyses") / analysis / "result.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def silence(stream: TextIO) -> None:
    """Send what is still buffered in ``stream`` nowhere: its end has been closed or is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def require_acceptable(analysis: Analysis) -> None:
    """Ask before the work starts whether the result of ``analysis`` can be accepted.

    Raises
    ------
    InputError
        The analysis is not a shipped one, this is an installed copy, or a page has no place for the tables.
    """
    home = shipped("analyses")
    if not analysis.shipped or home.parent.name == "_shipped":
        raise InputError(
            "--accept stores results of shipped analyses in a checkout, nowhere else",
            given=str(analysis.path),
            fix="use -o DIR to keep a result",
        )
    require_places(home)


def accept_results(documents: Sequence[Mapping[str, Any]]) -> None:
    """Store ``documents`` as the accepted results and rewrite the pages that show all of them."""
    home = shipped("analyses")
    for content in documents:
        write_text(home / content["analysis"] / "result.json", dumps(content) + "\n")
    for page, text in accepted_pages(home).items():
        write_text(page, text)


def accepted_pages(home: Path) -> dict[Path, str]:
    """The pages with result tables around the folder ``home`` of a checkout, as the accepted results want them."""
    stored = [accepted_result(name) for name in shipped_analyses()]
    return result_pages(home, [document for document in stored if document is not None])


def with_stored_toys(analysis: str, content: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """``content`` with the toy rows of the accepted result, which are thrown again only when asked, and what was done.

    They stay if they are of the same model and of the same versions of everything that moves a toy; rows of
    ``content`` that toys calibrated take their place.
    """
    result, stored = dict(content), accepted_result(analysis)
    old = [row for row in stored["results"] if _by_toys(row)] if stored is not None else []
    if stored is None or not old or any(_by_toys(row) for row in content["results"]):
        return result, ""
    models = {row["method"]["model_sha256"] for row in content["results"] if row["variant"] == DEFAULT}
    moved = [name for name in TOY_VERSIONS if stored["versions"].get(name) != content["versions"].get(name)]
    changed = [f"the version of {name}" for name in moved]
    changed += [] if all(row["method"]["model_sha256"] in models for row in old) else ["the model"]
    if changed:
        toys = max(row["method"]["toys"] for row in old)
        return result, (
            f"{analysis}: {len(old)} accepted rows by toys dropped, because of a change of {', '.join(changed)}; "
            f"throw them again with --toys (up to {toys} in a row of the accepted result)"
        )
    rows = list(content["results"])
    after = max(i for i, row in enumerate(rows) if row["variant"] == DEFAULT) + 1
    result["results"] = rows[:after] + old + rows[after:]
    return result, f"{analysis}: {len(old)} accepted rows by toys kept"


def _by_toys(row: Mapping[str, Any]) -> bool:
    return bool(row["method"]["calibration"] == "toys")
