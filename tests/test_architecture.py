"""The shape of the package: who may import whom, what is loaded when, and what every module has."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import eventfit

PACKAGE = Path(eventfit.__file__).parent
#: shared leaves, the physics tower, the statistics tower, and what joins them; a new module has to be placed here
LEAVES = {"errors", "interpolation", "notebook", "quadrature", "timing", "units"}
PHYSICS = {"strict", "provenance", "tables", "target", "flux", "cross_section", "response", "spectrum", "folding"}
PHYSICS |= {"rates"}
STATISTICS = {"parameters", "likelihood", "inference"}
JOINT = ["io", "analysis", "published", "report", "cli", "__main__"]
#: module or folder -> what it may import
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "units": set(),
    "timing": set(),
    "notebook": set(),
    "quadrature": {"errors"},
    "interpolation": {"quadrature"},
    "strict": {"errors"},
    "provenance": {"errors", "strict"},
    "tables": LEAVES | {"provenance"},
    "target": LEAVES | {"tables"},
    "flux": LEAVES | {"tables"},
    "cross_section": LEAVES | {"tables", "target", "flux"},
    "response": LEAVES,
    "spectrum": {"errors", "quadrature"},
    "folding": LEAVES | {"target", "flux", "cross_section", "response", "spectrum"},
    "rates": LEAVES | {"tables", "target", "flux", "cross_section", "response", "folding"},
    "parameters": {"errors"},
    "likelihood": {"errors", "interpolation", "quadrature", "parameters"},
    "inference": {"errors", "notebook", "quadrature", "parameters", "likelihood"},
    "io": LEAVES | {"strict", "parameters", "likelihood"},
    "analysis": LEAVES | PHYSICS | STATISTICS | {"io"},
    "published": LEAVES | PHYSICS | STATISTICS | {"analysis"},
    "report": LEAVES | PHYSICS | STATISTICS | {"io", "analysis", "published"},
    "cli": LEAVES | PHYSICS | STATISTICS | {"io", "analysis", "published", "report"},
    "__main__": {"cli"},
}
#: library -> where alone it may be imported
CONFINED = {
    "distributed": ("eventfit.inference.toys.dask",),
    "iminuit": ("eventfit.inference.fitting.migrad",),
    "matplotlib": ("eventfit.report",),
    "pyarrow": ("eventfit.io",),
    "pydantic": ("eventfit.strict", "eventfit.provenance", "eventfit.analysis", "eventfit.io"),
    "pyhf": (),
    "rich": ("eventfit.report", "eventfit.cli"),
    "sqlite3": ("eventfit.inference.toys.run_file",),
    "typer": ("eventfit.cli",),
    "uproot": ("eventfit.io",),
    "pandas": ("eventfit.io",),
}
READERS = ("eventfit.strict", "eventfit.tables", "eventfit.io", "eventfit.analysis", "eventfit.report")
READS = {"open", "read_text", "read_bytes", "loadtxt", "genfromtxt", "fromfile", "read_csv", "memmap"}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if "_shipped" not in path.parts}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
NAMES = sorted(MODULES)


def imports(tree: ast.AST) -> set[str]:
    """Modules that ``tree`` imports anywhere, inside functions too; of our own the module and not the name in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            found |= {_deepest(f"{node.module}.{alias.name}", node.module) for alias in node.names}
    return found


def _deepest(name: str, module: str) -> str:
    return name if name in MODULES else module


def part(module: str) -> str:
    """``eventfit.flux.solar`` -> ``flux``; the package itself -> ``""``."""
    return module.removeprefix("eventfit").lstrip(".").partition(".")[0]


@cache
def edges() -> dict[str, set[str]]:
    """Module -> our own modules that it imports; the package's own front, which loads on demand, is left out."""
    own = {name: {i for i in imports(tree) if i.split(".")[0] == "eventfit"} for name, tree in TREES.items()}
    return {name: targets for name, targets in own.items() if name != "eventfit"}


@cache
def reached(start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for target in edges().get(todo.pop(), set()) - seen:
            seen.add(target)
            todo.append(target)
    return seen


# -- directions -------------------------------------------------------------------------------------------------------


def test_every_module_has_its_place() -> None:
    assert {part(name) for name in MODULES} - {""} == set(ALLOWED) == LEAVES | PHYSICS | STATISTICS | set(JOINT)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "eventfit"])
def test_import_direction(name: str) -> None:
    assert {part(target) for target in edges()[name]} <= ALLOWED[part(name)] | {part(name)}


@pytest.mark.parametrize("name", [name for name in NAMES if part(name) in PHYSICS | STATISTICS | LEAVES])
def test_towers_never_meet(name: str) -> None:
    """Not through any chain of imports either."""
    mine = PHYSICS if part(name) in PHYSICS else STATISTICS if part(name) in STATISTICS else set()
    assert {part(target) for target in reached(name)} <= LEAVES | mine


def test_what_joins_the_towers_is_a_line() -> None:
    for position, stage in enumerate(JOINT):
        later = set(JOINT[position + 1 :])
        for name in NAMES:
            if part(name) == stage:
                assert not {part(target) for target in reached(name)} & later


def test_no_cycles() -> None:
    assert [name for name in NAMES if name in reached(name)] == []


# -- libraries and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", sorted(CONFINED))
def test_library_stays_where_it_belongs(library: str) -> None:
    users = {name for name, tree in TREES.items() if library in {i.split(".")[0] for i in imports(tree)}}
    assert {name for name in users if not name.startswith(CONFINED[library] or "-")} == set()


def test_the_rule_about_libraries_sees_them() -> None:
    seen = {i.split(".")[0] for tree in TREES.values() for i in imports(tree)}
    assert {
        "iminuit",
        "matplotlib",
        "pydantic",
        "rich",
        "typer",
        "numpy",
        "scipy",
        "sqlite3",
        "distributed",
        "pandas",
    } <= seen
    assert {"pyarrow", "uproot"} <= seen


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(READERS)])
def test_reads_no_file(name: str) -> None:
    calls = [node.func for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)]
    calls = [call for call in calls if ast.unparse(call) != "ToyRun.open"]  # which leaves the file to its module
    called = {f.id if isinstance(f, ast.Name) else f.attr for f in calls if isinstance(f, ast.Name | ast.Attribute)}
    assert called & READS == set()


# -- what every module has --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_module_is_documented_and_says_what_is_public(name: str) -> None:
    tree = TREES[name]
    assert ast.get_docstring(tree)
    defined, declared = set(), None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in (t.id for t in targets if isinstance(t, ast.Name)):
            defined.add(target)
            if target == "__all__" and isinstance(node, ast.Assign | ast.AugAssign):
                declared = (declared or set()) | set(ast.literal_eval(node.value))
    public = {n for n in defined if not n.startswith("_")}
    if MODULES[name].name != "__init__.py":
        assert declared or not public, "public names without __all__"
    if MODULES[name].name != "__init__.py":
        assert (declared or set()) <= defined


@pytest.mark.parametrize("name", NAMES)
def test_module_is_short(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 350


def test_no_module_for_leftovers() -> None:
    assert {name.rpartition(".")[2] for name in NAMES} & {"utils", "util", "helpers", "core", "common", "misc"} == set()


# -- what is loaded when ----------------------------------------------------------------------------------------------


def fresh(code: str) -> Any:
    """What ``code`` leaves in ``result``, in a new interpreter."""
    program = f"import json, sys\n{code}\nprint(json.dumps(result))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import eventfit", {"numpy", "scipy", "scipy.stats", "pandas", "matplotlib", "uproot", "iminuit", "pydantic"}),
        (
            "import eventfit.io",
            {"scipy.stats", "pandas", "uproot", "awkward", "pyarrow", "matplotlib", "iminuit", "rich"},
        ),
        ("import eventfit.cli", {"numpy", "scipy", "pydantic", "matplotlib", "iminuit", "rich"}),
        (
            "import eventfit; eventfit.Analysis.load('xenon1t_2020').model()",
            {"scipy.stats", "pandas", "matplotlib", "uproot", "typer", "rich"},
        ),
    ],
    ids=["the package", "the readers", "the command line", "a model"],
)
def test_nothing_heavy_is_loaded(code: str, absent: set[str]) -> None:
    loaded = set(fresh(f"{code}\nresult = sorted(sys.modules)"))
    assert "eventfit" in loaded
    assert loaded & absent == set()


def test_public_names_exist() -> None:
    code = "import eventfit\nresult = [n for n in eventfit.__all__ if getattr(eventfit, n).__name__ != n]"
    assert fresh(code) == []


OPENED = """
import importlib, pkgutil
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])
sys.addaudithook(hook)
import eventfit
for module in pkgutil.walk_packages(eventfit.__path__, "eventfit."):
    importlib.import_module(module.name)
from pathlib import Path
from eventfit.tables import shipped
folders = [shipped(name).resolve() for name in ("data", "analyses")]
below = lambda: sorted({p for p in opened if any(Path(p).resolve().is_relative_to(f) for f in folders)})
at_import = below()
eventfit.Analysis.load("xenon1t_2020").model()
result = {"import": at_import, "model": below(), "modules": len([m for m in sys.modules if m.startswith("eventfit")])}
"""


def test_no_table_is_read_at_import() -> None:
    seen = fresh(OPENED)
    assert seen["modules"] == len(MODULES)
    assert seen["import"] == []
    assert any(path.endswith("counts.csv") for path in seen["model"]), "the hook sees files"
