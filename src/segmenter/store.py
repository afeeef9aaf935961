"""The keyed score store: what a bundle made of a text, on disk, so that the same text is never run twice.

A temporary one serves the duplicates of one run; one in a folder serves later runs too, and other processes at the same
time. SQLite: who is killed loses no more than what he had not yet put. Not here: what a key is made of (score.py).

A folder's store is bounded, by what was least recently used: entries lie in tables, the newest of which takes what is put
and what is asked for of the older half; the oldest goes whole when it has to make room, which costs next to nothing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Self

from filelock import FileLock, Timeout

from segmenter.errors import StoreError
from segmenter.readings import Entries

FILE, LOCK = "scores.sqlite", "scores.lock"
FORMAT = 1  # of the tables; a store of another is refused
N_TABLES = 8  # an eighth of the bound makes room at a time
_COLUMNS = "key BLOB PRIMARY KEY, logits BLOB, language TEXT, scope TEXT, long INTEGER, pieces_per_word REAL"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'scores_*' ORDER BY name"
_KEYS_AT_ONCE = 500  # in one question; the oldest SQLite takes 999
_PAGES_IN_MEMORY_KIB = 32 * 1024
_WAIT_SECONDS = 60
_CAUSES = {  # by the first word of SQLite's own name of an error
    "FULL": ("the disk is full", "make room"),
    "READONLY": ("cannot be written", "allow writing there"),
    "CANTOPEN": ("cannot be opened for writing", "allow writing there"),
    "BUSY": (f"another process has held it for {_WAIT_SECONDS} seconds", "wait for that process"),
    "NOTADB": (f"{FILE} is not a store of scores", "delete it"),
    "CORRUPT": (f"{FILE} is damaged", "delete it"),
}


class ScoreStore:
    """Readings by key. Several threads may use one store, several processes one folder; a context manager.

    Beside what is kept it knows which keys somebody in this process is about to put (`claim`), so that nobody else runs
    their texts meanwhile.
    """

    def __init__(self, connection: sqlite3.Connection, where: object, bytes_at_most: int | None) -> None:
        """Use `temporary` or `at`."""
        self._connection = connection
        self._where = where
        self._bytes_at_most = bytes_at_most
        self._lock = Lock()
        self._claimed: set[bytes] = set()

    @classmethod
    def temporary(cls) -> Self:
        """An empty store without bound, gone when it is closed or its process killed: a temporary file of SQLite's own.

        Raises:
            StoreError: There is no room for it.
        """
        store = cls(_connected(""), "the temporary store of scores", None)
        with store._used():
            store._connection.execute("PRAGMA journal_mode=OFF")
            store._connection.execute("PRAGMA synchronous=OFF")
            store._add_table()
        return store

    @classmethod
    def at(cls, folder: Path, *, megabytes_at_most: int) -> Self:
        """The store kept in `folder` (on a disk of this machine), which is made where there is none.

        Raises:
            StoreError: It cannot be written, is damaged, or is of another version.
        """
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / LOCK, timeout=_WAIT_SECONDS):
                store = cls(_connected(str(folder / FILE)), folder, megabytes_at_most * 1_000_000)
                store._connection.execute("PRAGMA journal_mode=WAL")
                store._connection.execute("PRAGMA synchronous=NORMAL")
                store._begin()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def claim(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of `keys` that nobody has claimed; from now on, this caller has. It owes a `release`."""
        with self._lock:
            mine = set(keys) - self._claimed
            self._claimed |= mine
        return mine

    def release(self, keys: Iterable[bytes]) -> None:
        """Give up claims, once the readings are put or will not be."""
        with self._lock:
            self._claimed.difference_update(keys)

    def get(self, keys: Iterable[bytes], *, n_audiences: int) -> Entries:
        """What is known of `keys`, each once, in no order; what is old among it counts as used again.

        Raises:
            StoreError: The store cannot be read.
        """
        missing, rows, old = sorted(set(keys)), [], []
        with self._used():
            with self._connection:
                self._connection.execute("BEGIN")  # a table that another process drops meanwhile can still be read
                for age, table in enumerate(reversed(self._tables())):
                    met = list(self._met(table, missing))
                    rows += met
                    old += met if age >= N_TABLES // 2 else []
                    known = {row[0] for row in met}
                    missing = [key for key in missing if key not in known]
            if old:
                self._insert(old)
        return Entries.of_rows(rows, n_audiences=n_audiences)

    def put(self, entries: Entries) -> None:
        """Keep readings. What is there already stays as it is.

        Raises:
            StoreError: The store cannot be written.
        """
        with self._used():
            self._insert(entries.rows())

    def _met(self, table: str, keys: Sequence[bytes]) -> Iterator[tuple[object, ...]]:
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            asked = keys[start : start + _KEYS_AT_ONCE]
            marks = ",".join("?" * len(asked))
            yield from self._connection.execute(f"SELECT * FROM {table} WHERE key IN ({marks})", asked)

    def _insert(self, rows: Iterable[tuple[object, ...]]) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._make_room()
            table = self._tables()[-1]
            self._connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?, ?)", sorted(rows))

    def _make_room(self) -> None:
        """Start the next table once the newest has its share of the bound, without the oldest where that is too many."""
        if self._bytes_at_most is None:
            return
        tables = self._tables()
        share = self._bytes_at_most // N_TABLES
        if self._n_bytes() <= share * len(tables):
            return
        while len(tables) >= N_TABLES or (len(tables) > 1 and self._n_bytes() > self._bytes_at_most):
            self._connection.execute(f"DROP TABLE {tables.pop(0)}")
        self._add_table()

    def _n_bytes(self) -> int:
        n_pages, n_free, page_size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (n_pages - n_free) * page_size

    def _tables(self) -> list[str]:
        """Names, oldest first."""
        return [name for (name,) in self._connection.execute(_TABLES)]

    def _add_table(self) -> None:
        number = max((int(name.removeprefix("scores_")) for name in self._tables()), default=0) + 1
        self._connection.execute(f"CREATE TABLE scores_{number:09d} ({_COLUMNS}) WITHOUT ROWID")

    def _begin(self) -> None:
        """Make the first table of an empty file, or check that it is one of ours."""
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        (n_tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found and not n_tables:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._add_table()
                self._connection.execute(f"PRAGMA user_version={FORMAT}")
        elif found != FORMAT:
            wanted = f"{FILE} is a store of format {found}, this segmenter has {FORMAT}"
            raise StoreError(self._where, wanted, "delete it, or name another folder")

    @contextmanager
    def _used(self) -> Iterator[None]:
        """The connection for one thread at a time, its errors as sentences."""
        with self._lock, _told(self._where):
            yield


def _connected(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size=-{_PAGES_IN_MEMORY_KIB}")
    connection.execute("PRAGMA temp_store=FILE")
    return connection


@contextmanager
def _told(where: object) -> Iterator[None]:
    """What goes wrong with a store, as one sentence."""
    elsewhere = "set SQLITE_TMPDIR to another folder" if isinstance(where, str) else "name another folder"
    try:
        yield
    except (OSError, Timeout) as error:
        found = f"cannot be used as a folder ({error.strerror or error})"
        raise StoreError(where, found, f"allow writing there, or {elsewhere}") from error
    except sqlite3.ProgrammingError:
        raise  # a store that was closed before: the caller's fault
    except sqlite3.DatabaseError as error:
        cause = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT").split("_")[1]  # unnamed: text that is none
        found, remedy = _CAUSES.get(cause, (f"cannot be used ({error})", "check its disk"))
        raise StoreError(where, found, f"{remedy}, or {elsewhere}") from error
