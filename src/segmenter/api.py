"""The Python door: `segmenter.load`. The same stages as `segmenter score`, texts in, an Arrow table out. No files here."""

import weakref
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, nullcontext
from os import PathLike
from pathlib import Path
from typing import Literal, Protocol, Self

import pyarrow as pa

from segmenter.bundle import Bundle
from segmenter.errors import TableError
from segmenter.flow import ahead
from segmenter.messages import scored_fields
from segmenter.named import opened
from segmenter.params import load_settings
from segmenter.score import Scorer
from segmenter.sections import Score
from segmenter.store import ScoreStore

AHEAD = 2  # parts made ready before the network asks for them


class Table(Protocol):
    """What gives a column by its name, such as a pandas.DataFrame or a datasets.Dataset."""

    def __getitem__(self, name: str, /) -> Iterable[object]:
        """The values of a column, in order."""
        ...


def load(
    path_or_uri: str | PathLike[str],
    *,
    runtime: Literal["auto", "cpu", "torch"] = "auto",
    device: Literal["auto", "cpu", "cuda"] = "auto",
    cache: str | PathLike[str] | None = None,
) -> "Model":
    """Open a model to score with.

    Example:
        >>> import segmenter
        >>> model = segmenter.load("runs/audience/bundle")
        >>> scored = model.score(["The council opens the new library on Monday."])
        >>> scored["verdict"].to_pylist()
        ['none']

    Args:
        path_or_uri: A bundle folder, models:/NAME@ALIAS or models:/NAME/NUMBER.
        runtime: Where the network runs; `auto` is the cpu graph where the bundle has one, else torch.
        device: Of the torch runtime.
        cache: A folder that keeps scores, as `segmenter score --cache` does; several processes may share it.

    Raises:
        BundleError: It is not a whole bundle.
        ModelError: The runtime that was asked for cannot be had.
        TrackingError: The registry does not answer, or knows no such version.
        StoreError: The cache cannot be used.
    """
    settings = load_settings(None).score
    settings = Score.model_validate(settings.model_dump() | {"runtime": runtime, "device": device})
    with ExitStack() as stack:
        scorer = Scorer(stack.enter_context(opened(str(path_or_uri))), settings)
        store = None
        if cache is not None:
            store = stack.enter_context(ScoreStore.at(Path(cache), megabytes_at_most=settings.cache_megabytes))
        return Model(scorer, store, stack.pop_all())


class Model:
    """A model ready to score; several threads may use one. Closed by `close`, a `with` block, or when nobody holds it."""

    def __init__(self, scorer: Scorer, store: ScoreStore | None, stack: ExitStack) -> None:
        """Use `load`."""
        self._scorer = scorer
        self._store = store
        self._closed = weakref.finalize(self, stack.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the cache and of what was downloaded."""
        self._closed()

    @property
    def bundle(self) -> Bundle:
        """What it is: audiences with their definitions, thresholds, languages, digest."""
        return self._scorer.bundle

    def score(self, messages: Sequence[str] | Table, *, text_column: str = "text") -> pa.Table:
        """What `segmenter score` adds to each message, to the bit: a row each, in their order.

        Args:
            messages: Texts, or a table of them: a pandas.DataFrame, a datasets.Dataset, a pyarrow.Table, whatever gives a
                column by name.
            text_column: The column that holds the message, of a table.

        Returns:
            `score_<audience>` (float32) for each audience, `audiences`, `verdict`, `reason`, `language`, `model`.

        Raises:
            TableError: A message is empty or no text, or there is no such column.
            StoreError: The cache, or the disk that duplicates are kept on, cannot be used.
        """
        texts = _texts(messages, text_column)
        n_rows = self._scorer.settings.part_rows
        parts = (texts[start : start + n_rows] for start in range(0, len(texts), n_rows))
        schema = pa.schema(scored_fields(self._scorer.bundle.audience_ids, ""))
        found = []
        with (
            nullcontext(self._store) if self._store else ScoreStore.temporary() as store,
            closing(ahead((self._scorer.prepare(part, store) for part in parts), AHEAD)) as prepared,
        ):
            for part in prepared:
                judged = self._scorer.judged(self._scorer.read(part, store))
                found.append(pa.table(self._scorer.columns(judged, ""), schema))
        return pa.concat_tables(found) if found else schema.empty_table()


def _texts(messages: Sequence[str] | Table, text_column: str) -> list[str]:
    """The texts of messages, each of which is one.

    Raises:
        TableError: One is not.
    """
    if isinstance(messages, str):
        raise TableError("messages", "are one text", "give a list of texts, or a table")
    texts = []
    for place, text in enumerate(messages if isinstance(messages, Sequence) else _column(messages, text_column)):
        if not isinstance(text, str):
            found = "is empty" if text is None else f"is {type(text).__name__}, not text"
            raise TableError(f"messages[{place}]", found, "leave it out")
        if not text or text.isspace():
            raise TableError(f"messages[{place}]", "is empty", "leave it out")
        texts.append(text)
    return texts


def _column(messages: Table, name: str) -> Iterable[object]:
    try:
        column = messages[name]
    except (LookupError, ValueError) as error:
        raise TableError("messages", f"have no column {name!r}", "name another text_column") from error
    return column.to_pylist() if isinstance(column, pa.ChunkedArray | pa.Array) else column
