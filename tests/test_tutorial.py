"""The tutorial: its data are made again byte for byte, its commands are typed, and what it shows is what they print."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eventfit.analysis import shipped_analyses
from eventfit.tables import shipped

TUTORIAL = shipped("analyses") / "tutorial"
PROGRAM = Path(sys.executable).with_name("eventfit")
DATA = ("compton.csv", "cosmogenic.csv", "counts.csv", "efficiency.csv")
#: most commands from the CSV to the report
MOST = 8


def transcript() -> list[tuple[list[str], list[str]]]:
    """The commands of the README with the lines that it shows behind each."""
    (block,) = re.findall(r"```console\n(.*?)```", (TUTORIAL / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    found: list[tuple[list[str], list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((shlex.split(line[2:]), []))
        else:
            found[-1][1].append(line)
    return found


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the README asks for, with nothing but the data."""
    folder = tmp_path_factory.mktemp("tutorial") / "detector"
    folder.mkdir()
    for name in DATA:
        shutil.copy(TUTORIAL / name, folder)
    return folder


# -- invariant --------------------------------------------------------------------------------------------------------


def test_the_data_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    copy = shutil.copy(TUTORIAL / "generate.py", tmp_path)
    runpy.run_path(str(copy), run_name="__main__")
    assert {path.name for path in tmp_path.glob("*.csv")} == set(DATA)
    for name in DATA:
        assert (tmp_path / name).read_bytes() == (TUTORIAL / name).read_bytes(), name


@pytest.mark.parametrize("name", DATA)
def test_every_file_says_that_it_is_synthetic(name: str) -> None:
    assert (TUTORIAL / name).read_text(encoding="utf-8").startswith("# SYNTHETIC")


def test_the_tutorial_is_no_published_analysis() -> None:
    assert "tutorial" not in shipped_analyses()
    assert not (TUTORIAL / "analysis.toml").exists(), "init writes it, elsewhere"


def test_the_transcript_is_short_and_goes_from_init_to_a_report() -> None:
    verbs = [command[1] for command, _ in transcript()]
    assert len(verbs) <= MOST
    assert verbs[0] == "init"
    assert {"limit", "report"} <= set(verbs)
    assert all(command[0] == "eventfit" for command, _ in transcript())


# -- regression -------------------------------------------------------------------------------------------------------


def test_the_transcript(detector: Path) -> None:
    """Every command is typed as it stands there, and prints what stands below it, in this order."""
    for command, shown in transcript():
        run = subprocess.run(
            [PROGRAM, *command[1:]], cwd=detector, capture_output=True, text=True, check=False, timeout=120
        )
        assert run.returncode == 0, f"{command}\n{run.stderr}"
        printed = iter(run.stdout.splitlines())
        for line in shown:
            assert line == "..." or line in printed, f"{line!r} is not printed by {shlex.join(command)}, or not there"
    assert (detector / "report" / "detector_report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    figures = {path.name for path in (detector / "figures").glob("*.pdf")}
    assert {"detector_inspect.pdf", "detector_fit_spectrum.pdf", "detector_limit_profile.pdf"} <= figures
    assert {path.name for path in detector.iterdir()} == {*DATA, "analysis.toml", "workspace.json", "figures", "report"}
