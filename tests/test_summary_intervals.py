import pytest

from segmenter.summary.html.intervals import share_number


@pytest.mark.parametrize(
    ("share", "number"),
    [(0.0, "0.0"), (0.00005, "under 0.01"), (0.0004, "0.04"), (0.001, "0.1"), (0.1234, "12.3"), (1.0, "100.0")],
)
def test_a_share_is_shown_in_percent_and_never_rounds_to_nothing(share: float, number: str) -> None:
    assert share_number(share) == number
