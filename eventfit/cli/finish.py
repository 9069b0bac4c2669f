"""How an inference verb starts and ends: opening, refusing, printing, writing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eventfit.cli.options import Calibration, HistoSysCode, NormSysCode

if TYPE_CHECKING:
    from eventfit.analysis.problem import Problem
    from eventfit.analysis.recoil_spectrum import RecoilSpectrum
    from eventfit.parameters import Reported

__all__ = ["Ending", "calibrated", "file_name", "opened"]


def opened(
    target: str | Sequence[str],
    variant: str | None,
    measurement: str | None,
    normsys: NormSysCode | None,
    histosys: HistoSysCode | None,
    poi: str | None,
    bounds: tuple[float, float] | None,
    *,
    universal: bool = False,
    spectrum: Path | None = None,
    flux: float | None = None,
) -> Problem:
    """The problem that the options name; that of several targets is their combination."""
    from eventfit.analysis.problem import open_problem

    targets = [target] if isinstance(target, str) else list(target)
    signal = _signal(spectrum, flux)
    if len(targets) > 1:
        from eventfit.analysis.combination import open_problems

        _refuse_workspace_options(measurement, normsys, histosys)
        return open_problems(targets, variant=variant, poi=poi, bounds=bounds, universal=universal, signal=signal)
    if universal:
        from eventfit.errors import InputError

        raise InputError("--universal is about several experiments", given="--universal with one", fix="leave it out")
    return open_problem(
        targets[0],
        variant=variant,
        measurement=measurement,
        normsys=None if normsys is None else normsys.value,
        histosys=None if histosys is None else histosys.value,
        poi=poi,
        bounds=bounds,
        signal=signal,
    )


def _signal(spectrum: Path | None, flux: float | None) -> RecoilSpectrum | None:
    if spectrum is not None:
        from eventfit.analysis.recoil_spectrum import recoil_spectrum

        return recoil_spectrum(spectrum, flux=flux)
    if flux is not None:
        from eventfit.errors import InputError

        raise InputError("--flux belongs to a --spectrum", given=f"--flux {flux:g}", fix="add --spectrum FILE")
    return None


def _refuse_workspace_options(
    measurement: str | None, normsys: NormSysCode | None, histosys: HistoSysCode | None
) -> None:
    from eventfit.errors import InputError

    options = {"--measurement": measurement, "--normsys-code": normsys, "--histosys-code": histosys}
    for option, value in options.items():
        if value is not None:
            raise InputError(
                "only a pyhf workspace has this choice, and workspaces do not combine", given=f"{option} {value}"
            )


def calibrated(
    calibration: Calibration | None, toys: int | None, *, default: int, needs: str = "", never: str = ""
) -> int | None:
    """How many toys, None for none.

    Parameters
    ----------
    default
        Their number where the options do not say.
    needs, never
        The method, if it always or never takes toys.
    """
    from eventfit.errors import InputError

    wanted = toys is not None or calibration is Calibration.TOYS
    if never and wanted:
        raise InputError(f"{never} is not calibrated by toys", given="--calibration toys", fix="leave out the toys")
    if calibration is Calibration.ASYMPTOTIC and (toys is not None or needs):
        what = f"{needs} has no asymptotic form" if needs else "the asymptotic calibration takes no toys"
        given = "--calibration asymptotic" + (f" --toys {toys}" if toys is not None else "")
        raise InputError(what, given=given, fix="use --calibration toys")
    return (toys or default) if wanted or needs else None


@dataclass
class Ending:
    """Where the result goes; made before the work, so that a wrong folder costs nothing.

    The document is printed first and written then: what can be said is not lost to a full disk.
    """

    json: bool
    folder: Path | None
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.folder is not None:
            from eventfit.report.store import prepare

            prepare(self.folder)

    def warn(self, card: Any, cost: str, remedy: str) -> None:
        """Reasons not to trust an asymptotic number, on standard error."""
        from eventfit.report.json import card_entry
        from eventfit.report.result_text import doubt

        if said := doubt(card_entry(card), cost, remedy):
            typer.echo(said, err=True)

    def document(
        self,
        problem: Problem,
        quantity: str,
        entry: Mapping[str, Any],
        *,
        jobs: int = 1,
        parameter: str | None = None,
        reported: Reported | None = None,
        timing: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The document of the result with the time that it took."""
        from eventfit.report.result import result_document

        times = {"seconds": time.perf_counter() - self.began, "jobs": jobs, **(timing or {})}
        return result_document(problem, quantity, entry, parameter=parameter, reported=reported, timing=times)

    def end(self, document: Mapping[str, Any], stem: str, figures: Callable[[], Mapping[str, Any]]) -> None:
        """Print, write (only then are the ``figures`` drawn), and leave with exit code 3 if the status is not good."""
        from eventfit.inference import Status
        from eventfit.report.json import dumps
        from eventfit.report.result_text import result_text

        typer.echo(dumps(document) if self.json else result_text(document))
        if self.folder is not None:
            self._write(self.folder, document, figures(), file_name(document, stem))
        if not Status[document["status"].upper()].good:
            typer.echo(f"no number to quote: {document['status_text']}", err=True)
            raise typer.Exit(3)

    def _write(self, folder: Path, document: Mapping[str, Any], figures: Mapping[str, Any], stem: str) -> None:
        from eventfit.report.json import dumps
        from eventfit.report.result_figures import save_figures
        from eventfit.report.store import write_text

        write_text(folder / f"{stem}.json", dumps(document) + "\n")
        for path in [folder / f"{stem}.json", *save_figures(figures, folder, stem)]:
            typer.echo(f"wrote {path}", err=True)


def file_name(document: Mapping[str, Any], stem: str) -> str:
    """``xenon1t_2020_tritium_free_limit_cls``: what it is of and what it is."""
    variant = document["variant"] if document["variant"] not in (None, "default") else None
    parts = [document["name"], variant, stem]
    return re.sub(r"[^\w.-]+", "_", "_".join(part for part in parts if part))
