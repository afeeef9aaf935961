import pytest
from conftest import TinyRun

from segmenter.score import open_scorer
from segmenter.sections import Explain
from segmenter.summary.carrying import Carrying
from segmenter.summary.redact import redacted

BAKERY = "gardeners, the red bakery sells rolls until six"  # one word for gardeners, the others for nobody


@pytest.fixture(scope="module")
def carrying(tiny_run: TinyRun) -> Carrying:
    return Carrying(open_scorer(tiny_run.bundle, tiny_run.params.score), Explain(words_at_most=60))


def test_the_word_that_carries_the_score_has_the_largest_weight(carrying: Carrying) -> None:
    found = carrying.spans(BAKERY, BAKERY, "gardeners")
    strongest = max(found, key=lambda span: span.weight)
    assert BAKERY[strongest.start : strongest.end] == "gardeners"
    assert max(abs(span.weight) for span in found) == 1
    assert [span.start for span in found] == sorted(span.start for span in found)


def test_words_are_marked_where_they_stand_in_the_redacted_text(carrying: Carrying) -> None:
    # the handle and the link are masked; the word behind them keeps its mark at its new place
    text = f"@ann_b see https://bakery.example/rolls?a=1 {BAKERY}"
    shown = redacted(text)
    assert shown == f"@… see [link] {BAKERY}"
    strongest = max(carrying.spans(text, shown, "gardeners"), key=lambda span: span.weight)
    assert shown[strongest.start : strongest.end] == "gardeners"


def test_a_text_that_is_all_masked_has_no_marks(carrying: Carrying) -> None:
    assert carrying.spans("@ann_b @bob", "@… @…", "gardeners") == []
