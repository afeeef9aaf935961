import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Outcome, TinyRun, tiny_messages
from jobs import write_table

from segmenter.cli import app
from segmenter.errors import TableError
from segmenter.summary.labels import read_sampled
from segmenter.text import text_key

TEXTS = [row["text"] for row in tiny_messages()[:40]]
AUDIENCES = ["gardeners", "cyclists", "readers"]
FRAME = hashlib.sha256("".join(f"{text_key(text)}\n" for text in TEXTS).encode()).hexdigest()


@dataclass(frozen=True)
class Draw:
    """Six of 40 messages, drawn by the command."""

    record: Path
    rows: list[int]

    def texts(self) -> list[str]:
        return [TEXTS[row - 1] for row in self.rows]


@pytest.fixture
def drawn(tiny_run: TinyRun, tmp_path: Path, outcome_of: Callable[..., Outcome]) -> Callable[[str], Draw]:
    def by(strategy: str) -> Draw:
        corpus = write_table(tmp_path / "corpus.csv", [{"text": text} for text in TEXTS])
        words = ("sample", corpus, "--model", tiny_run.bundle, "--strategy", strategy, "-n", 6)
        told = outcome_of(app, *words, "--out", tmp_path / "tasks.json")
        assert told.code == 0, told.err
        record = tmp_path / "tasks.json.sample.json"
        return Draw(record, [message["row"] for message in json.loads(record.read_text("utf-8"))["messages"]])

    return by


def labels(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    """A table of text, audiences, annotator."""
    return write_table(
        folder / "labels.csv", [dict(zip(("text", "audiences", "annotator"), row, strict=True)) for row in rows]
    )


def test_labels_find_their_rows_by_the_record_of_the_draw(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    draw = drawn("random")
    first, second, *_ = draw.texts()
    table = labels(tmp_path, [(second, '["readers", "cyclists"]', "1"), (first.upper(), "none", "1")])
    found = read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME)
    assert found.rows.tolist() == [row - 1 for row in draw.rows[:2]]
    assert found.truth.tolist() == [[False, False, False], [False, True, True]]
    assert (found.n_drawn, found.n_skipped, found.n_tied) == (6, 0, 0)


def test_more_than_half_of_the_annotators_set_a_label(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    # readers: 2 of 3; cyclists: 1 of 3. The second message: 1 of 2 is a tie. The last word of annotator 3 counts.
    draw = drawn("random")
    first, second, *_ = draw.texts()
    rows = [(first, "readers", "1"), (first, "readers;cyclists", "2"), (first, "readers", "3"), (first, "none", "3")]
    table = labels(tmp_path, [*rows, (second, "gardeners", "1"), (second, "none", "2")])
    found = read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME)
    assert found.truth.tolist() == [[False, False, True], [False, False, False]]
    assert found.n_tied == 1


def test_drawn_messages_that_were_passed_over_are_counted(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    # labelled are the second and the fifth of the draw: the first, third and fourth were passed over
    draw = drawn("random")
    table = labels(tmp_path, [(draw.texts()[place], "none", "1") for place in (1, 4)])
    assert read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME).n_skipped == 3


@pytest.mark.parametrize(
    ("audiences", "sentence"),
    [
        ("readers;sailors", r"labels\.csv row 1: unknown label 'sailors'; use gardeners, cyclists, readers, none$"),
        ('["readers"', r"labels\.csv row 1: audiences '\[\"readers\"' is not a JSON list; write ids joined by ';'"),
    ],
)
def test_a_label_that_is_none_is_named(
    drawn: Callable[[str], Draw], tmp_path: Path, audiences: str, sentence: str
) -> None:
    draw = drawn("random")
    table = labels(tmp_path, [(draw.texts()[0], audiences, "1")])
    with pytest.raises(TableError, match=sentence):
        read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME)


def test_labels_of_other_messages_are_told(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    draw, table = drawn("random"), labels(tmp_path, [("the quiet harbour", "none", "1")])
    with pytest.raises(TableError, match=r"labels none of the messages that tasks\.json\.sample\.json says were drawn"):
        read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME)


def test_a_draw_of_chosen_messages_is_refused(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    draw = drawn("uncertain")
    table = labels(tmp_path, [(draw.texts()[0], "none", "1")])
    with pytest.raises(
        TableError, match="is of a draw by 'uncertain', from which no share follows; draw with segmenter"
    ):
        read_sampled(table, draw.record, audience_ids=AUDIENCES, frame=FRAME)


def test_a_draw_from_another_corpus_is_refused(drawn: Callable[[str], Draw], tmp_path: Path) -> None:
    draw = drawn("random")
    table = labels(tmp_path, [(draw.texts()[0], "none", "1")])
    with pytest.raises(TableError, match="is of a draw from other messages than the scored table holds"):
        read_sampled(table, draw.record, audience_ids=AUDIENCES, frame="0" * 64)


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}'])
def test_what_is_no_record_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "tasks.sample.json").write_text(content, "utf-8")
    table = labels(tmp_path, [("the quiet harbour", "none", "1")])
    with pytest.raises(TableError, match=r"tasks\.sample\.json: is not the record of a draw; name the \.sample\.json"):
        read_sampled(table, tmp_path / "tasks.sample.json", audience_ids=AUDIENCES, frame=FRAME)
