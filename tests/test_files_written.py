"""No verb writes outside of -o, and no module runs or unpickles what it reads."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import eventfit

PACKAGE = Path(eventfit.__file__).parent
VALID = Path(__file__).parent / "broken" / "valid.toml"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_shipped" not in path.parts)
#: modules that turn bytes into code or objects
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "code", "runpy"}
#: built-in functions that run text, and methods of other libraries that unpickle
RUNNING = {"eval", "exec", "compile", "__import__", "execfile"}
METHODS = {"numpy.load", "np.load", "pandas.read_pickle", "pd.read_pickle", "pandas.eval", "pd.eval"}
VERBS: dict[str, list[str]] = {
    "list": ["list"],
    "validate": ["validate", "FILE"],
    "limit": ["limit", "FILE", "--json"],
    "limit-output": ["limit", "FILE", "-o", "OUT"],
    "interval-output": ["interval", "FILE", "-o", "OUT"],
    "scan-output": ["scan", "FILE", "--points", "5", "-o", "OUT"],
    "significance-toys": ["significance", "FILE", "--calibration", "toys", "--toys", "64", "-o", "OUT"],
    "significance-jobs": ["significance", "FILE", "--calibration", "toys", "--toys", "64", "--jobs", "2"],
    "export": ["export", "FILE", "--format", "csv", "--points", "5", "-o", "OUT/scan.csv"],
    "report": ["report", "FILE", "-o", "OUT"],
    "report-printed": ["report", "FILE"],
    "reproduce": ["reproduce", "FILE", "-o", "OUT"],
    "refused": ["limit", "FILE", "--variant", "no such variant", "-o", "OUT"],
}
#: notes every path that is written, made, renamed or removed, verb after verb in one process
PROGRAM = """
import contextlib, io, json, os, sys
verbs = json.loads(sys.argv[1])
CHANGING = {"os.mkdir": (0,), "os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "os.link": (1,),
            "os.symlink": (1,), "os.truncate": (0,), "sqlite3.connect": (0,)}
written, found = [], {}
def note(path):
    path = os.fsdecode(path)
    path = path.removeprefix("file:").partition("?")[0] if path.startswith("file:") else path
    written.append(os.path.realpath(path))
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            note(arguments[0])
    for position in CHANGING.get(event, ()):
        if isinstance(arguments[position], str | bytes | os.PathLike):
            note(arguments[position])
from eventfit.cli import app
import matplotlib.font_manager  # its cache is its own
sys.addaudithook(hook)
for verb, words in verbs.items():
    written.clear()
    said, troubles = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(troubles):
        try:
            app(words)
        except SystemExit as end:
            code = end.code
    found[verb] = {"code": code, "stderr": troubles.getvalue(), "written": list(written)}
print(json.dumps(found))
"""


Listings = tuple[dict[str, tuple[int, int]], ...]


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@dataclass(frozen=True)
class Ran:
    """What the verbs did, each with its own output folder below ``out``."""

    verbs: dict[str, dict[str, Any]]
    out: Path
    scratch: Path
    before: Listings
    after: Listings


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    root = tmp_path_factory.mktemp("written").resolve()
    home, out, scratch = root / "home", root / "out", root / "scratch"
    for folder in (home, scratch):
        folder.mkdir()
    shutil.copy(VALID, home / "analysis.toml")
    words = {
        verb: [word.replace("OUT", str(out / verb)).replace("FILE", "analysis.toml") for word in words]
        for verb, words in VERBS.items()
    }
    folders = (home, PACKAGE.parent / "data", PACKAGE.parent / "analyses")
    before = tuple(listing(folder) for folder in folders)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(words)],
        cwd=home,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return Ran(json.loads(run.stdout), out, scratch, before, tuple(listing(folder) for folder in folders))


# -- invariant --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_writes_only_into_the_output(verb: str, ran: Ran) -> None:
    done, out = ran.verbs[verb], ran.out / verb
    assert done["code"] in ((2,) if verb == "refused" else (0, None)), done["stderr"]
    paths = [Path(path) for path in done["written"] if not path.startswith("/dev/")]
    outside = [path for path in paths if not path.is_relative_to(out) and path != ran.out]
    assert outside == []
    if "OUT" in " ".join(VERBS[verb]) and verb != "refused":
        assert any(path.is_file() for path in paths), "the hook sees files"
    elif verb != "refused":
        assert paths == []


def test_inputs_and_temporary_folder_stay_as_they_were(ran: Ran) -> None:
    assert ran.before == ran.after
    assert list(ran.scratch.iterdir()) == []


def test_declarations_hold_no_path_to_write(tmp_path: Path) -> None:
    """A name of a file in the declaration is one to read: what is written is named after the folder."""
    schema: dict[str, Any] = json.loads(
        subprocess.run(
            [sys.executable, "-m", "eventfit", "schema"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    )
    words = {"output", "out", "write", "save", "folder"}  # "file" names one that is read
    keys = {key for model in [schema, *schema["$defs"].values()] for key in model.get("properties", {})}
    assert "poi" in keys
    assert keys & words == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_runs_nothing_that_it_reads(path: Path) -> None:
    assert dangers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from yaml import load",
        "import joblib.memory",
        "eval('1')",
        "x = compile('1', '', 'eval')",
        "import numpy as np\nnp.load('a.npy')",
        "import pandas as pd\npd.read_pickle('a')",
        "f(allow_pickle=True)",
        "import builtins\nbuiltins.exec('1')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import os\nos.system('ls')",
        "frame.query('a > 1')",
    ],
)
def test_the_rule_sees_what_it_forbids(source: str) -> None:
    assert dangers(source)


def dangers(source: str) -> list[str]:
    """What in ``source`` could run or unpickle the content of a file; processes pickle their arguments elsewhere."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLING]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLING:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.removeprefix("builtins.") in RUNNING or name in METHODS | {"os.system", "os.popen"}:
                found.append(name)
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("query", "read_pickle", "to_pickle"):
                found.append(name)
            found += [
                f"{name}({word.arg})"
                for word in node.keywords
                if word.arg in ("allow_pickle", "shell")
                and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            ]
    return found
