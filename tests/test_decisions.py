"""eval/decisions.py: what each contender decided, message by message."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eval.baselines import Judgement
from eval.decisions import TRUTH, read_decisions, write_decisions
from eval.figures import Judged
from segmenter.errors import TableError

TRUE = np.array([[1, 0], [0, 1], [0, 0]], np.bool_)
CHOSEN = np.array([[1, 0], [1, 0], [0, 0]], np.bool_)
ENGLISH = np.array([True, True, False])
MESSAGES = pd.DataFrame(
    {
        "text": ["water the red beds", "the blue lane opens", "a cloud passed"],
        "author": ["en-0-red", "en-0-blue", None],
        "key": ["k0", "k1", "k2"],
        "lang": ["en", "en", "de"],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    judged = Judged(TRUE, np.array([4, 4, 9]), {"lang=en": ENGLISH}, ["gardeners", "cyclists"])
    write_decisions(tmp_path, MESSAGES, judged, [Judgement("model", CHOSEN.astype(float), CHOSEN)])
    return tmp_path


def test_labels_and_choices_come_back_as_they_were(folder: Path) -> None:
    decisions = read_decisions(folder)
    assert decisions.audience_ids == ["gardeners", "cyclists"]
    assert decisions.of(TRUTH).tolist() == TRUE.tolist()
    assert decisions.of("model").tolist() == CHOSEN.tolist()


def test_a_part_has_the_decisions_on_its_messages_alone(folder: Path) -> None:
    part = read_decisions(folder).within(np.array([False, True, True]))
    assert part.of(TRUTH).tolist() == TRUE[1:].tolist()


def test_slices_come_back_as_they_were(folder: Path) -> None:
    assert {name: mask.tolist() for name, mask in read_decisions(folder).slices.items()} == {
        "lang=en": ENGLISH.tolist()
    }


def test_neither_text_nor_author_is_written(folder: Path) -> None:
    whole = pd.read_parquet(folder / "decisions.parquet").to_csv()
    assert [word for word in ("beds", "lane", "cloud", "en-0") if word in whole] == []


def test_messages_are_named_by_their_place_and_hashed_text(folder: Path) -> None:
    frame = read_decisions(folder).frame
    assert (frame["row"].tolist(), frame["key"].tolist(), frame["cluster"].tolist()) == (
        [0, 1, 2],
        ["k0", "k1", "k2"],
        [4, 4, 9],
    )


def test_a_folder_without_decisions_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"holds no readable decisions\.parquet; name a folder that python -m eval"):
        read_decisions(tmp_path)


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "decisions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError, match=r"holds no readable decisions\.parquet"):
        read_decisions(tmp_path)


def test_another_table_of_that_name_is_one_sentence(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a"]}).to_parquet(tmp_path / "decisions.parquet")
    with pytest.raises(TableError, match=r"decisions\.parquet: lacks columns; name a folder"):
        read_decisions(tmp_path)
