import pytest

from segmenter.summary.yardstick import BANDS, Yardstick, shown_probability, stated


@pytest.mark.parametrize(
    ("yardstick", "probability", "sentence"),
    [
        ("phia", 0.05, "There is a remote chance that the tide turned (5 %)."),
        ("phia", 0.051, "The probability that the tide turned is 5 %."),  # in the gap up to 10 %
        ("phia", 0.10, "It is highly unlikely that the tide turned (10 %)."),
        ("phia", 0.20, "The probability that the tide turned is 20 %."),
        ("phia", 0.40, "There is a realistic possibility that the tide turned (40 %)."),
        ("phia", 0.50, "The probability that the tide turned is 50 %."),
        ("phia", 0.55, "It is likely that the tide turned (55 %)."),
        ("phia", 0.92, "The probability that the tide turned is 92 %."),
        ("phia", 0.95, "It is almost certain that the tide turned (95 %)."),
        ("phia", 1.0, "It is almost certain that the tide turned (over 99 %)."),
        ("icd203", 0.05, "It is very unlikely that the tide turned (5 %)."),
        ("icd203", 0.45, "The chances are roughly even that the tide turned (45 %)."),
        ("icd203", 0.55, "It is likely that the tide turned (55 %)."),
        ("icd203", 0.80, "It is very likely that the tide turned (80 %)."),
        ("icd203", 0.995, "The probability that the tide turned is over 99 %."),
        ("icd203", 0.002, "The probability that the tide turned is under 1 %."),
        ("none", 0.95, "The probability that the tide turned is 95 %."),
    ],
)
def test_a_band_has_its_word_and_a_gap_its_number_alone(
    yardstick: Yardstick, probability: float, sentence: str
) -> None:
    assert stated(probability, "the tide turned", yardstick) == sentence


@pytest.mark.parametrize("yardstick", ["phia", "icd203"])
def test_bands_rise_and_never_overlap(yardstick: Yardstick) -> None:
    ends = [end for low, high, _ in BANDS[yardstick] for end in (low, high)]
    assert ends == sorted(ends)


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="is no probability"):
        stated(probability, "the tide turned", "phia")


def test_no_estimate_is_shown_as_certain() -> None:
    assert [shown_probability(p) for p in (0.0, 0.009, 0.01, 0.99, 0.991, 1.0)] == [
        *("under 1 %", "under 1 %", "1 %", "99 %", "over 99 %", "over 99 %")
    ]
