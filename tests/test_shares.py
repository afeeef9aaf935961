"""src/segmenter/shares: what share of some messages is built for an audience."""

from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
import pytest
from binned import histogram
from numpy.typing import NDArray
from scipy.stats import beta

from segmenter.calibration import log_odds
from segmenter.shares.bins import EDGES, N_BINS, bin_of
from segmenter.shares.corrected import Shares, corrected
from segmenter.shares.ground import Ground, estimable, grounds, mixed
from segmenter.shares.sampled import prediction_powered
from segmenter.shares.shift import Unlike, unlike_mixture


@dataclass(frozen=True)
class Settings:
    calibration_messages_at_least: int = 30
    share_bins: int = 12
    share_draws: int = 200
    sampled_exact_below: float = 0.05
    shift_p_below: float = 0.1


SETTINGS = Settings()
HIGH, LOW = 0.9, 0.1  # scores


def ground(n: int = 1000, *, per_author: int = 1, language: str = "en") -> Ground:
    """n messages with the audience, 80 % of them scored high; n without, 10 % of them scored high; the others low.

    Messages of one author and one kind are scored alike.
    """
    order = np.arange(n) // per_author * per_author / n
    scores = np.concatenate([np.where(order < 0.8, HIGH, LOW), np.where(order < 0.1, HIGH, LOW)])
    clusters = np.arange(2 * n) // per_author
    truth, nobody = np.repeat([True, False], n), np.zeros(2 * n, np.int64)
    return Ground(scores.astype(np.float32), truth, np.full(2 * n, language), clusters, nobody)


def cell(n_high: int, n_low: int) -> NDArray[np.int64]:
    """Messages of one cell in one language, shape (1, 1, N_BINS)."""
    return histogram(np.repeat([HIGH, LOW], [n_high, n_low]))[None, None]


def english(counts: NDArray[np.int64], known: Ground) -> Shares:
    return corrected(counts, ["en"], known, SETTINGS, seed=1)


def width(found: Shares) -> float:
    return float(found.high[0] - found.low[0])


def test_bins_rise_with_the_score_and_hold_every_score() -> None:
    scores = np.linspace(0, 1, 1001)
    found = bin_of(scores)
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[500], found[-1]) == (0, len(EDGES) // 2 + 1, N_BINS - 1)  # log-odds 0 begin a bin


def test_a_language_with_too_few_calibration_messages_says_what_is_lacking() -> None:
    known = ground(40)
    few = replace(known, truth=np.arange(80) < 12)
    assert estimable(known, ["en"], SETTINGS) == {"en": ""}
    assert estimable(few, ["en"], SETTINGS) == {"en": "12 calibration messages with it, 30 needed"}
    nothing = "0 calibration messages with it, 30 needed; 0 calibration messages without it, 30 needed"
    assert estimable(known, ["de"], SETTINGS) == {"de": nothing}


def test_thirty_of_either_kind_are_enough() -> None:
    assert estimable(ground(30), ["en"], SETTINGS) == {"en": ""}


def test_the_share_is_freed_of_false_and_missed_choices() -> None:
    # 0.8 p + 0.1 (1 - p) = 0.45 at p = 0.5; counting says 45 %, and of 240 high among 1,000 it would say 24 % for 20 %
    found = english(np.concatenate([cell(450, 550), cell(240, 760)]), ground())
    assert found.value == pytest.approx([0.5, 0.2], abs=0.01)
    assert (found.low < [0.5, 0.2]).all()
    assert (found.high > [0.5, 0.2]).all()


def test_a_share_stays_within_its_interval_and_both_between_0_and_1() -> None:
    counts = np.concatenate([cell(0, 1000), cell(1000, 0), cell(1, 0), cell(0, 3)])
    found = english(counts, ground())
    assert (found.low >= 0).all()
    assert (found.high <= 1).all()
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_languages_count_by_their_messages() -> None:
    # English 50 % of 1,000 messages, Russian 0.8 p + 0.1 (1 - p) = 0.24, so 20 %, of 3,000: 27.5 % of all
    parts = [ground(), ground(language="ru")]
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "truth", "languages")
    }
    known = Ground(**arrays, clusters=np.arange(4000), others=np.zeros(4000, np.int64))
    counts = np.concatenate([cell(450, 550), cell(720, 2280)], axis=1)
    found = corrected(counts, ["en", "ru"], known, SETTINGS, seed=1)
    assert found.value[0] == pytest.approx(0.275, abs=0.01)


def test_messages_of_a_language_without_ground_are_in_no_share() -> None:
    found = corrected(np.concatenate([cell(450, 550), cell(400, 0)], axis=1), ["en", "de"], ground(), SETTINGS, seed=1)
    assert found.n_estimable.tolist() == [1000]
    assert found.value[0] == pytest.approx(0.5, abs=0.01)


def test_a_cell_without_a_message_that_can_be_estimated_has_no_share() -> None:
    found = corrected(cell(40, 10), ["de"], ground(), SETTINGS, seed=1)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n_estimable.tolist() == [0]


def test_fewer_authors_make_an_interval_wider() -> None:
    # ten messages an author: author by author the variance is ten times as large; that of the corpus itself stays
    counts = cell(4500, 5500)
    ratio = width(english(counts, ground(per_author=10))) / width(english(counts, ground()))
    assert 2 < ratio < 4


def test_authors_of_the_corpus_are_a_draw_too() -> None:
    # p = (m - m0) / (m1 - m0) at p = 0.5: variance (0.25 * 0.16 + 0.25 * 0.09) / 1,000 / 0.7 ** 2 of one draw of authors,
    # standard error 0.0113; both draws 0.0160, so an interval of 0.063, a little more for the messages
    assert width(english(cell(45_000, 55_000), ground())) == pytest.approx(0.063, rel=0.15)


def test_where_scores_tell_all_the_share_of_these_messages_is_known() -> None:
    # all with it are high, all without are low: 300 of 1,000 is 30 %, and no larger population is asked about
    known = replace(ground(), scores=np.repeat(np.float32([HIGH, LOW]), 1000))
    found = english(cell(300, 700), known)
    assert found.value[0] == pytest.approx(0.3, abs=0.002)
    assert width(found) < 0.012


def test_small_cells_have_wider_intervals_than_large_ones() -> None:
    found = english(np.concatenate([cell(9, 11), cell(900, 1100)]), ground())
    widths = found.high - found.low
    assert widths[0] > 2 * widths[1]


def test_scores_of_a_model_a_little_sharper_than_its_fold_models_still_give_the_share() -> None:
    # the corpus's log-odds are 1.15 times as large and 0.3 lower: without allowing for that, the share came out too low
    draw = np.random.default_rng(7)
    known, corpus = invented(draw, share=0.4, leaning=0.0), invented(draw, share=0.4, leaning=0.0)
    sharper = 1 / (1 + np.exp(-(1.15 * log_odds(corpus.scores.astype(float)) - 0.3)))
    found = english(histogram(sharper)[None, None], known)
    assert found.low[0] <= corpus.truth.mean() <= found.high[0]


def test_one_seed_gives_the_same_shares() -> None:
    first, second = (english(cell(450, 550), ground(100)) for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)


def test_shares_of_invented_corpora_are_held_as_often_as_they_say() -> None:
    # authors of 1 to 9 messages whose scores lean up or down together; a corpus of other authors; the truth is its labels
    draw = np.random.default_rng(3)
    n_held = 0
    for number in range(120):
        known = invented(draw, share=0.4)
        corpus = invented(draw, share=float(draw.uniform(0.05, 0.7)))
        found = corrected(histogram(corpus.scores)[None, None], ["en"], known, SETTINGS, seed=number)
        n_held += bool(found.low[0] <= corpus.truth.mean() <= found.high[0])
    assert n_held >= 108  # 90 %: of 120 at a true rate of 95 %, fewer happen in 1 % of trials


def invented(draw: np.random.Generator, *, share: float, leaning: float = 1.0) -> Ground:
    clusters = np.repeat(np.arange(150), draw.integers(1, 10, 150))
    truth = draw.random(len(clusters)) < share
    log_odds = 2 * np.where(truth, 1, -1) + draw.normal(0, leaning, 150)[clusters] + draw.normal(0, 1.5, len(clusters))
    scores = (1 / (1 + np.exp(-log_odds))).astype(np.float32)
    return Ground(scores, truth, np.full(len(truth), "en"), clusters, np.zeros(len(truth), np.int64))


def test_five_thousand_cells_take_seconds() -> None:
    draw = np.random.default_rng(2)
    counts = draw.multinomial(200, np.full(N_BINS, 1 / N_BINS), (5000, 1))
    began = monotonic()
    english(counts, ground(300))
    assert monotonic() - began < 20


def test_draws_of_authors_keep_distributions_whole() -> None:
    found = mixed(ground(60), "en", SETTINGS, np.random.default_rng(1))
    assert len(found.prior) == found.n_scales + 200
    assert found.with_it.sum(axis=1) == pytest.approx(np.ones(len(found.prior)))
    assert (found.without > 0).all()


def test_messages_with_the_same_other_audiences_are_told_from_the_rest() -> None:
    truth = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    same = {"scores": np.zeros((4, 3), np.float32), "languages": np.full(4, "en"), "clusters": np.arange(4)}
    found = grounds(["cyclists", "readers", "gardeners"], truth=truth, **same)
    assert found["cyclists"].others.tolist() == [0, 1, 1, 0]
    assert found["gardeners"].truth.tolist() == [False] * 4


def shift(counts: NDArray[np.int64], known: Ground) -> Unlike:
    return unlike_mixture({"cyclists": counts[0]}, ["en"], {"cyclists": known}, SETTINGS, seed=1)


def test_a_corpus_that_is_a_mixture_is_not_called_unlike() -> None:
    found = shift(cell(450, 550), ground())
    assert not found.is_unlike
    assert found.parts[0][:2] == ("cyclists", "en")


def test_a_corpus_of_scores_that_no_mixture_has_is_called_unlike() -> None:
    # calibration scores are spread from .01 to .99; all of these lie between .4 and .6, of which a mixture has a tenth
    draw = np.random.default_rng(5)
    found = shift(histogram(draw.uniform(0.4, 0.6, 500))[None, None], invented(draw, share=0.4))
    assert found.is_unlike
    assert found.p < 0.02


def test_mixtures_of_other_authors_are_seldom_called_unlike() -> None:
    draw = np.random.default_rng(5)
    called = [
        shift(histogram(invented(draw, share=0.2).scores)[None, None], invented(draw, share=0.4)).is_unlike
        for _ in range(100)
    ]
    assert sum(called) <= 10  # 5 % or less; of 100 at 5 %, more happen in 1 % of trials


def test_a_corpus_with_nothing_to_test_is_not_called_unlike() -> None:
    assert shift(cell(400, 0), ground(20)) == Unlike(1.0, [], False)


def test_labels_alone_decide_where_scores_say_nothing() -> None:
    # 80 of 200 labels, all scores equal: 40 %, standard error sqrt(0.24 / 200 * (1 - 200 / 10,000))
    labels = np.arange(200) < 80
    found = prediction_powered(np.full(10_000, 0.3), np.full(200, 0.3), labels, SETTINGS)
    half = 1.96 * np.sqrt(0.24 / 200 * 0.98)
    assert found.value == pytest.approx(0.4)
    assert [found.low, found.high] == pytest.approx([0.4 - half, 0.4 + half], abs=0.005)


def test_scores_that_go_along_with_labels_make_the_share_surer() -> None:
    # scores 1 and 0 are right of 90 % of the messages; 40 % of the corpus has 1, and so have 40 % of the labelled
    scores = np.repeat([1.0, 0.0], [4000, 6000])
    labelled = np.repeat([1.0, 0.0], [80, 120])
    labels = np.concatenate([np.arange(80) < 72, np.arange(120) < 12])
    found = prediction_powered(scores, labelled, labels, SETTINGS)
    # slope 0.9 - 0.1 = 0.8. What is left: 72 times 0.2, 8 times -0.8, 12 times 1, 108 times 0, and the two worst, 1 and -0.8;
    # mean 20.2 / 202 = 0.1, variance (21.64 - 202 * 0.01) / 200 = 0.0981, less for 200 of 10,000
    assert found.value == pytest.approx(0.42)
    assert found.n_effective == pytest.approx(200 * 0.2436 / 0.0981 / 0.98, rel=0.001)


def test_scores_correct_a_sample_that_chance_made_uneven() -> None:
    # 50 % of the labelled are scored 1, only 40 % of the corpus; labels agree with scores: 40 %, surer than can be said
    scores, labelled = np.repeat([1.0, 0.0], [400, 600]), np.repeat([1.0, 0.0], [100, 100])
    labels = labelled > 0
    labels[0] = False
    # 99 of 100 scored 1 carry it, none of the others: slope 0.99, and 0.99 * 0.4 + (0.495 - 0.99 * 0.5) = 0.396
    assert prediction_powered(scores, labelled, labels, SETTINGS).value == pytest.approx(0.396)


def test_a_rare_audience_is_read_from_its_labels_exactly() -> None:
    # 3 of 200 is under 5 %: Clopper and Pearson 1934
    labels = np.arange(200) < 3
    found = prediction_powered(np.linspace(0, 1, 5000), np.linspace(0, 1, 200), labels, SETTINGS)
    assert found.value == pytest.approx(0.015)
    assert [found.low, found.high] == pytest.approx([beta.ppf(0.025, 3, 198), beta.ppf(0.975, 4, 197)])


def test_no_label_with_the_audience_still_leaves_it_possible() -> None:
    # 1 - 0.025 ** (1 / 100)
    found = prediction_powered(np.zeros(900), np.zeros(100), np.zeros(100, bool), SETTINGS)
    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 0.0362), abs=1e-4)


def test_a_whole_corpus_of_the_audience_has_an_exact_interval_too() -> None:
    found = prediction_powered(np.ones(900), np.ones(100), np.ones(100, bool), SETTINGS)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.9638, 1.0), abs=1e-4)


def test_labels_are_needed() -> None:
    with pytest.raises(ValueError, match="0 labels of 5 messages"):
        prediction_powered(np.zeros(5), np.zeros(0), np.zeros(0, bool), SETTINGS)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_shares_from_labels_are_held_as_often_as_they_say_whatever_the_scores(share: float) -> None:
    draw = np.random.default_rng(8)
    n_held = 0
    for _ in range(400):
        truth = draw.random(1000) < share
        scores = np.where(draw.random(1000) < 0.2, draw.random(1000), np.where(truth, 0.2, 0.9))  # most of them wrong
        own = draw.choice(1000, 200, replace=False)
        found = prediction_powered(scores, scores[own], truth[own], SETTINGS)
        n_held += found.low <= truth.mean() <= found.high
    assert n_held >= 368  # 92 %: of 400 at 95 %, fewer happen in 1 % of trials
