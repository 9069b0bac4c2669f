"""Runs of toys: what is put in comes out, damage is seen, runs resume and merge only with their like."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blocks import COLUMNS, IDENTITY, content, keys, open_run, payload, throw

from eventfit.errors import EventfitError, InputError, MissingInput, RunBusy, RunDamaged, RunMismatch, WriteFailed
from eventfit.inference.toys.run import ToyRun, merge
from eventfit.inference.toys.run_file import FILE, Key
from eventfit.quadrature import Array

GIVEN = payload()


def made(wanted: list[Key]) -> list[tuple[Key, Array]]:
    return [(key, throw(GIVEN, key)) for key in wanted]


MORE = ((3, 0), np.arange(30.0).reshape(10, 3))


def filled(folder: Path, *chunks: list[Key]) -> Path:
    """A run with these chunks."""
    with open_run(folder) as run:
        for chunk in chunks:
            run.put(made(chunk))
    return folder


def refusal(call: Callable[[], object], error: type[EventfitError] = RunMismatch) -> str:
    with pytest.raises(error) as caught:
        call()
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven blocks in three chunks; nobody writes to it."""
    return filled(tmp_path_factory.mktemp("run"), [(0, 0), (1, 0)], [(0, 3), (0, 1), (1, 1)], [(0, 2), (1, 2)])


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    shutil.copytree(run, tmp_path / "copy")
    return tmp_path / "copy"


# -- what is put in comes out --


def test_blocks_come_back_to_the_bit_and_in_order(run: Path) -> None:
    with ToyRun.read(run) as found:
        assert found.done == {*keys(4), *((1, b) for b in range(3))}
        assert (found.identity, found.columns) == (IDENTITY, COLUMNS)
        assert content(found) == {key: records.tobytes() for key, records in made(sorted(found.done))}
        assert [block for block, _ in found.blocks(0)] == [0, 1, 2, 3]
        assert next(found.blocks(1))[1].flags.writeable
        assert (0, 3) in found
        assert (0, 4) not in found
        assert found.rows((0, 3)) == 1024


def test_a_run_is_one_file_without_pickle(run: Path) -> None:
    assert [path.name for path in run.iterdir()] == [FILE]
    with closing(sqlite3.connect(run / FILE)) as db:
        assert db.execute("SELECT sum(length(records)) FROM block").fetchone() == (7 * 1024 * 3 * 8,)


def test_records_that_are_no_matrix_in_memory_order_are_kept_as_they_are(tmp_path: Path) -> None:
    records = np.array([[np.nan, -0.0, np.inf], [5e-324, -1.0, 1e308]])
    with open_run(tmp_path) as run:
        run.put([((0, 0), np.asfortranarray(records)), ((0, 1), records[::-1])])
        np.testing.assert_array_equal(run.get((0, 0)), records)
        np.testing.assert_array_equal(run.get((0, 1)), records[::-1])
        assert np.signbit(run.get((0, 0))[0, 1])


def test_reading_takes_one_block_at_a_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ToyRun.read(run) as found:
        taken: list[Key] = []
        get = found.get

        def noted(key: Key) -> Array:
            taken.append(key)
            return get(key)

        monkeypatch.setattr(found, "get", noted)
        next(found.blocks(0))
        assert taken == [(0, 0)]


# -- resuming --


def test_a_run_goes_on_where_it_ended(copy: Path, run: Path) -> None:
    with open_run(copy) as again:
        assert len(again.done) == 7
        again.put(made([(2, 0)]))
    with open_run(copy) as again, ToyRun.read(run) as before:
        assert content(again) == content(before) | {(2, 0): throw(GIVEN, (2, 0)).tobytes()}


def test_every_difference_is_named(run: Path) -> None:
    other = {
        "seed": 6,
        "model": {"sha256": "0af3", "bins": True, "by": None},
        "hypotheses": [{"mu2": 0}, {"mu2": 1.5000000000000002}, {}],
    }
    before = (run / FILE).read_bytes()
    text = refusal(lambda: ToyRun.open(run, other, ("t", "status")))
    for line in (
        "seed: stored 5, given 6",
        "model.bins: stored 29, given true",
        "model.by: stored nothing, given null",
        "hypotheses[1].mu2: stored 1.5, given 1.5000000000000002",
        "hypotheses[2]: stored nothing, given {}",
        'columns[1]: stored "estimate", given "status"',
        'columns[2]: stored "status", given nothing',
    ):
        assert line in text
    assert text.count("stored") == 7
    assert "use another -o folder, or the same model and seed" in text
    assert str(run / FILE) in text
    assert (run / FILE).read_bytes() == before


def test_an_identity_that_json_cannot_write_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        ToyRun.open(tmp_path / "new", {"cut": float("nan")}, COLUMNS)
    assert not (tmp_path / "new").exists()


def test_where_there_is_no_run(tmp_path: Path) -> None:
    assert FILE in refusal(lambda: ToyRun.read(tmp_path / "nowhere"), MissingInput)
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed):
        open_run(tmp_path / "file")


def test_a_run_of_another_format_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("eventfit.inference.toys.run.FORMAT", 2)
        later.setattr("eventfit.inference.toys.run_file.FORMAT", 2)
        assert "format: stored 1, given 2" in refusal(lambda: open_run(copy))
        assert "another format" in refusal(lambda: ToyRun.read(copy))
    open_run(copy).close()


def test_starting_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{FILE}.0af3.new").write_bytes(b"a killed process began to write this")

    def no_links(source: Path, target: Path) -> None:
        raise PermissionError("not on this file system")

    monkeypatch.setattr(os, "link", no_links)
    filled(tmp_path, [(0, 0)])
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


# -- putting --


def test_what_cannot_be_put(copy: Path) -> None:
    with open_run(copy) as run:
        before = content(run)
        new = (3, 0), np.zeros((4, 3))
        wrong = [((0, 1), np.zeros((4, 3))), new, ((3, 1), np.zeros((4, 2))), ((3, 1), np.zeros(3))]
        for block in wrong:
            with pytest.raises(InputError):
                run.put([new, block])
            assert content(run) == before
        run.put([])
        run.put([new])
    with ToyRun.read(copy) as found:
        assert content(found) == before | {new[0]: new[1].tobytes()}
        assert "for reading" in refusal(lambda: found.put([]), InputError)
    assert "closed" in refusal(lambda: found.get((0, 0)), InputError)


def test_an_interrupted_transaction_leaves_no_block(copy: Path) -> None:
    def blocks() -> Iterator[tuple[Key, Array]]:
        yield from made([(3, 0)])
        raise KeyboardInterrupt

    with open_run(copy) as run:
        before = content(run)
        with pytest.raises(KeyboardInterrupt):
            run.put(blocks())
        assert content(run) == before
        run.put(made([(3, 0)]))
    with ToyRun.read(copy) as found:
        assert len(found.done) == 8


@pytest.mark.parametrize("when", ["commit", "go_on"])
def test_an_interrupt_around_the_commit_is_on_one_side_of_it(
    copy: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(copy) as run:
        file = run._file
        real = getattr(file, when)

        def interrupted(*arguments: Any) -> None:
            real(*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as now:
            now.setattr(file, when, interrupted)
            with pytest.raises(KeyboardInterrupt):
                run.put(made([(3, 0)]))
        assert (3, 0) in run
        run.put(made([(3, 1)]))
    with ToyRun.read(copy) as found:
        assert len(found.done) == 9


def test_a_full_disk_keeps_what_is_finished(copy: Path) -> None:
    with open_run(copy) as run:
        db = run._file._db
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + 3}")
        with pytest.raises(WriteFailed) as caught:
            run.put(made([(3, 0)]))
        assert caught.value.exit_code == 4
        assert len(content(run)) == 7
    with ToyRun.read(copy) as found:
        assert len(found.done) == 7


# -- one writer, many readers --

WRITER = """
import sys, blocks
from pathlib import Path
with blocks.open_run(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_and_a_reader_is_not_disturbed(copy: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(copy)]
    tests = Path(__file__).parent
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tests) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        assert "another process writes to this run" in refusal(lambda: open_run(copy), RunBusy)
        with ToyRun.read(copy) as found:
            assert len(content(found)) == 7
        other.communicate()
    open_run(copy).close()


def test_readers_and_the_writer_wait_for_nobody(copy: Path) -> None:
    with open_run(copy) as writer, ToyRun.read(copy) as reader:
        blocks = reader.blocks(0)
        next(blocks)
        writer.put(made([(0, 9)]))
        assert [block for block, _ in blocks] == [1, 2, 3]
        with ToyRun.read(copy) as later:
            assert (0, 9) in later


# -- damage --


def seen(folder: Path, file: bytes, expected: dict[Key, bytes]) -> str:
    """``"damage"`` if the file is refused with its name and a remedy, ``"harmless"`` if everything in it is right."""
    outcomes = [looked_at(opening, folder, file, expected) for opening in (ToyRun.read, open_run)]
    for damage in filter(None, outcomes):
        assert (damage.exit_code, damage.where) == (2, str(folder / FILE))
        assert "the same seed gives the same toys" in damage.fix
    return "damage" if any(outcomes) else "harmless"


def looked_at(
    opening: Callable[[Path], ToyRun], folder: Path, file: bytes, expected: dict[Key, bytes]
) -> RunDamaged | None:
    """What is said of ``file``; where nothing is, it holds what was written and takes more."""
    (folder / FILE).write_bytes(file)
    try:
        with opening(folder) as run:
            assert (content(run), run.identity, run.columns) == (expected, IDENTITY, COLUMNS)
            if opening is open_run:
                run.put([MORE])
    except RunDamaged as damage:
        return damage
    if opening is open_run:
        with ToyRun.read(folder) as run:
            assert content(run) == expected | {MORE[0]: MORE[1].tobytes()}
    return None


@pytest.fixture(scope="module")
def expected(run: Path) -> dict[Key, bytes]:
    with ToyRun.read(run) as found:
        return content(found)


def test_a_truncated_file_is_damaged(run: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    whole = (run / FILE).read_bytes()
    pages = range(4096, len(whole), 8 * 4096)
    for length in (0, 1, 16, 50, 99, 100, 511, 512, 1000, 4095, *pages, len(whole) // 2, len(whole) - 1):
        assert seen(tmp_path, whole[:length], expected) == "damage", length


def test_bytes_in_the_place_of_others_are_damage(run: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    whole = (run / FILE).read_bytes()
    zeros = bytes(4096)
    for page in range(len(whole) // 4096):
        assert seen(tmp_path, whole[: 4096 * page] + zeros + whole[4096 * (page + 1) :], expected) == "damage", page
    assert seen(tmp_path, b"not a database at all", expected) == "damage"


def flips(run: Path, tmp_path: Path, expected: dict[Key, bytes], where: list[int], seed: int) -> list[str]:
    """What becomes of one random bit turned at each place."""
    rng = np.random.default_rng(seed)
    found = []
    for place in where:
        turned = bytearray((run / FILE).read_bytes())
        turned[place] ^= 1 << int(rng.integers(8))
        found.append(seen(tmp_path, bytes(turned), expected))
    return found


def test_a_flipped_bit_is_damage_or_harmless(run: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    size = (run / FILE).stat().st_size
    rng = np.random.default_rng(9)
    anywhere = flips(run, tmp_path, expected, [int(n) for n in rng.integers(size, size=200)], 10)
    assert anywhere.count("damage") > 150
    # the header of the file, the tables of contents and the ledger, which are a small part of it
    assert "damage" in flips(run, tmp_path, expected, [int(n) for n in rng.integers(5 * 4096, size=100)], 11)


@pytest.mark.slow
def test_every_byte_of_the_first_pages_flipped(run: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    flips(run, tmp_path, expected, list(range(3 * 4096)), 12)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM block WHERE number = 7",
        "DELETE FROM block WHERE number = 2",
        "DELETE FROM chunk WHERE number = 3",
        "DELETE FROM chunk WHERE number = 1",
        "DELETE FROM chunk",
        "UPDATE block SET block = 7 WHERE number = 4",
        "UPDATE block SET number = 8 WHERE number = 7",
        "UPDATE block SET hypothesis = 'zero' WHERE number = 7",
        "UPDATE block SET rows = 512 WHERE number = 7",
        "UPDATE block SET records = substr(records, 1, 8) WHERE number = 7",
        "UPDATE block SET records = 'text' WHERE number = 7",
        "UPDATE chunk SET blocks = 3 WHERE number = 3",
        "UPDATE chunk SET blocks = -1 WHERE number = 2",
        "UPDATE chunk SET blocks = 'two' WHERE number = 2",
        "UPDATE block SET (records, sha256) = (SELECT records, sha256 FROM block WHERE number = 1) WHERE number = 2",
        "INSERT INTO block SELECT 8, 5, block, rows, sha256, records FROM block WHERE number = 1",
        "UPDATE header SET text = replace(text, '5', '6')",
        "UPDATE header SET text = x'00'",
        "DELETE FROM header",
        "DROP TABLE chunk",
        "CREATE TABLE more (number)",
    ],
)
def test_rows_that_vanish_move_or_appear_are_damage(copy: Path, change: str) -> None:
    """SQLite finds nothing wrong with such a file."""
    with closing(sqlite3.connect(copy / FILE, isolation_level=None)) as db:
        db.execute(change)
    refusal(lambda: ToyRun.read(copy), RunDamaged)
    refusal(lambda: open_run(copy), RunDamaged)


def test_damage_after_opening_is_seen_when_a_block_is_read(copy: Path) -> None:
    with ToyRun.read(copy) as run:
        with closing(sqlite3.connect(copy / FILE, isolation_level=None)) as db:
            db.execute("UPDATE block SET records = zeroblob(length(records)) WHERE number = 1")
        assert "hypothesis 0, block 0" in refusal(lambda: run.get((0, 0)), RunDamaged)


def cut_off(source: Path, target: Path) -> None:
    """The files of ``source`` as they are while a large transaction is under way."""
    with open_run(source) as run:
        run._file._db.execute("PRAGMA cache_size = 1")  # what does not fit is written before its COMMIT
        run._insert(made([(4, block) for block in range(4)]))
        shutil.copytree(source, target)


def test_a_transaction_that_was_cut_off_is_undone(copy: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    cut_off(copy, tmp_path / "cut")
    assert len(list((tmp_path / "cut").iterdir())) == 2
    assert (tmp_path / "cut" / FILE).stat().st_size > (copy / FILE).stat().st_size
    with ToyRun.read(tmp_path / "cut") as run:
        assert content(run) == expected
    assert len(list((tmp_path / "cut").iterdir())) == 1


def test_a_damaged_journal_is_never_believed(copy: Path, tmp_path: Path, expected: dict[Key, bytes]) -> None:
    cut_off(copy, tmp_path / "cut")
    database, journal = ((tmp_path / "cut" / name).read_bytes() for name in (FILE, f"{FILE}-journal"))
    outcomes = []
    for length in (0, 10, 512, 600, len(journal) // 2, len(journal) - 1):
        (tmp_path / f"{FILE}-journal").write_bytes(journal[:length])
        outcomes.append(looked_at(ToyRun.read, tmp_path, database, expected) is not None)
    assert True in outcomes


# -- merging --


def test_merging(tmp_path: Path) -> None:
    parts = [filled(tmp_path / "a", [(0, 2), (0, 3)]), filled(tmp_path / "b", [(0, 0)], [(0, 1), (1, 0)])]
    with merge(parts, tmp_path / "all") as run:
        assert run.identity == IDENTITY
        run.put(made([(1, 1)]))
    with ToyRun.read(tmp_path / "all") as run:
        wanted = [*keys(4), (1, 0), (1, 1)]
        assert content(run) == {key: records.tobytes() for key, records in made(wanted)}


def test_runs_of_different_inputs_do_not_merge(tmp_path: Path) -> None:
    parts = [filled(tmp_path / "a", [(0, 2)]), tmp_path / "b", tmp_path / "c"]
    ToyRun.open(parts[1], IDENTITY | {"seed": 6}, COLUMNS).close()
    ToyRun.open(parts[2], IDENTITY | {"version": "2"}, COLUMNS[:2]).close()
    text = refusal(lambda: merge(parts, tmp_path / "all"))
    assert f"seed: 5 in {parts[0]}, 6 in {parts[1]}" in text
    assert f'version: nothing in {parts[0]}, "2" in {parts[2]}' in text
    assert "columns[2]" in text
    assert not (tmp_path / "all").exists()


def test_runs_that_overlap_do_not_merge(tmp_path: Path) -> None:
    a = filled(tmp_path / "a", keys(6))
    b = filled(tmp_path / "b", [(0, 1), (0, 2), (0, 3), (0, 5), (0, 7), (1, 0)])
    c = filled(tmp_path / "c", [(1, 0)])
    text = refusal(lambda: merge([a, b, c], tmp_path / "all"))
    assert f"{a} and {b}: hypothesis 0 blocks 1-3, 5\n" in text
    assert f"{b} and {c}: hypothesis 1 blocks 0\n" in text
    assert "blocks in common" in refusal(lambda: merge([a, a], tmp_path / "all"))
    assert not (tmp_path / "all").exists()


def test_a_merge_that_cannot_be_done_writes_nothing(copy: Path, tmp_path: Path) -> None:
    a = filled(tmp_path / "a", [(3, 0)])
    refusal(lambda: merge([a, tmp_path / "nowhere"], tmp_path / "all"), MissingInput)
    refusal(lambda: merge([], tmp_path / "all"), InputError)
    assert "new folder" in refusal(lambda: merge([a], copy), InputError)
    (copy / FILE).write_bytes((copy / FILE).read_bytes()[:-100])
    refusal(lambda: merge([a, copy], tmp_path / "all"), RunDamaged)
    assert not (tmp_path / "all").exists()


def test_a_merge_that_fails_midway_leaves_no_run(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get = ToyRun.get

    def lost(self: ToyRun, key: Key) -> Array:
        if key == (1, 0):
            raise KeyboardInterrupt
        return get(self, key)

    monkeypatch.setattr(ToyRun, "get", lost)
    with pytest.raises(KeyboardInterrupt):
        merge([run], tmp_path / "all")
    assert list((tmp_path / "all").iterdir()) == []
