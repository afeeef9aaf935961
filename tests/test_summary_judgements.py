import re
from dataclasses import replace

import pytest
from invented import ordinary

from segmenter.summary.citations import all_ids
from segmenter.summary.findings import AudienceFinding, Cell, Dimension, Findings, ShareFinding, Shift, Value, Window
from segmenter.summary.judgements import judgements
from segmenter.summary.yardstick import Yardstick


def share(value: float, half: float, n_estimable: int = 1000) -> ShareFinding:
    return ShareFinding(value, value - half, value + half, n_estimable, 1000, 0.0, 1.0, "corrected")


def audience(name: str, found: ShareFinding | None) -> AudienceFinding:
    return AudienceFinding(name.lower(), name, 10, 10, 1, 0, found, None, {})


def window(**changes: object) -> Window:
    """Before 100 of 1,000, after 150 of 1,000: ratio 1.5, interval 1.2 to 1.875."""
    known = Window(1, "cyclists", 14, 14, 100, 150, 1000, 1000, 1.5, 1.2, 1.875, 0.004, 0.02, "")
    return replace(known, **changes)


def findings(*audiences: AudienceFinding, windows: list[Window] | None = None) -> Findings:
    return replace(ordinary(), audiences=list(audiences), dimensions=[], windows=windows or [], shift=None)


def texts(found: Findings, yardstick: Yardstick = "phia") -> list[str]:
    return [judgement.text for judgement in judgements(found, yardstick)]


def test_every_citation_is_that_of_a_figure() -> None:
    found = ordinary()
    known = set(all_ids(found))
    assert {cite for judgement in judgements(found, "phia") for cite in judgement.cites} - known == set()


def test_facts_come_first() -> None:
    found = texts(ordinary())
    assert re.match(r"The corpus holds 12,400 messages in \d+ languages, dated 6 January 2031 to ", found[0])


def test_a_share_carries_its_interval_and_never_a_word_of_the_yardstick() -> None:
    [found] = [text for text in texts(findings(audience("Cyclists", share(0.31, 0.05)))) if "estimated" in text]
    assert found == (
        "An estimated 31 % (95 % interval 26 to 36 %; corrected for the model's errors) of all messages are of the kind "
        "built for Cyclists."
    )


def test_a_share_of_some_messages_says_of_which() -> None:
    found = texts(findings(audience("Cyclists", share(0.31, 0.05, 600))))
    assert any("of the 600 of 1,000 messages for which this can be estimated" in text for text in found)


def test_a_share_that_may_be_almost_anything_has_no_number_of_its_own() -> None:
    [found] = [text for text in texts(findings(audience("Cyclists", share(0.4, 0.3)))) if "Cyclists" in text]
    assert found == (
        "How much of all messages is of the kind built for Cyclists is hardly known (95 % interval 10 to 70 %; corrected for "
        "the model's errors)."
    )


def test_the_larger_of_two_shares_gets_a_probability() -> None:
    # standard errors .05 / 1.96 = .0255 each, .0361 of the difference; .05 / .0361 = 1.386: 91.7 %, in PHIA's gap
    two = findings(audience("Cyclists", share(0.30, 0.05)), audience("Readers", share(0.35, 0.05)))
    wanted = "The probability that more is built for Readers than for Cyclists is 92 %."
    assert wanted in texts(two)
    assert "It is very likely that more is built for Readers than for Cyclists (92 %)." in texts(two, "icd203")


def test_shares_of_other_messages_are_not_compared() -> None:
    two = findings(audience("Cyclists", share(0.3, 0.05, 600)), audience("Readers", share(0.4, 0.05)))
    assert not any(" than for " in text for text in texts(two))


def test_shares_of_other_messages_are_compared_within_the_largest_languages() -> None:
    # in German both are of the same 400 messages: standard errors .05 / 1.96, .0361 of the difference, 5.5 of them
    def value(name: str, cyclists: int, readers: int) -> Value:
        shares = {"cyclists": share(0.3, 0.05, cyclists), "readers": share(0.5, 0.05, readers)}
        return Value(name, "one", 400, 0, 0, {key: Cell(0, found) for key, found in shares.items()}, None)

    two = findings(audience("Cyclists", share(0.3, 0.05, 600)), audience("Readers", share(0.4, 0.05)))
    languages = Dimension("language", [value("en", 400, 300), value("de", 400, 400)])
    told = judgements(replace(two, dimensions=[languages]), "phia")
    [found] = [one for one in told if " than for " in one.text]
    assert found.text == "It is almost certain that more is built for Readers than for Cyclists in German (over 99 %)."
    assert found.cites == ["L1", "L2"]


def test_a_change_that_stands_is_told_with_its_probability_and_size() -> None:
    # ln 1.5 = .405; ln 1.875 - ln 1.2 = .446, / 3.92 = .114: 3.56 standard errors
    [found] = [text for text in texts(findings(audience("Cyclists", None), windows=[window()])) if "chosen for" in text]
    assert found == (
        "It is almost certain that the part of messages chosen for Cyclists rose from 28 April 2031 on (over 99 %). "
        "It was 1.50 times that before (95 % interval 1.20 to 1.88), which stands at the 5 % level after correction for all "
        "declared events (p = 0.02): an association, not a cause."
    )


def test_a_change_downwards_fell() -> None:
    down = findings(audience("Cyclists", None), windows=[window(ratio=0.5, low=0.4, high=0.625)])
    assert any("chosen for Cyclists fell from 28 April 2031 on (over 99 %)" in text for text in texts(down))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"p_holm": 0.2},
            "2 before-and-after comparisons show no change that stands at the 5 % level after correction.",
        ),
        (
            {"p": None, "p_holm": None, "note": "few"},
            "2 before-and-after comparisons could not be tested: of them nothing is claimed.",
        ),
        (
            {"event": 0, "p": None, "p_holm": None},
            "2 exploratory before-and-after comparisons are of events not declared before looking: of them nothing is claimed.",
        ),
    ],
    ids=["does not stand", "not tested", "not declared"],
)
def test_what_does_not_stand_is_counted_and_nothing_is_claimed_of_it(changes: dict[str, object], told: str) -> None:
    found = judgements(findings(audience("Cyclists", None), windows=[window(**changes)] * 2), "phia")
    assert [one.cites for one in found if one.text == told] == [["E1", "E2"]]
    assert not any("chosen for" in one.text for one in found)


def test_of_very_many_changes_that_stand_the_rest_is_counted() -> None:
    many = findings(audience("Cyclists", None), windows=[window()] * 14)
    assert sum("chosen for" in text for text in texts(many)) == 12
    assert "2 further before-and-after comparisons stand too: their figures are in the table." in texts(many)


def test_a_window_without_a_ratio_has_no_judgement() -> None:
    none = window(ratio=None, low=None, high=None, p=None, p_holm=None, note="no message before the event")
    assert not any(
        "chosen for" in text or "compar" in text for text in texts(findings(audience("Cyclists", None), windows=[none]))
    )


def test_what_cannot_be_estimated_is_said_so() -> None:
    german = replace(audience("Readers", share(0.3, 0.05)), not_estimable={"de": "12 positives"})
    found = texts(findings(audience("Cyclists", None), german))
    assert "What share of the messages is built for Cyclists cannot be estimated." in found
    assert "How much is built for Readers in German cannot be estimated." in found


def test_a_shift_is_warned_of() -> None:
    shifted = replace(ordinary(), shift=Shift(True, 0.01, "Scores of Cyclists in German are like no mixture."))
    found = "Scores of Cyclists in German are like no mixture. (p = 0.01)"
    assert f"The shares may be further off than their intervals say. {found}" in texts(shifted)
