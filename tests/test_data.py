"""The data contract: every table is whole, checked, cited and used, and a changed one is noticed."""

from __future__ import annotations

import hashlib
import inspect
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import eventfit.cross_section
from eventfit.analysis import Analysis, shipped_analyses
from eventfit.cross_section import (
    ChargeRadius,
    FreeElectrons,
    Helm,
    InverseBetaDecay,
    KleinNystrand,
    MagneticMoment,
    Millicharge,
    Process,
    StandardModelElectron,
    SteppingElectrons,
)
from eventfit.errors import BadTable, ChecksumMismatch
from eventfit.flux import stopped_pion_flux
from eventfit.flux.reactor import (
    CaptureName,
    CaptureSpectrum,
    EnergySet,
    FissionSpectra,
    SpectraName,
    mean_fission_energy,
)
from eventfit.inference import Profile, discovery_significance
from eventfit.provenance import Status
from eventfit.published import published_limits
from eventfit.report.bibliography import METHODS, bibliography, reference
from eventfit.response import FanoResolution, LindhardQuenching
from eventfit.tables import Tables
from eventfit.target import MATERIALS, Target

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
TABLES = sorted(path.relative_to(DATA).with_suffix("").as_posix() for path in DATA.rglob("*.csv"))
COUNTS = "experiments/xenon1t_2020/counts"


def provenance(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def processes() -> Iterator[Process]:
    """Every concrete process with every treatment of the electrons and every form factor."""
    xenon = Target.load(Tables(DATA), "xenon")
    nucleus = xenon.nuclei(Tables(DATA))[0]
    for treatment, shape in ((FreeElectrons(xenon), Helm()), (SteppingElectrons(xenon), KleinNystrand())):
        weak = StandardModelElectron(treatment, 0.2386)
        given = {
            "electrons": treatment,
            "sin2_theta_w": weak.sin2_theta_w,
            "weak": weak,
            "first": Millicharge(weak),
            "second": ChargeRadius(weak),
            "nucleus": nucleus,
            "form_factor": shape,
            "mechanism": MagneticMoment(treatment),
        }
        for _, kind in inspect.getmembers(eventfit.cross_section, inspect.isclass):
            if issubclass(kind, Process) and not inspect.isabstract(kind):
                make: Callable[..., Process] = kind
                yield make(**{name: given[name] for name in inspect.signature(kind).parameters if name in given})


@pytest.fixture(scope="module")
def used() -> tuple[set[str], set[str]]:
    """Names of the tables that an analysis, a figure, material or reactor on offer reads, and what they cite."""
    offered = Tables(DATA)
    published_limits(offered)
    for material in MATERIALS:
        Target.load(offered, material)
    Target.load(offered, "xenon").nuclei(offered)
    for spectra in get_args(SpectraName):
        FissionSpectra.load(offered, spectra)
    for capture in get_args(CaptureName):
        CaptureSpectrum.load(offered, capture)
    for energies in get_args(EnergySet):
        mean_fission_energy(offered, {"u235": 1.0}, energies)
    analyses = [Analysis.load(name, data=DATA) for name in shipped_analyses()]
    models = [analysis.model(variant) for analysis in analyses for variant in analysis.variants]
    tables = {t.name: t for t in (*offered.used, *(t for model in models for t in model.tables))}
    cited = {key for model in models for key in model.cite} | {key for t in tables.values() for key in t.cite}
    return set(tables), cited


# -- every table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_table_keeps_the_contract(name: str) -> None:
    table = Tables(DATA).read(name)
    meta = provenance(name)
    assert hashlib.sha256((DATA / f"{name}.csv").read_bytes()).hexdigest() == table.sha256 == meta["sha256"]
    assert table.status in get_args(Status)
    assert len(meta["check"]) >= 1, "a check that a person took from the publication"
    assert all(len(check["note"]) > 1 for check in meta["check"])
    for key in ("title", "where", "obtained", "licence"):
        assert isinstance(meta[key], str)
        assert meta[key].strip()
    assert all(column["meaning"] for column in meta["columns"].values())
    first = next(iter(meta["columns"]))
    if first in table.columns:
        assert np.all(np.diff(table[first]) > 0)
    assert all(np.all(np.isfinite(values)) for values in table.columns.values())
    assert not any(values.flags.writeable for values in table.columns.values())


def test_csv_and_toml_come_in_pairs() -> None:
    provenances = {path for path in DATA.rglob("*.toml") if path.name != "bibliography.toml"}
    assert {path.with_suffix("") for path in provenances} == {DATA / name for name in TABLES}
    assert len(TABLES) > 10


def test_every_table_is_used(used: tuple[set[str], set[str]]) -> None:
    assert used[0] == set(TABLES)


def test_the_readme_names_every_table() -> None:
    named = re.findall(r"`([\w/*]+)`", (DATA / "README.md").read_text(encoding="utf-8"))
    patterns = [Path(n).name for n in named]
    missing = [n for n in TABLES if not any(Path(Path(n).name).match(pattern) for pattern in patterns)]
    assert missing == []


# -- citations --------------------------------------------------------------------------------------------------------


def test_cited_publications_are_known_and_known_ones_cited(used: tuple[set[str], set[str]]) -> None:
    tables = {key for name in TABLES for key in provenance(name)["cite"]}
    analyses = {key for name in shipped_analyses() for key in Analysis.load(name).default.cite}
    physics = {key for process in processes() for key in process.cite} | set(InverseBetaDecay.cite)
    physics |= {key for flux in stopped_pion_flux(1.0) for key in flux.cite}
    physics |= set(LindhardQuenching.cite) | set(FanoResolution.cite)
    cited = tables | analyses | used[1] | set(METHODS) | physics
    assert cited == set(bibliography())


def test_every_process_and_method_is_cited() -> None:
    assert all(process.cite for process in processes())
    assert len({type(process) for process in processes()}) >= 2
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "eventfit" / "inference").glob("*.py")]
    said = {key for text in texts for key in re.findall(r"\barXiv:\d{4}\.\d{4,5}\b", text)}
    assert "arXiv:1007.1727" in said
    assert said <= set(METHODS)


@pytest.mark.parametrize("key", sorted(bibliography()))
def test_publication_is_complete(key: str) -> None:
    entry = bibliography()[key]
    assert set(entry) >= {"authors", "title", "journal", "year"}
    assert re.fullmatch(r"(19|20)\d\d", entry["year"])
    assert re.fullmatch(r"10\.\d{4,}/\S+", entry.get("doi", "10.0000/none"))
    if ":" in key or "/" in key:
        assert key.removeprefix("arXiv:") == entry["eprint"]
    assert entry["title"] in reference(key, bibliography())


# -- nothing of the machine it was made on ----------------------------------------------------------------------------

PLACE = re.compile(r"(?<![\w.~}-])/(home|work|root|tmp|Users|opt|mnt)/|[A-Z]:\\")
#: hosts in two halves, so that this file does not name one either
HOSTS = [("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("npmjs", "org"), ("crates", "io")]
WORDS = [*(rf"{name}\.{end}" for name, end in HOSTS), "artifactory", "nexus"]
REGISTRY = re.compile(rf"\b({'|'.join(WORDS)})\b", re.I)


@pytest.mark.parametrize("folder", ["data", "analyses", "eventfit"])
def test_no_absolute_path_and_no_registry(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert files
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not PLACE.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            assert not REGISTRY.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


# -- a changed table --------------------------------------------------------------------------------------------------


def changed(folder: Path, *moves: tuple[int, int], checksum: bool) -> Path:
    """A copy of ``data/`` with events added to bins (row, number), its checksum updated or not."""
    copy = folder / "data"
    shutil.copytree(DATA, copy)
    path = copy / f"{COUNTS}.csv"
    old = path.read_bytes()
    rows = old.decode().splitlines()
    for row, number in moves:
        low, high, n = rows[row].split(",")
        rows[row] = f"{low},{high},{int(n) + number}"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    if checksum:
        toml = path.with_suffix(".toml")
        was, now = (hashlib.sha256(content).hexdigest() for content in (old, path.read_bytes()))
        toml.write_text(toml.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")
    return copy


def significance(data: Path) -> float:
    model = Analysis.load("xenon1t_2020", data=data).model()
    return discovery_significance(Profile(model.likelihood, model.poi)).z


def test_an_untouched_copy_changes_nothing(tmp_path: Path) -> None:
    assert significance(changed(tmp_path, checksum=True)) == significance(DATA)


def test_a_changed_count_moves_the_result(tmp_path: Path) -> None:
    """Ten events more at 2-3 keV, with the checksum and nothing else: the result follows."""
    assert significance(changed(tmp_path, (2, 10), checksum=True)) > significance(DATA) + 0.3


def test_a_changed_count_without_its_checksum_is_refused(tmp_path: Path) -> None:
    data = changed(tmp_path, (1, 1), (6, -1), checksum=False)
    with pytest.raises(ChecksumMismatch, match=re.escape(f"{COUNTS}.csv")):
        Analysis.load("xenon1t_2020", data=data).model()


def test_a_count_that_breaks_a_published_sum_is_seen(tmp_path: Path) -> None:
    """Not when the table is read, since the change may be meant, but by ``validate`` and beside every result."""
    table = Tables(changed(tmp_path, (1, 1), checksum=True)).read(COUNTS)
    assert not table.checks_hold
    with pytest.raises(BadTable, match=r"sum of observed_counts[\s\S]*1262[\s\S]*1261"):
        table.verify()
