"""The program itself: its options, and how every verb ends."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

__all__ = ["app", "guarded"]

P = ParamSpec("P")

app = typer.Typer(
    name="eventfit",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rendering help with rich would double its time
    pretty_exceptions_enable=False,
    help="From a neutrino flux, a cross section and a detector response to a likelihood-ratio result.",
    epilog="Start with: eventfit reproduce xenon1t_2020. "
    "Exit codes: 0 ok, 2 bad input, 3 fit or statistics failure, 4 writing failed, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("eventfit"))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def guarded(verb: Callable[P, None]) -> Callable[P, None]:
    """A named error becomes one message on standard error and its exit code; never a traceback."""

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from eventfit.errors import EventfitError

        try:
            verb(*args, **kwargs)
            sys.stdout.flush()
        except EventfitError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            from eventfit.report.store import silence

            silence(sys.stdout)
            if not isinstance(error, BrokenPipeError):
                typer.echo(f"WriteFailed: standard output could not be written\n  given:   {error.strerror}", err=True)
            raise typer.Exit(4) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None

    return run
