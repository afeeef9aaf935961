from segmenter.summary.findings import Example, Span
from segmenter.summary.html.highlighted import Piece, pieces


def example(text: str, *spans: Span) -> Example:
    return Example(text, 0.9, "en", None, None, 1, "scored.csv line 2", list(spans))


def test_a_message_is_cut_at_the_words_that_carry_its_score() -> None:
    # "the" has less than a fifth of the strongest word's effect, and is no word that carries the score
    found = pieces(example("Open the gates", Span(0, 4, 1.0), Span(5, 8, 0.1), Span(9, 14, -0.5)))
    assert found == [Piece("Open", 1.0), Piece(" the ", 0.0), Piece("gates", -0.5)]


def test_spans_that_overlap_or_leave_the_text_are_cut() -> None:
    found = pieces(example("Open gates", Span(0, 7, 1.0), Span(5, 99, 0.5)))
    assert found == [Piece("Open ga", 1.0), Piece("tes", 0.5)]


def test_a_message_without_spans_is_one_piece() -> None:
    assert pieces(example("Open gates")) == [Piece("Open gates", 0.0)]
