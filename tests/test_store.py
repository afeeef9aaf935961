import os
import signal
import sqlite3
import subprocess
import sys
import threading
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from segmenter import store as room
from segmenter.errors import StoreError
from segmenter.readings import Entries, Readings
from segmenter.store import FILE, ScoreStore


def key(number: int) -> bytes:
    return blake2b(str(number).encode(), digest_size=16).digest()


def entries(*numbers: int) -> Entries:
    """Number n has the logits n and -n / 3, and is long where n is even."""
    n = np.array(numbers, np.float64)
    logits = np.stack([n, -n / 3], axis=1).astype(np.float32)
    scope = ["" if number % 3 else "too_short" for number in numbers]
    readings = Readings(logits, [f"l{number % 7}" for number in numbers], scope, n % 2 == 0, n / 7)
    return Entries([key(number) for number in numbers], readings)


def known(store: ScoreStore, numbers: range | list[int]) -> set[int]:
    number_of = {key(number): number for number in numbers}
    return {number_of[one] for one in store.get(number_of, n_audiences=2).keys}


def kept(folder: Path, *, megabytes_at_most: int = 10) -> ScoreStore:
    return ScoreStore.at(folder, megabytes_at_most=megabytes_at_most)


def test_what_is_put_is_got_to_the_bit() -> None:
    put = entries(1, 2, 3)
    put.readings.logits[0] = [-0.0, 1e-45]  # the smallest float32 there is
    with ScoreStore.temporary() as store:
        store.put(put)
        for number, one in enumerate(put.keys):
            got = store.get([one], n_audiences=2)
            assert got.keys == [one]
            assert got.readings.logits.tobytes() == put.readings.logits[number].tobytes()
            assert got.readings.languages == [put.readings.languages[number]]
            assert got.readings.scope == [put.readings.scope[number]]
            assert got.readings.long.tolist() == [bool(put.readings.long[number])]
            assert got.readings.pieces_per_word.tolist() == [put.readings.pieces_per_word[number]]


def test_what_was_never_put_is_not_got() -> None:
    with ScoreStore.temporary() as store:
        store.put(entries(1, 2))
        assert known(store, [2, 3]) == {2}
        assert store.get([], n_audiences=2).readings.logits.shape == (0, 2)


def test_a_key_asked_for_twice_is_got_once() -> None:
    with ScoreStore.temporary() as store:
        store.put(entries(1))
        assert store.get([key(1), key(1)], n_audiences=2).keys == [key(1)]


def test_thousands_of_keys_are_put_and_got_at_once() -> None:
    with ScoreStore.temporary() as store:
        store.put(entries(*range(5000)))
        assert known(store, range(4000, 9000)) == set(range(4000, 5000))


def test_what_is_there_stays_as_it_is() -> None:
    other = entries(1)
    other.readings.logits[:] = 9
    with ScoreStore.temporary() as store:
        store.put(entries(1))
        store.put(other)
        assert store.get([key(1)], n_audiences=2).readings.logits[0, 0] == 1


def test_a_temporary_store_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with ScoreStore.temporary() as store:
        store.put(entries(*range(2000)))
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_claimed_by_one_alone_until_it_is_released() -> None:
    with ScoreStore.temporary() as store:
        assert store.claim([key(1), key(2)]) == {key(1), key(2)}
        assert store.claim([key(2), key(3)]) == {key(3)}
        store.release([key(2)])
        assert store.claim([key(2), key(3)]) == {key(2)}


def test_several_threads_use_one_store() -> None:
    with ScoreStore.temporary() as store:
        workers = [
            threading.Thread(target=lambda first=first: [store.put(entries(n)) for n in range(first, first + 100)])
            for first in (0, 100, 200)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert known(store, range(300)) == set(range(300))


def test_what_is_kept_in_a_folder_is_there_next_time(tmp_path: Path) -> None:
    with kept(tmp_path / "new" / "cache") as store:
        store.put(entries(1, 2))
    with kept(tmp_path / "new" / "cache") as store:
        assert known(store, [1, 2, 3]) == {1, 2}


# One entry takes about 55 bytes here, 1 MB some 18,000 of them.
def test_a_store_never_grows_far_past_its_bound(tmp_path: Path) -> None:
    with kept(tmp_path, megabytes_at_most=1) as store:
        for first in range(0, 60_000, 1000):
            store.put(entries(*range(first, first + 1000)))
        newest = known(store, range(50_000, 60_000))
        oldest = known(store, range(10_000))
    assert (newest, oldest) == (set(range(50_000, 60_000)), set())
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1_250_000


def test_what_is_asked_for_again_and_again_outlives_what_is_not(tmp_path: Path) -> None:
    with kept(tmp_path, megabytes_at_most=1) as store:
        store.put(entries(*range(1000)))
        for first in range(1000, 60_000, 1000):
            assert known(store, range(100)) == set(range(100))
            store.put(entries(*range(first, first + 1000)))
        assert known(store, range(1000)) == set(range(100))


def test_a_lower_bound_makes_room(tmp_path: Path) -> None:
    with kept(tmp_path, megabytes_at_most=4) as store:
        for first in range(0, 60_000, 1000):
            store.put(entries(*range(first, first + 1000)))
    with kept(tmp_path, megabytes_at_most=1) as store:
        store.put(entries(60_000))
        n_known = len(known(store, range(60_001)))
    assert 5_000 < n_known < 18_000


OTHER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_store import entries, kept
with kept(Path({folder!r})) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for first in range({start}, {start} + 400, 20):
        store.put(entries(*range(first, first + 20)))
    {last}
"""


def other(folder: Path, *, start: int, last: str = "pass") -> "subprocess.Popen[str]":
    """A process that opens the store, and puts 400 entries in 20 turns once it is told to."""
    code = OTHER.format(tests=str(Path(__file__).parent), folder=str(folder), start=start, last=last)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_put_into_one_folder_at_once(tmp_path: Path) -> None:
    processes = [other(tmp_path, start=0), other(tmp_path, start=200)]  # half of it is the same
    for process in processes:
        go(process)
    assert [process.wait(60) for process in processes] == [0, 0]
    with kept(tmp_path) as store:
        assert known(store, range(601)) == set(range(600))


def test_a_killed_process_loses_nothing_that_it_had_put(tmp_path: Path) -> None:
    last = (
        "store._connection.execute('BEGIN IMMEDIATE'); "
        "store._connection.execute('DELETE FROM ' + store._tables()[0]); print('half', flush=True); time.sleep(60)"
    )
    process = other(tmp_path, start=0, last=last)
    go(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    with kept(tmp_path) as store:
        store.put(entries(400))
        assert known(store, range(402)) == set(range(401))


def test_a_file_that_is_no_store_is_refused_by_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"id,text\n" * 100)
    wanted = rf"^{tmp_path}: scores\.sqlite is not a store of scores; delete it, or name another folder$"
    with pytest.raises(StoreError, match=wanted):
        kept(tmp_path)


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    with kept(tmp_path) as store:
        store.put(entries(*range(5000)))
    content = bytearray((tmp_path / FILE).read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    (tmp_path / FILE).write_bytes(content)
    with kept(tmp_path) as store, pytest.raises(StoreError, match=r"scores\.sqlite is damaged; delete it, or name"):
        store.get([key(n) for n in range(5000)], n_audiences=2)


@pytest.mark.parametrize("statement", ["PRAGMA user_version=7", "CREATE TABLE messages (text)"])
def test_a_database_of_another_kind_or_version_is_refused(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(StoreError, match=r"is a store of format \d, this segmenter has 1; delete it, or name another"):
        kept(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    wanted = r"cache: cannot be used as a folder \(File exists\); allow writing there, or name another folder$"
    with pytest.raises(StoreError, match=wanted):
        kept(tmp_path / "cache")


def test_a_full_disk_is_a_sentence_and_what_was_put_before_stays(tmp_path: Path) -> None:
    with kept(tmp_path) as store:
        store.put(entries(1, 2))
        store._connection.execute("PRAGMA max_page_count=8")
        with pytest.raises(StoreError, match=rf"^{tmp_path}: the disk is full; make room, or name another folder$"):
            store.put(entries(*range(3, 3000)))
        assert known(store, range(3000)) == {1, 2}


def test_a_store_held_too_long_by_another_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_WAIT_SECONDS", 0.05)
    with kept(tmp_path) as holder, kept(tmp_path) as store:
        holder._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"another process has held it for \d+ seconds; wait for that process, or"):
            store.put(entries(1))
