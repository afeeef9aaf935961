"""Foreign formats as streams of messages: exports of label tools, of chats, of collectors; and one door to them all.

Not here: plain tables (tables.py), which open through the same door.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from segmenter.errors import TableError
from segmenter.messages import Reject
from segmenter.rows import COMPRESSIONS
from segmenter.sources import doccano, fourcat, label_studio, prodigy, telegram
from segmenter.sources.records import Names, Source
from segmenter.spans import Span, row_spans
from segmenter.tables import RowReader, TableReader, files_at

TABLE = "table"
FORMATS = {
    "label-studio": label_studio.SOURCE,
    "doccano": doccano.SOURCE,
    "prodigy": prodigy.SOURCE,
    "telegram": telegram.SOURCE,
    "4cat": fourcat.SOURCE,
}


class SourceReader(RowReader):
    """Reads one file or folder of a foreign format; every column is text, `audiences` a JSON list.

    One annotation is one row, so that several annotators give a message several rows of one id. What the format itself
    says is not to be used (a cancelled annotation, an answer that rejects, a service message, a post without text) is
    counted and goes to `on_reject`, and never stops the run; what is broken does, where there is no `on_reject`.
    """

    def __init__(self, path: Path, source: Source, names: Names, on_reject: Callable[[Reject], None] | None) -> None:
        files = source_files(path, source)
        super().__init__(files, source.schema, text_column=None, on_reject=on_reject)
        self._source = source
        self._names = names

    def spans(self, file: Path, n_rows: int) -> Iterator[Span]:
        """An export's rows."""
        return row_spans(self._source.rows(file, self._names), self.wanted(file, self._source.unit), n_rows=n_rows)


def source_files(path: Path, source: Source) -> list[Path]:
    """The exports at `path`: the file itself, or every one below a folder, sorted by name.

    Raises:
        TableError: Nothing is there, or a folder holds none.
    """
    files = files_at(path, lambda file: _ending(file) == source.ending)
    if not files:
        raise TableError(path, f"the folder holds no {source.ending} file", "check the path")
    return files


def open_source(
    path: Path,
    *,
    format: str,
    text_column: str | None = None,
    label_column: str | None = None,
    on_reject: Callable[[Reject], None] | None = None,
) -> RowReader:
    """A file or folder of any format as a stream of batches.

    Args:
        path: File or folder; .gz and .zst are read as they are.
        format: `table`, or one of FORMATS.
        text_column: The field of the text, where it is not the format's own name for it.
        label_column: The field of the labels (Label Studio: the control), likewise; a table has no use for it.
        on_reject: Takes each row that is set aside; without it the first broken one stops the run.

    Raises:
        TableError: Nothing is there, no such format, or a table that cannot be read.
    """
    if format == TABLE:
        return TableReader(path, text_column=text_column, on_reject=on_reject)
    return SourceReader(path, source_of(format), Names(text_column, label_column), on_reject)


def source_of(format: str) -> Source:
    """A foreign format by its name.

    Raises:
        TableError: There is no such format.
    """
    if format not in FORMATS:
        raise TableError("--from", f"unknown format {format!r}", f"use one of {', '.join([TABLE, *FORMATS])}")
    return FORMATS[format]


def _ending(file: Path) -> str:
    """A file's ending in small letters, compression aside."""
    whole = file.with_suffix("") if file.suffix.lower() in COMPRESSIONS else file
    return whole.suffix.lower()
