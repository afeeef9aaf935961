import pytest

from segmenter import errors
from segmenter.errors import SegmenterError, TableError


def test_an_error_is_one_sentence_of_where_what_and_what_would_do() -> None:
    assert str(SegmenterError("inbox.csv line 41", "column 'text' is empty", "fill it")) == (
        "inbox.csv line 41: column 'text' is empty; fill it"
    )


def test_every_error_of_ours_is_caught_as_one_kind() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert kinds
    assert all(issubclass(kind, SegmenterError) for kind in kinds)


def test_where_may_be_a_path_or_any_value() -> None:
    with pytest.raises(TableError, match=r"^7: found; do$"):
        raise TableError(7, "found", "do")
