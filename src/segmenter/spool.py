"""Standard input kept as a temporary file for as long as it is read, its format found by its first bytes.

Kept, because its types and its digest are known only at its end, before a row of it is scored. Not here: other inputs.
"""

import codecs
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.rows import open_bytes
from segmenter.sources.records import Source

NAME = "stdin"  # as records and rejects name it
PARQUET, GZIP, ZSTD = b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"  # what such files start with


@contextmanager
def spooled(source: Source | None) -> Iterator[Path]:
    """Standard input as a file that is gone when the block ends, its format in its name.

    Args:
        source: The foreign format, None for a table.

    Raises:
        TableError: It is empty, or there is no room for it.
    """
    try:
        folder = TemporaryDirectory(prefix="segmenter-")
    except OSError as error:
        raise _no_room(error) from error
    with folder as place:
        path = Path(place) / NAME
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        except OSError as error:
            raise _no_room(error) from error
        if not path.stat().st_size:
            raise TableError("standard input", "is empty", "pipe messages into it")
        yield _with_ending(path, source)


def _no_room(error: OSError) -> TableError:
    found = f"cannot be kept in {gettempdir()} ({error.strerror})"
    return TableError("standard input", found, "free space there, or name another folder by TMPDIR")


def _with_ending(path: Path, source: Source | None) -> Path:
    """The file renamed by what its first bytes say that it is; CSV where they say nothing."""
    start = _start(path)
    packed = ".gz" if start.startswith(GZIP) else ".zst" if start.startswith(ZSTD) else ""
    path = path.rename(path.with_name(path.name + packed))
    start = _start(path) if packed else start
    if source is not None:
        ending = source.ending
    elif start.startswith(PARQUET):
        ending = ".parquet"
    else:
        ending = ".jsonl" if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else ".csv"
    return path.rename(path.with_name(f"{NAME}{ending}{packed}"))


def _start(path: Path) -> bytes:
    """First bytes, unpacked; none where they cannot be, which reading them will say better."""
    stream, _ = open_bytes(path)
    with stream:
        try:
            return stream.read(1 << 16)
        except (OSError, EOFError, pa.ArrowException):
            return b""
