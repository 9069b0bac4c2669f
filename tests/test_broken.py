"""One wrong declaration per rule: each is refused by a named error that says where, what was given, what is allowed."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eventfit.analysis import Analysis
from eventfit.cli import app
from eventfit.errors import BadTable
from eventfit.tables import Tables, shipped

BROKEN = Path(__file__).parent / "broken"
VALID = BROKEN / "valid.toml"
PROGRAM = Path(sys.executable).with_name("eventfit")

#: folder below tests/broken -> (class of the error, what its message has to contain)
RULES: dict[str, tuple[str, ...]] = {
    # tables
    "flux_repeated": ("DeclarationError", "flux, process, background", "be7.magnetic_moment", "once"),
    "background_named_signal": ("DeclarationError", "flux, process, background", "signal", "rename"),
    "resolution_too_narrow": ("OutOfRange", "response.resolution", "sigma", "perfect"),
    "table_missing": ("MissingInput", "experiments/xenon1t_2020/count'", "table_missing", "did you mean"),
    "table_ambiguous": ("AmbiguousTable", "exists twice", "table_ambiguous/experiments", "data/experiments", "rename"),
    "table_without_provenance": ("MissingInput", "no provenance", "efficiency.toml"),
    "table_altered": ("ChecksumMismatch", "efficiency.csv", "4da01953", "02841747", "sha256"),
    "table_check_fails": ("BadTable", "maximum of efficiency", "0.9", "0.95 +- 0"),
    "table_without_check": ("BadTable", "missing key", "efficiency.toml: check"),
    "table_not_csv": ("BadTable", "efficiency.csv, row 2", "cells"),
    "column_missing": ("BadTable", "no numeric column 'efficiency'", "energy_keV, acceptance"),
    "column_without_unit": ("BadTable", "efficiency.toml: columns.efficiency.unit", "keV, 1/keV", "add it"),
    "column_unit_unknown": ("BadTable", "efficiency.toml: columns.energy_keV.unit", "MeV", "keV"),
    "column_name_without_unit": ("BadTable", "columns.energy", "unit keV", "'_keV'"),
    "cell_not_a_number": ("BadTable", "efficiency.csv, column efficiency, row 2", "'n/a'"),
    "rows_not_increasing": ("BadTable", "efficiency.csv, column energy_keV", "increasing"),
    "status_unknown": ("BadTable", "efficiency.toml: status", "certain", "official", "recalled-unverified"),
    "counts_negative": ("BadTable", "counts.csv, column observed_counts, row 2", "-4", "not negative"),
    "counts_nan": ("BadTable", "counts.csv, column observed_counts, row 2", "nan", "finite"),
    "bins_with_gap": ("BadTable", "counts, row 2", "[2, 3] keV", "starting where the last one ended"),
    "bins_differ": ("OutOfRange", "analysis.toml: data.observed", "29 bins from 1 to 30", "6 bins from 1 to 7"),
    "efficiency_above_one": ("OutOfRange", "efficiency, row 2", "80", "0 to 1", "percentages"),
    "efficiency_too_short": ("OutOfRange", "efficiency", "1 to 30 keV", "0 to 20 keV"),
    "zero_expected": ("ZeroPrediction", "analysis.toml", "bin 3 of 3", "3 observed, 0 expected", "background"),
    # paths
    "path_leaves_folder": ("PathOutsideFolder", "'../counts'", "below", "without '..'"),
    "path_absolute": ("PathOutsideFolder", "'/counts'", "a relative path"),
    # keys and types
    "unknown_key": ("DeclarationError", "unknown key", "nuisanse", "did you mean 'nuisance'?"),
    "unknown_key_for_required": ("DeclarationError", "unknown key", "pio", "did you mean 'poi'?"),
    "unknown_key_nested": ("DeclarationError", "unknown key", "response.edges_keV.number", "start, stop, width"),
    "missing_key": ("DeclarationError", "missing key", "analysis.toml: poi", "add it"),
    "missing_kind": ("DeclarationError", "missing key", "response.resolution.kind", "sqrt", "perfect"),
    "unknown_kind": ("DeclarationError", "nuisance[b0_scale].kind", "gausian_scale", "gaussian_scale", "lognormal"),
    "string_for_number": ("DeclarationError", "exposure.value", "'0.647'", "number"),
    "bool_for_number": ("DeclarationError", "nuisance[b0_scale].relative", "rue", "number"),
    "number_for_list": ("DeclarationError", "flux[1].components", "7", "list"),
    "number_not_finite": ("DeclarationError", "exposure.value", "nan", "finite"),
    "unit_missing": ("DeclarationError", "missing key", "exposure.unit", "tonne year", "kg day"),
    "unit_unknown": ("DeclarationError", "exposure.unit", "ton year", "tonne year"),
    # values that contradict
    "edges_not_increasing": ("DeclarationError", "response.edges_keV", "[1, 3, 2, 30]", "increase"),
    "edges_not_whole": ("DeclarationError", "response.edges_keV", "'width': 2", "whole number of widths"),
    "start_outside_bounds": ("DeclarationError", "background[b0].norm", "30", "[0.0, 20.0]"),
    "bounds_reversed": ("DeclarationError", "background[b0].norm", "[20, 0]", "low < high"),
    "order_incomplete": ("OutOfRange", "response.order", "['resolution']", "efficiency"),
    "flux_component_unknown": ("DeclarationError", "flux[1].components[2]", "be8", "be7"),
    "flux_component_repeated": ("DeclarationError", "flux[1].components", "['be7', 'be7']", "once"),
    "material_unknown": ("DeclarationError", "target.material", "krypton", "xenon"),
    "poi_unknown": ("UnknownName", "analysis.toml: poi", "mu_nue", "allowed: mu_nu\n"),
    "poi_without_coupling": ("UnknownName", "analysis.toml: poi", "mu_nu", "none: the declared processes"),
    # sources near by
    "power_and_flux": ("DeclarationError", "flux[1]", "power_GW and distance_m and flux_per_cm2_s both norm the flux"),
    "fractions_not_one": ("OutOfRange", "flux[1]", "0.56 + 0.08 + 0.3 = 0.94", "a sum of 1"),
    "isotope_unknown": ("DeclarationError", "unknown key", "flux[1].fractions.pu240", "u235, u238, pu239, pu241"),
    "distance_in_km": ("DeclarationError", "unknown key", "flux[1].distance_km", "did you mean 'distance_m'?"),
    "oscillation_without_sun": ("DeclarationError", "analysis.toml: oscillation", "given:   reactor", "remove it"),
    "charge_without_weak": (
        "DeclarationError",
        "process[1]",
        "millicharge and 0 of kind standard_model",
        "[[process]]",
    ),
    # residuals, expected data, OFF data
    "data_in_two_forms": ("DeclarationError", "analysis.toml: data", "here observed and asimov"),
    "asimov_expects_nothing": ("MissingInput", "data.asimov", "declare a background, or the weak scattering"),
    "residual_without_errors": ("BadTable", "data.residual: residual", "'error_per_keV_kg_day'"),
    "residual_error_zero": ("OutOfRange", "data.residual: residual, row 2", "given:   0.0", "above zero"),
    "off_time_zero": ("DeclarationError", "off.time_ratio", "given:   0", "greater than or equal to 0.000001"),
    "off_without_counts": ("MissingInput", "off.observed", "name their table"),
    "degree_missing": ("DeclarationError", "analysis.toml: off", "'smooth' needs its degree"),
    "degree_for_per_bin": ("DeclarationError", "analysis.toml: off", "no meaning for background = 'per_bin'"),
    # single events
    "event_outside_window": ("OutOfRange", "data.events", "30.5 keV", "1 to 30 keV", "edges_keV"),
    "events_not_the_counts": ("OutOfRange", "data.events", "4 events in 1 to 2 keV", "26 in"),
    "density_missing": ("DeclarationError", "background[b0].density", "declare its density"),
    "density_unused": ("DeclarationError", "background[b0].density", "background_b0_density", "data.events"),
    "density_of_another_background": ("OutOfRange", "background[b0].density", "426", "1244", "0.5 %"),
    "events_without_resolution": ("OutOfRange", "response", "perfect resolution", "bins"),
    # one counted number
    "ratio_without_weak": ("DeclarationError", "data.ratio_to_weak", "weak scattering of nothing", "standard_model"),
    "ratio_in_two_bins": ("DeclarationError", "data.ratio_to_weak", "2 bins", "one bin"),
    "ratio_of_unknown": ("DeclarationError", "data.ratio_to_weak", "weak scattering of be7, not of pp"),
    "ratio_beside_background": ("DeclarationError", "data.ratio_to_weak", "beside b0", "twice"),
    "ratio_from_table_and_numbers": ("DeclarationError", "data.ratio_to_weak", "either table, or value and errors"),
    "cross_section_without_reactor": ("DeclarationError", "data.cross_section_per_fission", "be7", 'kind = "reactor"'),
    "counted_in_another_window": ("OutOfRange", "data.ratio_to_weak", "1 to 20 keV", "1 to 30 keV", "edges_keV"),
    "counted_without_error": ("BadTable", "data.ratio_to_weak", "measured", "no column that begins with error"),
    # oscillation, moments, weak scattering
    "oscillation_set_unknown": ("DeclarationError", "oscillation.parameters", "'nufit60_ic24'", "nufit60_ic24_normal"),
    "oscillation_out_of_range": ("OutOfRange", "oscillation parameters", "sin2_theta12", "33.68", "0.05 to 0.95"),
    "transition_without_oscillation": ("DeclarationError", "process[1].couplings", "mu_12", "[oscillation]"),
    "flavour_without_oscillation": ("DeclarationError", "process[1].couplings", "given:   mu_mu", "[oscillation]"),
    "moments_described_twice": ("DeclarationError", "process[2].kind", "magnetic_moment, flavour_moments", "one of"),
    "coupling_unknown": ("DeclarationError", "process[1].couplings[1]", "'mu_12'", "mu_tau"),
    "coupling_repeated": ("DeclarationError", "process[1].couplings", "['mu_e', 'mu_e']", "once"),
    "poi_fixed_at_zero": ("UnknownName", "analysis.toml: poi", "mu_mu", "allowed: mu_e\n"),
    "weak_order_missing": ("DeclarationError", "missing key", "process[2].order", "tree, corrected"),
    "weak_order_unknown": ("DeclarationError", "process[2].order", "one_loop", "tree, corrected"),
    "weak_angle_of_other_order": ("DeclarationError", "process[2].sin2_theta_w", "did you mean 'sin2_theta_w_mz'"),
    "weak_angle_low_energy": ("OutOfRange", "process[2]", "0.2386", "0.226 to 0.236", "tree level"),
    "qed_not_declared": ("DeclarationError", "missing key", "process[2].qed"),
    # nuclei
    "coherent_without_isotopes": ("UnknownName", "pseudocumene", "given:   C, H", "Na, Si, Ar", "data/target/isotopes"),
    "form_factor_unknown": ("DeclarationError", "process[1].form_factor", "'fermi'", "klein_nystrand"),
    "electrons_not_said": ("DeclarationError", "missing key", "target.electrons", "free, stepping"),
    "moment_on_unknown": ("DeclarationError", "process[1].on[1]", "'protons'", "'electrons' or 'nuclei'"),
    "moment_on_repeated": ("DeclarationError", "process[1].on", "['electrons', 'electrons']", "once"),
    "moment_on_not_said": ("DeclarationError", "process[2].on", '["electrons", "nuclei"]'),
    "moment_without_form_factor": ("DeclarationError", "process[1]", "'on': ['nuclei']", "which need it"),
    "radius_beside_coherent": (
        "DeclarationError",
        "process[3].kind",
        "charge_radius beside coherent",
        "one of the two",
    ),
    "quenching_without_nuclear_recoils": ("DeclarationError", "response.quenching", "magnetic_moment", "coherent"),
    "quenching_missing": ("DeclarationError", "response.quenching", "constant, lindhard or table", "factor = 1"),
    "quenching_not_in_order": ("OutOfRange", "response.order", "['efficiency', 'quenching', 'resolution']"),
    "quenching_above_one": ("DeclarationError", "response.quenching.factor", "15", "less than or equal to 1"),
    "quenching_k_negative": ("DeclarationError", "response.quenching.k", "-0.1", "greater than 0"),
    "quenching_lindhard_of_compound": ("DeclarationError", "response.quenching.kind", "caesium_iodide", "as a table"),
    "quenching_table_too_short": ("OutOfRange", "response.quenching", "from 0 to 2 keV", "lower the end"),
    "quenching_table_in_percent": ("OutOfRange", "response.quenching", "row 2 (at 2 keV)", "factor 18", "0 to 1"),
    "quenching_column_missing": ("BadTable", "response.quenching", "no numeric column 'fef'", "energy_keV, factor"),
    "efficiency_of_recoils_for_electrons": ("DeclarationError", "response.order", "efficiency, quenching, resolution"),
    "noise_negative": ("DeclarationError", "response.resolution.noise_eV", "-60", "greater than 0"),
    "noise_below_zero_not_said": ("DeclarationError", "missing key", "response.resolution.negative", "kept, cut"),
    "nuisance_on_unknown": ("DeclarationError", "nuisance[b0_scale].applies_to", "b1", "all, signal", "b0"),
    # errors of the response, and HistFactory's
    "response_error_negative": ("DeclarationError", "nuisance[scale].relative", "-0.01", "greater than 0"),
    "response_error_too_wide": ("DeclarationError", "nuisance[width].relative", "0.3", "less than 0.2"),
    "response_error_of_nothing": ("DeclarationError", "nuisance[scale]", "relative or offset_keV"),
    "response_error_silent": (
        "DeclarationError",
        "nuisance[scale]: backgrounds",
        "not folded",
        "each of b0",
        '"fixed"',
    ),
    "response_error_on_unknown": ("DeclarationError", "nuisance[scale]: backgrounds", "given:   b1", "allowed: b0"),
    "response_error_odd_background": ("DeclarationError", "nuisance[scale].backgrounds", "moves", '"fixed"', "down ="),
    "response_error_scales_background": ("DeclarationError", "backgrounds.b0", "scaled", "down ="),
    "response_error_unbinned": ("DeclarationError", "nuisance[scale].kind", "energy_scale, with data.events", "bins"),
    "efficiency_band_on_other_energies": ("OutOfRange", "nuisance[band]", "789 points", "1000 points", "one grid"),
    "efficiency_band_with_one_edge": ("DeclarationError", "nuisance[band]", "down and up", "relative"),
    "efficiency_band_table_missing": ("MissingInput", "nuisance[band]", "efficiency_low", "did you mean"),
    "resolution_error_of_perfect": ("OutOfRange", "nuisance[width]: response.resolution", "perfect", "remove"),
    "threshold_error_without_efficiency": ("OutOfRange", "nuisance[edge]: response.efficiency", "no efficiency"),
    "quenching_error_without_quenching": ("OutOfRange", "nuisance[light]: response.quenching", "declare it"),
    "quenching_error_of_k_without_lindhard": ("OutOfRange", "nuisance[light]: response.quenching", "no k", "relative"),
    "quenching_error_of_k_too_large": ("OutOfRange", "nuisance[light]", "0.166 +- 0.05", "below 0.0332"),
    "quenching_error_in_two_forms": ("DeclarationError", "nuisance[light]", "either relative", "or k"),
    "normsys_not_positive": ("DeclarationError", "nuisance[rate].lo", "given:   0", "greater than 0"),
    "normsys_code_unknown": ("DeclarationError", "nuisance[rate].code", "code2", "'code1' or 'code4'"),
    "histosys_on_unknown": ("DeclarationError", "nuisance[shape]: tables", "given:   b1", "allowed: b0"),
    "histosys_without_up": ("DeclarationError", "missing key", "nuisance[shape].tables.b0.up"),
    "shapesys_on_unknown": ("DeclarationError", "nuisance[stat]: background", "given:   b1", "allowed: b0"),
    "shapesys_without_errors": ("DeclarationError", "nuisance[stat]: column", "background_b0", "error_counts"),
    "shared_unknown": ("DeclarationError", "analysis.toml: shared", "given:   scale", "'b0_scale'"),
    "name_repeated": ("DeclarationError", "analysis.toml", "names of backgrounds, nuisances and measurements", "b0"),
    "number_beyond_measure": ("DeclarationError", "response.resolution.a", "given:   1e+308", "1e-60 and 1e+60"),
    "number_below_measure": ("DeclarationError", "response.resolution.b", "given:   1e-308", "1e-60 and 1e+60"),
    "bins_too_fine": ("OutOfRange", "response.edges", "29139 edges", "3e+07", "wider"),
    "level_above_one": ("DeclarationError", "result[1].cl", "1.5", "less than 1"),
    "window_off_edges": ("DeclarationError", "analysis.toml", "window_keV", "6.5", "edges"),
    "window_reversed": ("DeclarationError", "analysis.toml", "window_keV", "[7"),
    # axes other than energy
    "edges_on_two_axes": (
        "DeclarationError",
        "analysis.toml: response",
        "either edges_keV or edges_n_hits",
        "not both",
    ),
    "edges_on_no_axis": ("DeclarationError", "analysis.toml: response", "either edges_keV or edges_n_hits"),
    "hits_without_polynomial_resolution": (
        "DeclarationError",
        "response",
        "edges_n_hits",
        "polynomial belong together",
    ),
    "resolution_not_known": ("OutOfRange", "response.resolution", "664.253 keV", "up to 200 keV", "lower the end"),
    "window_of_other_axis": ("DeclarationError", "result[1].window_n_hits", "[1, 30] in n_hits", "1 to 30 keV"),
    "events_in_keV_for_hits": ("BadTable", "data.observed", "'n_hits'", "energy_keV"),
    "efficiency_in_keV_for_hits": ("BadTable", "response.efficiency", "'n_hits'", "energy_keV"),
    # tables that are binned, and their columns
    "counted_event_outside_window": ("OutOfRange", "data.observed", "29.0115 keV", "1 to 29 keV", "edges_keV"),
    "curve_too_short": ("OutOfRange", "background[b0].table", "1 to 30 keV", "at least 1 to 60 keV", "narrow"),
    "background_column_missing": ("DeclarationError", "background[b0].column", "expected_count\n", "did you mean"),
    "background_column_not_counts": ("DeclarationError", "background[b0].column", "energy_low_keV", "expected_counts"),
    "background_column_of_curve": ("DeclarationError", "background[b0].column", "expected_per_keV", "leave it out"),
    # flux norms and measurements beside the spectrum
    "flux_norm_unknown_component": ("DeclarationError", "nuisance[sun].components", "be8", "did you mean 'be7'?"),
    "component_scaled_twice": ("DeclarationError", "nuisance[sun].components", "be7, which be7 scales already", "once"),
    "measurement_names_unknown_norm": ("DeclarationError", "measurement[gallium].norms", "pp", "kind flux_norm"),
    "measurement_named_as_process": ("DeclarationError", "measurement", "be7.magnetic_moment", "rename"),
    "origin_repeated": ("NotIndependent", "measurement[gallium].origin", "xenon1t-sr1, as in data", "count twice"),
    "capture_without_all_components": ("MissingInput", "measurement[gallium]", "without pp, pep, hep, b8", "f17"),
    "events_with_measurement": ("DeclarationError", "data.events", "xenonnt_2022/events", "leave the measurements out"),
    # variants and published values
    "variants_without_default": ("DeclarationError", "analysis.toml: variant", "bound_electrons", "[variant.default]"),
    "variant_without_meaning": ("DeclarationError", "variant.bound_electrons", "meaning ="),
    "variant_changes_nothing": ("DeclarationError", "variant.free_electrons", "changes nothing"),
    "variant_changes_shared": ("DeclarationError", "variant.other_title.title", "may not change"),
    "variant_invalid": ("DeclarationError", "variant.bound_electrons: target.electrons", "steps", "stepping"),
    "published_without_result": ("DeclarationError", "published", "significance, variant default", "[[result]]"),
    "result_of_unknown_poi": ("UnknownName", "result[1].poi", "q_nu", "allowed: mu_nu"),
    "band_of_unknown_variant": ("UnknownName", "result[1].variants", "smooth", "allowed: default"),
    # files
    "not_toml": ("DeclarationError", "not TOML", "not_toml/analysis.toml", "line 5"),
    "not_utf8": ("DeclarationError", "not_utf8/analysis.toml", "0xfc"),
    "empty": ("DeclarationError", "missing key", "analysis.toml: title"),
}
#: rules that stand between results and variants: the verb that makes results refuses them
OF_RESULTS = ("published_without_result", "result_of_unknown_poi", "band_of_unknown_variant")
#: words of the libraries behind the reader, which mean nothing to a user
JARGON = re.compile(r"function-\w+|literal\[|input tag|dictionary|instance of|after validation|pydantic")


def eventfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(result: Result, error: str, *parts: str) -> None:
    """Exit code 2, nothing on standard output, one plain message of the class ``error`` that holds all ``parts``."""
    assert result.exit_code == 2, result.output or result.exception
    assert result.stdout == ""
    message = result.stderr.lstrip()
    assert message.startswith(f"{error}: "), message
    assert "Traceback" not in message
    assert not JARGON.search(message), message
    assert not re.search(r"where:.*:\s*$", message, re.MULTILINE), f"names no key:\n{message}"
    for part in parts:
        assert part in message, f"{part!r} is not in\n{message}"


def edited(folder: Path, old: str, new: str) -> Path:
    """The valid declaration with one piece replaced, as a file in ``folder``."""
    text = VALID.read_text()
    assert text.count(old) == 1
    path = folder / "analysis.toml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("rule", sorted(RULES))
def test_rule(rule: str) -> None:
    verb = "reproduce" if rule in OF_RESULTS else "validate"
    refused(eventfit(verb, BROKEN / rule / "analysis.toml"), *RULES[rule])


def test_every_folder_has_its_rule() -> None:
    assert {path.name for path in BROKEN.iterdir() if path.is_dir()} == set(RULES)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"empty"}))
def test_breaks_one_rule_and_says_which(rule: str) -> None:
    said, *lines = (BROKEN / rule / "analysis.toml").read_text(errors="replace").splitlines()
    assert said.startswith("# rule: ")
    changes = [line for line in difflib.ndiff(VALID.read_text().splitlines()[1:], lines) if line[0] in "+-"]
    removed = [line for line in changes if line[0] == "-"]
    assert len(removed) <= 5
    assert len(changes) <= 9


def test_what_they_derive_from_is_valid() -> None:
    result = eventfit("validate", VALID)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("ok: valid, default: 29 bins")


def test_good_copy_is_valid(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    shutil.copy(shipped("analyses") / "xenon1t_2020" / "analysis.toml", copy)
    result = eventfit("validate", copy)
    assert result.exit_code == 0, result.stderr
    variants = [
        line.split(":")[1].split(", ")[1] for line in result.stdout.splitlines() if line.startswith("ok: mine,")
    ]
    assert variants == list(Analysis.load("xenon1t_2020").variants)


@pytest.mark.parametrize("rule", ["unknown_key", "table_altered", "not_toml", "zero_expected"])
def test_installed_program_prints_no_traceback(rule: str) -> None:
    path = BROKEN / rule / "analysis.toml"
    run = subprocess.run([PROGRAM, "validate", path], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith(RULES[rule][0])
    assert "Traceback" not in run.stderr


def test_file_that_does_not_exist(tmp_path: Path) -> None:
    refused(eventfit("validate", tmp_path / "none.toml"), "MissingInput", "none.toml", "No such file")


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "analysis.toml").mkdir()
    refused(eventfit("validate", tmp_path / "analysis.toml"), "MissingInput", "analysis.toml", "directory")


def test_folder_that_holds_a_declaration() -> None:
    """A user who names the folder is told the name of the file in it."""
    result = eventfit("validate", BROKEN / "unknown_key")
    assert result.exit_code == 2
    assert "unknown_key" in result.stderr
    assert "analysis.toml" in result.stderr


def test_truly_empty_file(tmp_path: Path) -> None:
    (tmp_path / "analysis.toml").touch()
    refused(eventfit("validate", tmp_path / "analysis.toml"), "DeclarationError", "missing key", "title")


def test_link_that_leaves_the_folder(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    for ending in (".csv", ".toml"):
        shutil.copy(shipped("data") / "experiments/xenon1t_2020" / f"counts{ending}", outside)
        (home / f"counts{ending}").symlink_to(outside / f"counts{ending}")
    path = edited(home, "experiments/xenon1t_2020/counts", "counts")
    refused(eventfit("validate", path), "PathOutsideFolder", "'counts'", "below")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"experiments/xenon1t_2020/counts"', r'"counts\u0000"', "counts"),
        ('"experiments/xenon1t_2020/counts"', '"' + 5000 * "x" + '"', "xxx"),
        ("width = 1 }", "width = 1e-15 }", "edges_keV"),
        ("width = 1 }", "width = 5e-324 }", "edges_keV"),
        ("value = 0.647309514", "value = 1" + 5000 * "0", "analysis.toml"),
        ("XENON1T 2020 in its shortest form", 2_000_000 * "x", "up to 2000000 bytes"),
        ('components = ["be7"]', 'components = ["be7"], "" = 1', "flux[1].''"),
        ('"XENON1T 2020 in its shortest form"', 5000 * "[" + 5000 * "]", "analysis.toml"),
    ],
    ids=[
        "null-character",
        "long-name",
        "endless-bins",
        "infinite-bins",
        "long-integer",
        "large-file",
        "empty-key",
        "deep-nesting",
    ],
)
def test_odd_values_end_in_a_message(tmp_path: Path, old: str, new: str, named: str) -> None:
    result = eventfit("validate", edited(tmp_path, old, new))
    assert result.exit_code == 2, repr(result.exception)[:200]
    assert result.stdout == ""
    assert named in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r'title = ".*"', "title = 3"),
        (r"cite = \[.*\]", "cite = 3"),
        (r"cite = \[.*\]", 'cite = "arXiv:2006.09721"'),
        (r"cite = \[.*\]", "cite = []"),
        (r"(?s)caveats = \[.*?\n\]", "caveats = 3"),
        (r'unit = "keV"', "unit = []"),
        (r"value = 0.147", 'value = "0.147"'),
        (r"tolerance = 0.0005", 'tolerance = "0.0005"'),
        (r"tolerance = 0.0005", "tolerance = inf"),
        (r"at = 1.051051051", 'at = "1 keV"'),
        (r"at = 1.051051051\n", ""),
        (r'kind = "end_point"', 'kind = "end_point"\nfirst = 0.5'),
        (r'column = "efficiency"', 'column = ["efficiency"]'),
        (r'kind = "end_point"', 'kind = "median"'),
        (r"(?s)\[\[check\]\].*", ""),
    ],
    ids=[
        "title-number",
        "cite-number",
        "cite-string",
        "cite-empty",
        "caveats-number",
        "unit-list",
        "check-value-string",
        "check-tolerance-string",
        "check-tolerance-infinite",
        "check-at-string",
        "check-at-missing",
        "check-first-fraction",
        "check-column-list",
        "check-kind-unknown",
        "no-check",
    ],
)
def test_provenance_of_the_wrong_type(tmp_path: Path, old: str, new: str) -> None:
    source = shipped("data") / "experiments" / "xenon1t_2020"
    shutil.copy(source / "efficiency.csv", tmp_path)
    text, changed = re.subn(old, new, (source / "efficiency.toml").read_text(), count=1)
    assert changed == 1
    if "[[check]]" not in text:
        text = text.replace("[columns]", "check = []\n\n[columns]")
    (tmp_path / "efficiency.toml").write_text(text)
    with pytest.raises(BadTable, match="efficiency"):
        Tables(tmp_path).read("efficiency")
