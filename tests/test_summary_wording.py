from segmenter.summary.wording import percentage, written_score


def test_a_percentage_never_rounds_something_to_nothing() -> None:
    assert [percentage(1, 10_000), percentage(0, 5), percentage(1, 8), percentage(0, 0)] == [
        "<0.1 %", "0 %", "12.5 %", "–"
    ]  # fmt: skip


def test_no_score_is_shown_as_one() -> None:
    assert [written_score(0.9999), written_score(0.87)] == ["over 0.99", "0.87"]
