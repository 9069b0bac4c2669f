"""The verb rate: what it prints and writes for a source and for an analysis, and how bad input ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner, Result

from eventfit.analysis import Analysis
from eventfit.cli import app

BOREXINO = ("rate", "solar", "--target", "pseudocumene", "--exposure", "100 tonne day")
XENON = ("rate", "solar", "--target", "xenon", "--electrons", "stepping")
KEYS = {"quantity", "name", "title", "source", "target", "analysis", "variant", "exposure", "unit", "window", "columns"}
KEYS |= {"rows", "numerical_error", "cite", "tables", "versions", "observed", "notes"}
SHORT = Path(__file__).parent / "broken" / "valid.toml"


def eventfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def parsed(text: str) -> Any:
    """JSON, the whole of ``text``, without the tokens NaN and Infinity."""

    def refuse(token: str) -> NoReturn:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def document(*arguments: str | Path) -> Any:
    result = eventfit(*arguments, "--json")
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    assert result.stderr == ""
    return parsed(result.stdout)


def events(found: Any, column: str = "predicted") -> dict[str, float]:
    return {row["name"]: row["events"][column] for row in found["rows"]}


# -- a source ---------------------------------------------------------------------------------------------------------


def test_json_of_a_source() -> None:
    found = document(*BOREXINO, "--oscillation", "nufit30_normal")
    assert set(found) == KEYS
    assert [column["name"] for column in found["columns"]] == ["predicted", "without_oscillation", "tree_level"]
    assert found["unit"] == "events in 100 tonne day"
    assert found["exposure"] == {"asked": "100 tonne day", "kg_s": 1e5 * 86400}
    assert found["window"]["low"] == 0.0
    assert found["window"]["axis"] == "true recoil energy"
    assert {row["kind"] for row in found["rows"]} == {"component", "sum", "total"}
    assert all(set(row["events"]) == {column["name"] for column in found["columns"]} for row in found["rows"])
    assert {table["name"] for table in found["tables"]} >= {"flux/solar/fluxes", "flux/oscillation/nufit"}
    assert "arXiv:1611.09867" in found["cite"]
    assert events(found)["be7"] == pytest.approx(47.97, abs=0.01)


def test_table_of_a_source() -> None:
    result = eventfit(*BOREXINO, "--oscillation", "nufit30_normal")
    assert result.exit_code == 0, repr(result.exception)
    for word in ("events in 100 tonne day", "all recoils, from 0", "flux", "without oscillation", "tree level"):
        assert word in result.stdout
    for word in ("47.97", "CNO (n13 + o15 + f17)", "4.908", "nufit30_normal", "sin^2 theta_W = 0.23122", "transcribed"):
        assert word in result.stdout
    assert "384.3 and 861.3 keV" in result.stdout


def test_every_choice_changes_the_number() -> None:
    few = ("rate", "solar", "--target", "xenon", "--components", "pp,be7")
    default = events(document(*few))["total"]
    others = [
        ("--model", "b16_agss09met"),
        ("--oscillation", "none"),
        ("--order", "tree"),
        ("--no-qed",),
        ("--sin2-theta-w", "0.2315"),
        ("--window", "1", "30"),
        ("--electrons", "stepping"),
        ("--exposure", "2 tonne year"),
    ]
    found = [events(document(*few, *other))["total"] for other in others]
    assert len({default, *found}) == len(others) + 1
    assert found[-1] == pytest.approx(2 * default)
    spelled_out = ("--qed", "--order", "corrected", "--sin2-theta-w", "0.23122", "--exposure", " 1  tonne year ")
    more = ("--model", "b16_gs98", "--oscillation", "nufit60_ic24_normal", "--window", "0", "inf")
    assert events(document(*few, *spelled_out, *more, "--electrons", "free"))["total"] == default
    everything = events(document("rate", "solar", "--target", "xenon"))
    assert default == pytest.approx(everything["pp"] + everything["be7"])


def test_the_tree_level_takes_the_low_energy_angle() -> None:
    found = document(*XENON, "--order", "tree")
    assert [column["name"] for column in found["columns"]] == ["predicted", "without_oscillation"]
    assert "0.23857" in found["columns"][0]["meaning"]


def test_a_moment_is_a_column() -> None:
    found = document(*XENON, "--window", "1", "30", "--moment", "2e-11")
    assert found["columns"][-1]["name"] == "magnetic"
    assert "2e-11 mu_B" in found["columns"][-1]["meaning"]
    assert events(found, "magnetic")["total"] > events(found)["total"]


def test_figures_of_a_source(tmp_path: Path) -> None:
    result = eventfit(*XENON, "--components", "pp,be7", "-o", tmp_path / "new")
    assert result.exit_code == 0, repr(result.exception)
    stems = ("solar_xenon_rate", "solar_xenon_rate_survival")
    names = {"solar_xenon_rate.json", *(f"{stem}.{end}" for stem in stems for end in ("png", "pdf"))}
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
    assert set(events(parsed((tmp_path / "new" / "solar_xenon_rate.json").read_text()))) == {"pp", "be7", "total"}
    assert len(re.findall("^wrote ", result.stderr, re.M)) == 5


def test_nothing_survives_what_does_not_oscillate(tmp_path: Path) -> None:
    assert eventfit(*XENON, "--oscillation", "none", "--components", "pp", "-o", tmp_path).exit_code == 0
    assert not list(tmp_path.glob("*survival*"))


# -- an analysis ------------------------------------------------------------------------------------------------------


def test_json_of_an_analysis() -> None:
    found = document("rate", "xenonnt_2022", "--variant", "all_components")
    assert set(found) == KEYS
    assert (found["analysis"], found["variant"], found["source"]) == ("xenonnt_2022", "all_components", None)
    assert found["observed"] == 433
    assert found["window"] == {"low": 1.0, "high": 30.0, "unit": "keV", "axis": "reconstructed energy"}
    assert [row["kind"] for row in found["rows"]][-2:] == ["background", "total"]
    model = Analysis.load("xenonnt_2022").model("all_components")
    total = sum(template.spectrum.values().sum() for template in model.templates)
    assert found["rows"][-1]["events"]["magnetic_moment"] == pytest.approx(total)


def test_table_of_an_analysis() -> None:
    result = eventfit("rate", "xenonnt_2022")
    assert result.exit_code == 0, repr(result.exception)
    for word in ("XENONnT 2022", "events in 1.16 tonne year", "mu_nu = 1e-11 mu_B", "b0", "426.5", "observed: 433"):
        assert word in result.stdout


def test_figures_of_an_analysis_with_oscillation(tmp_path: Path) -> None:
    assert eventfit("rate", "xenonnt_2022", "--variant", "mu_e", "-o", tmp_path).exit_code == 0
    stems = ("xenonnt_2022_mu_e_rate", "xenonnt_2022_mu_e_rate_survival")
    names = {"xenonnt_2022_mu_e_rate.json", *(f"{stem}.{end}" for stem in stems for end in ("png", "pdf"))}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_the_declaration_of_a_user() -> None:
    found = document("rate", SHORT)
    assert found["analysis"] == "valid"
    assert found["rows"]


def test_reproduce_draws_the_survival_where_the_default_oscillates(tmp_path: Path) -> None:
    text = SHORT.read_text()
    (tmp_path / "mine.toml").write_text(text + '\n[oscillation]\nparameters = "nufit60_ic24_normal"\n')
    (tmp_path / "plain.toml").write_text(text)
    for name in ("mine", "plain"):
        result = eventfit("reproduce", tmp_path / f"{name}.toml", "-o", tmp_path / "out")
        assert result.exit_code == 0, (result.stderr, repr(result.exception))
    drawn = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert {"mine_survival.png", "mine_spectrum.png", "plain_spectrum.png"} <= drawn
    assert "plain_survival.png" not in drawn


# -- bad input --------------------------------------------------------------------------------------------------------

SOLAR = ("rate", "solar", "--target", "xenon")


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("rate", "sollar"), "UnknownName", ["solar", "xenonnt_2022", "did you mean"]),
        (("rate", "moon"), "UnknownName", ["moon", "solar"]),
        (("rate", "none.toml"), "MissingInput", ["none.toml"]),
        (("rate", "counts.json"), "InputError", ["workspace", "counts.json"]),
        (("rate", "solar"), "MissingInput", ["--target", "pseudocumene"]),
        (("rate", "solar", "--target", "xeon"), "UnknownName", ["--target", "xeon", "xenon"]),
        ((*SOLAR, "--components", "pp,be8"), "UnknownName", ["be8", "be7"]),
        ((*SOLAR, "--components", "pp,,be7"), "UnknownName", ["nothing", "be7"]),
        ((*SOLAR, "--components", "pp,pp"), "OutOfRange", ["once", "pp, pp"]),
        ((*SOLAR, "--model", "b16"), "UnknownName", ["b16_gs98"]),
        ((*SOLAR, "--oscillation", "nufit99"), "UnknownName", ["nufit60_ic24_normal", "none"]),
        ((*SOLAR, "--exposure", "100"), "UnknownName", ["tonne day", "--exposure"]),
        ((*SOLAR, "--exposure", "100 tonnes day"), "UnknownName", ["'tonnes day'", "did you mean 'tonne day'"]),
        ((*SOLAR, "--exposure", "ten tonne day"), "OutOfRange", ["ten tonne day"]),
        ((*SOLAR, "--exposure", "0 tonne day"), "OutOfRange", ["0 tonne day"]),
        ((*SOLAR, "--exposure", "-1 tonne day"), "OutOfRange", ["-1 tonne day"]),
        ((*SOLAR, "--exposure", "nan tonne day"), "OutOfRange", ["nan"]),
        ((*SOLAR, "--exposure", "1e99 tonne day"), "OutOfRange", ["1e+12"]),
        ((*SOLAR, "--exposure", ""), "OutOfRange", ["--exposure"]),
        ((*SOLAR, "--window", "30", "1"), "OutOfRange", ["30 to 1 keV"]),
        ((*SOLAR, "--window", "nan", "1"), "OutOfRange", ["nan to 1 keV"]),
        ((*SOLAR, "--window", "-1", "1"), "OutOfRange", ["-1 to 1 keV"]),
        ((*SOLAR, "--window", "1e6", "2e6"), "OutOfRange", ["no recoil inside the window", "below"]),
        ((*SOLAR, "--moment", "1e-11"), "OutOfRange", ["diverges", "window"]),
        ((*SOLAR, "--window", "0", "30", "--moment", "1e-11"), "OutOfRange", ["diverges", "window"]),
        ((*SOLAR, "--window", "1", "30", "--moment", "0"), "OutOfRange", ["moment"]),
        ((*SOLAR, "--window", "1", "30", "--moment", "nan"), "OutOfRange", ["moment"]),
        (("rate", "solar", "--target", "pseudocumene", "--electrons", "stepping"), "UnknownName", ["shells", "C, H"]),
        ((*SOLAR, "--order", "tree", "--qed"), "InputError", ["--qed", "tree"]),
        ((*SOLAR, "--order", "tree", "--no-qed"), "InputError", ["--no-qed"]),
        ((*SOLAR, "--sin2-theta-w", "0.2386"), "OutOfRange", ["MS-bar", "0.23122"]),
        ((*SOLAR, "--order", "tree", "--sin2-theta-w", "nan"), "OutOfRange", ["sin^2"]),
        ((*SOLAR, "--variant", "default"), "InputError", ["--variant"]),
        (("rate", "xenonnt_2022", "--variant", "no"), "UnknownName", ["all_components"]),
        (("rate", "xenonnt_2022", "--target", "xenon"), "InputError", ["--target", "declares"]),
        (("rate", "xenonnt_2022", "--components", "pp"), "InputError", ["--components"]),
        (("rate", "xenonnt_2022", "--window", "1", "10"), "InputError", ["--window"]),
        (("rate", "xenonnt_2022", "--moment", "1e-11"), "InputError", ["--moment"]),
        (("rate", "xenonnt_2022", "--no-qed"), "InputError", ["--qed"]),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], kind: str, words: list[str]) -> None:
    result = eventfit(*arguments, "--json")
    assert result.exit_code == 2, repr(result.exception)
    assert result.stdout == ""
    assert result.stderr.startswith(f"{kind}: ")
    assert len(re.findall(r"^\w+: ", result.stderr, re.M)) == 1
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--electrons", "tight"), "free"),
        (("--order", "two"), "corrected"),
        (("--window", "1"), "--window"),
        (("--moment", "small"), "--moment"),
        (("--cl", "0.9"), "--cl"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], word: str) -> None:
    result = eventfit(*SOLAR, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert word in re.sub(r"\x1b\[[0-9;]*m", "", result.stderr)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = eventfit(*SOLAR, "--components", "pep", "-o", tmp_path / "file" / "figures")
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("WriteFailed: ")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "solar_xenon_rate.json").mkdir()
    result = eventfit(*SOLAR, "--components", "pep", "-o", tmp_path)
    assert result.exit_code == 4
    assert "pep" in result.stdout, "printed before it is written"
    assert "WriteFailed: " in result.stderr
