import numpy as np
import pytest
from conftest import TinyRun

from segmenter.calibration import log_odds
from segmenter.explain import Explanation, Word, explain, explain_each, without, words_of
from segmenter.score import Scorer, open_scorer
from segmenter.sections import Explain

BEDS = "gardeners, water the red beds before noon"
BAKERY = "gardeners, the red bakery sells rolls until six"  # one word for gardeners, the others for nobody


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


def explained(scorer: Scorer, text: str, *, words_at_most: int = 60) -> Explanation:
    (found,) = explain(scorer, [text], "gardeners", Explain(words_at_most=words_at_most))
    return found


def words(found: Explanation) -> list[str]:
    return [found.text[word.start : word.end] for word in found.words]


def test_every_word_of_the_original_has_an_effect(scorer: Scorer) -> None:
    assert words(explained(scorer, BEDS)) == ["gardeners", "water", "the", "red", "beds", "before", "noon"]


def test_a_link_a_handle_and_a_joined_word_are_one_word_each(scorer: Scorer) -> None:
    found = words(explained(scorer, "@ann, don't pull up rock-roses: https://beds.example/a?b=1 #GreenBeds"))
    assert found == ["@ann", "don't", "pull", "up", "rock-roses", "https://beds.example/a?b=1", "#GreenBeds"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("\u0438\u0306од и", "\u0438\u0306од"),  # й as a letter and its accent
        ("gar\u00addener beds", "gar\u00addener"),
        ("हिन्दी में", "हिन्दी"),
        ("\U0001f1e9\U0001f1ea beds", "\U0001f1e9\U0001f1ea"),
        ("beds🌹now", "beds"),
    ],
    ids=["accent", "soft hyphen", "vowel signs", "flag", "emoji behind"],
)
def test_a_word_stays_whole(text: str, word: str) -> None:
    first = words_of(text)[0]
    assert text[first.start : first.end] == word


def test_an_emoji_is_a_word() -> None:
    assert words_of("🌹") == [Word(0, 1)]


def test_words_are_left_out_together_in_any_order() -> None:
    # a b c d without "d" and "b"
    assert without("a b c d", [Word(6, 7), Word(2, 3)]) == "a  c "


def test_the_score_is_the_one_that_scoring_gives(scorer: Scorer) -> None:
    column = scorer.bundle.audience_ids.index("gardeners")
    assert explained(scorer, BEDS).score == float(scorer.score([BEDS]).scores[0, column])


def test_an_effect_is_what_the_score_loses_without_the_word(scorer: Scorer) -> None:
    found = explained(scorer, BAKERY)
    column = scorer.bundle.audience_ids.index("gardeners")
    rest = float(scorer.score([", the red bakery sells rolls until six"]).scores[0, column])
    assert found.words[0].effect == pytest.approx(found.score - rest, abs=1e-7)


def test_an_effect_in_log_odds_is_of_the_same_two_scores(scorer: Scorer) -> None:
    found = explained(scorer, BAKERY)
    whole, rest = log_odds(np.array([found.score, found.score - found.words[0].effect]))
    assert found.words[0].log_odds == pytest.approx(whole - rest, abs=1e-6)
    assert found.words[0].log_odds > 1


def test_the_word_that_names_the_public_carries_the_score(scorer: Scorer) -> None:
    found = explained(scorer, BAKERY)
    best = max(found.words, key=lambda word: word.effect)
    assert found.text[best.start : best.end] == "gardeners"
    assert best.effect > 0.1


def test_a_long_message_is_left_out_in_runs_of_neighbours(scorer: Scorer) -> None:
    # 7 words in at most 3 runs: 3 + 3 + 1
    found = explained(scorer, BEDS, words_at_most=3)
    assert words(found) == ["gardeners, water the", "red beds before", "noon"]
    assert found.words_together == 3


def test_a_message_without_words_has_no_effects(scorer: Scorer) -> None:
    assert explained(scorer, "!!!").words == []


def test_many_messages_keep_their_own_words(scorer: Scorer) -> None:
    texts = [BEDS, "???", "the old bakery"]
    alone = [explained(scorer, text) for text in texts]
    assert explain(scorer, texts, "gardeners", Explain(words_at_most=60)) == alone


def test_several_audiences_are_explained_each_as_alone(scorer: Scorer) -> None:
    texts, settings = [BEDS, BAKERY], Explain(words_at_most=60)
    alone = [explain(scorer, texts, name, settings) for name in ("readers", "gardeners")]
    assert explain_each(scorer, texts, ["readers", "gardeners"], settings) == alone


def test_an_audience_that_the_bundle_lacks_is_the_callers_fault(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="'bakers' is not in list"):
        explain(scorer, [BEDS], "bakers", Explain(words_at_most=60))
