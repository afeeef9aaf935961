import pyarrow as pa

from segmenter.messages import MessageBatch, scored_fields


def batch(values: list[object]) -> MessageBatch:
    return MessageBatch("inbox.jsonl", list(range(1, len(values) + 1)), pa.RecordBatch.from_pydict({"id": values}))


def test_a_column_of_numbers_reads_as_text() -> None:
    assert batch([7, 12]).column("id") == ["7", "12"]


def test_a_missing_value_stays_missing_in_a_column() -> None:
    assert batch(["a", None]).column("id") == ["a", None]


def test_scoring_adds_one_score_per_audience_and_then_the_rest() -> None:
    names = [field.name for field in scored_fields(["coast", "hills"], "")]
    assert names == ["score_coast", "score_hills", "audiences", "verdict", "reason", "language", "model"]


def test_scores_are_float32_and_everything_else_added_is_text() -> None:
    kinds = [field.type for field in scored_fields(["coast"], "")]
    assert kinds == [pa.float32()] + [pa.string()] * 5


def test_a_prefix_stands_before_every_added_name() -> None:
    assert all(field.name.startswith("seg_") for field in scored_fields(["coast", "hills"], "seg_"))
