from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import TinyRun, tiny_messages

from segmenter.batches import canonical_batches, in_input_order
from segmenter.bundle import Bundle
from segmenter.calibration import Calibration, judge
from segmenter.errors import BundleError, TableError
from segmenter.messages import VERDICTS
from segmenter.params import load_settings
from segmenter.prepared import read_split
from segmenter.readings import Readings
from segmenter.score import Judged, Scored, Scorer, open_scorer, scored_schema
from segmenter.store import ScoreStore
from segmenter.text import text_key

Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]
TEXTS = [row["text"] for row in tiny_messages()]
# between 3 tokens and more than 48, so that several buckets and several batches of one are used
MIXED = [text + " again" * (number % 7) for number, text in enumerate(TEXTS[::6])] + [" ".join(TEXTS[:9])]
BAND = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.25, high=0.75)  # exact as float32


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


def columns(scorer: Scorer, scores: list[list[float]], scope: list[str] | None = None) -> dict[str, list[object]]:
    """What scoring adds for messages of these scores, judged by BAND for every audience."""
    found = np.array(scores, np.float32)
    n = len(scores)
    scored = Scored(
        logits=found,
        scores=found,
        verdicts=judge(found, [BAND] * 3),
        languages=["en"] * n,
        scope=scope or [""] * n,
        long=np.zeros(n, np.bool_),
        pooled=np.zeros((n, 2), np.float32),
        pieces_per_word=np.ones(n),
    )
    return {name: values.to_pylist() for name, values in scorer.columns(scored, "").items()}


def test_scores_come_in_the_order_of_the_messages(scorer: Scorer) -> None:
    forward, backward = scorer.score(MIXED).scores, scorer.score(MIXED[::-1]).scores
    assert len(np.unique(forward, axis=0)) == len(set(MIXED))  # else any order would do
    np.testing.assert_array_equal(backward, forward[::-1])


def test_a_message_has_the_same_score_alone_as_among_others(scorer: Scorer) -> None:
    together = scorer.score(MIXED).scores
    np.testing.assert_array_equal(np.concatenate([scorer.score([text]).scores for text in MIXED]), together)


def test_a_repeated_message_has_the_same_score_each_time(scorer: Scorer) -> None:
    scores = scorer.score([TEXTS[0], *TEXTS[50:90], TEXTS[0]]).scores
    np.testing.assert_array_equal(scores[0], scores[-1])


PLAIN = "gardeners, water the red beds before noon @anna https://a.example"
MESSY = [
    "gardeners,  water the red\n beds before noon @anna https://a.example",
    "\u200bgardeners, water the ｒｅｄ beds before no\u00adon @anna https://a.example",
    "gard\u0435ners, water the red b\u0435ds before n\u043e\u043en @anna https://a.example",  # Cyrillic letters
    "g\u0336ardeners, water the red beds\u0301\u0302\u0303\u0304 before noon @bert_2 t.me/other/12",
]


@pytest.mark.parametrize("other", MESSY)
def test_what_the_text_rules_take_out_changes_no_score(scorer: Scorer, other: str) -> None:
    scores = scorer.score([PLAIN, other]).scores
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("other", MESSY)
def test_training_and_scoring_read_the_same_of_a_message(tiny_run: TinyRun, scorer: Scorer, other: str) -> None:
    # through the real bundle: the tokens that training would learn from give the logits that scoring gives
    from segmenter.model import find_base
    from training.examples import to_examples

    frame = read_split(tiny_run.params, "train").head(2).assign(text=[PLAIN, other])
    examples = to_examples(frame, find_base(tiny_run.params.base), tiny_run.params)
    assert examples.tokens.ids[0] == examples.tokens.ids[1]
    batches = canonical_batches(examples.tokens.ids, batch_tokens=scorer.runtime.batch_tokens, pad_id=examples.pad_id)
    logits = in_input_order(batches, [output.logits for output in scorer.runtime.run(batches)], examples.tokens)
    np.testing.assert_array_equal(scorer.score([PLAIN, other]).logits, logits)


def test_a_bundle_knows_a_training_message_in_disguise(tiny_run: TinyRun, scorer: Scorer) -> None:
    text = read_split(tiny_run.params, "train")["text"].iloc[0]
    assert text_key(text.upper().replace(" ", " \u200b ") + " https://a.example") not in scorer.bundle.row_keys
    assert text_key(text.upper().replace(" ", " \u200b ")) in scorer.bundle.row_keys


# the tiny vocabulary has the words of the training messages whole, all else letter by letter
def test_a_message_of_random_letters_is_shattered(scorer: Scorer) -> None:
    plain = "the bakery sells rolls until six"
    assert scorer.score([plain, f"{plain} qxzjvkwq bvcxzqwj pqowxzjv zxqvbjwk"]).scope == ["", "shattered"]


def test_who_is_named_changes_no_score(scorer: Scorer) -> None:
    scores = scorer.score(["@anna water the beds https://a.example", "@bert water the beds https://b.example/x"]).scores
    np.testing.assert_array_equal(scores[0], scores[1])


def test_no_messages_give_no_scores(scorer: Scorer) -> None:
    scored = scorer.score([])
    assert (scored.scores.shape, scored.languages, scored.scope) == ((0, 3), [], [])


def test_scores_are_the_calibrated_logits(scorer: Scorer) -> None:
    scored = scorer.score(TEXTS[:5])
    first = scorer.bundle.manifest.calibration[0]
    wanted = 1 / (1 + np.exp(-(first.slope * scored.logits[:, 0].astype(np.float64) + first.intercept)))
    np.testing.assert_allclose(scored.scores[:, 0], wanted, rtol=1e-5)


def test_a_trained_bundle_tells_its_audiences_apart(scorer: Scorer) -> None:
    # 180 of the 240 messages are built for one of three audiences; chance would place a third of them
    scored = scorer.score(TEXTS)
    truth = [row["audiences"] for row in tiny_messages()]
    best = [scorer.bundle.audience_ids[i] for i in scored.scores.argmax(axis=1)]
    assert sum(name == wanted for name, wanted in zip(best, truth, strict=True)) > 120


def test_a_message_clear_of_a_band_above_is_chosen(scorer: Scorer) -> None:
    found = columns(scorer, [[0.9, 0.1, 0.1]])
    assert (found["verdict"], found["audiences"], found["reason"]) == (["chosen"], ["gardeners"], [""])


def test_a_message_below_every_band_is_none(scorer: Scorer) -> None:
    found = columns(scorer, [[0.1, 0.2, 0.0]])
    assert (found["verdict"], found["audiences"], found["reason"]) == (["none"], [""], [""])


# BAND is [0.25, 0.75): 0.25 lies in it, 0.75 does not; 0.4 is below the threshold, 0.6 above, both unsure
@pytest.mark.parametrize(
    ("score", "verdict"),
    [(0.24, "none"), (0.25, "uncertain"), (0.4, "uncertain"), (0.6, "uncertain"), (0.75, "chosen")],
)
def test_a_message_in_a_band_is_uncertain(scorer: Scorer, score: float, verdict: str) -> None:
    assert columns(scorer, [[0.0, score, 0.0]])["verdict"] == [verdict]


def test_an_empty_band_makes_nobody_uncertain() -> None:
    # low = threshold = high: at it is chosen and clear, below it is not, near is never
    sharp = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)
    verdicts = judge(np.array([[0.5], [0.49]], np.float32), [sharp])
    assert (verdicts.clear.ravel().tolist(), verdicts.near.any()) == ([True, False], False)


def test_several_clear_audiences_are_joined_in_their_order(scorer: Scorer) -> None:
    assert columns(scorer, [[0.8, 0.1, 0.9]])["audiences"] == ["gardeners;readers"]


def test_a_clear_audience_beside_a_near_one_is_listed_and_the_message_uncertain(scorer: Scorer) -> None:
    found = columns(scorer, [[0.9, 0.5, 0.5]])
    assert (found["audiences"], found["verdict"]) == (["gardeners"], ["uncertain"])
    assert found["reason"] == ["near_threshold:cyclists;near_threshold:readers"]


def test_scope_asked_for_alone_is_what_scoring_finds(scorer: Scorer) -> None:
    texts = [
        "gardeners, water the red beds before noon",
        "ok",
        "qxzjvkwq bvcxzqwj pqowxzjv",
        "Les boulangers ferment",
        "ok",
    ]
    assert scorer.scope(texts) == scorer.score(texts).scope
    assert scorer.scope([]) == []


def test_an_out_of_scope_message_is_uncertain_whatever_its_scores(scorer: Scorer) -> None:
    found = columns(scorer, [[0.9, 0.0, 0.0], [0.0, 0.0, 0.0]], ["too_short", "language_not_trained:fr"])
    assert found["verdict"] == ["uncertain", "uncertain"]
    assert found["reason"] == ["too_short", "language_not_trained:fr"]


def test_scope_stands_before_the_near_audiences_in_a_reason(scorer: Scorer) -> None:
    assert columns(scorer, [[0.5, 0.0, 0.0]], ["too_short"])["reason"] == ["too_short;near_threshold:gardeners"]


def test_verdicts_are_of_the_known_words_alone(scorer: Scorer) -> None:
    added = scorer.columns(scorer.score([*TEXTS, "ok", "C'est la fête du village ce soir"]), "")
    assert set(added["verdict"].to_pylist()) <= set(VERDICTS)


# the tiny params: 3 letters at least, trained on German and English
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ok", "too_short"),
        ("12:30 !!", "too_short"),
        ("@anna https://a.example", "too_short"),
        ("Le boulanger du village vend des petits pains jusqu'à six heures du soir", "language_not_trained:fr"),
        ("the bakery sells rolls until six", ""),
    ],
)
def test_what_the_bundle_cannot_judge_is_said(scorer: Scorer, text: str, reason: str) -> None:
    assert scorer.score([text]).scope == [reason]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the bakery sells rolls until six every evening", "en"),
        ("Die Bäckerei verkauft jeden Abend Brötchen bis sechs", "de"),
        ("Пекарня продаёт булочки до шести часов вечера", "ru"),
        ("🙂🙂 12:30", "und"),
    ],
)
def test_the_language_column_is_the_messages_own(scorer: Scorer, text: str, language: str) -> None:
    assert scorer.columns(scorer.score([text]), "")["language"].to_pylist() == [language]


def test_messages_longer_than_max_tokens_are_marked_each_time(scorer: Scorer) -> None:
    # 48 tokens, two of them special: 47 words are too long, 46 are not
    scored = scorer.score(["red " * 47, "red", "red " * 46, "red " * 47])
    assert scored.long.tolist() == [True, False, False, True]


def test_what_stands_beyond_max_tokens_counts(scorer: Scorer) -> None:
    # 63 words for nobody, more than a window holds, then what gardeners are told, or cyclists
    filler = "the blue cloud passed over the harbour " * 9
    told = ["gardeners, water the red beds before noon " * 4, "cyclists, the red lane opens on Monday " * 4]
    scored = scorer.score([filler + text for text in told])
    assert scored.logits[0, 0] > scored.logits[1, 0] + 0.1
    assert scored.scores[0, 0] > scored.scores[1, 0]


def test_the_logits_of_a_long_message_are_the_mean_over_its_windows_by_tokens(scorer: Scorer) -> None:
    # 46 words a window, 16 of them shared: 60 words are windows of words 1 to 46 and 31 to 60, of 48 and 32 tokens
    words = " ".join(text for text in TEXTS[::7]).replace(",", "").split()[:60]
    logits = scorer.score([" ".join(words), " ".join(words[:46]), " ".join(words[30:])]).logits
    np.testing.assert_allclose(logits[0], (48 * logits[1] + 32 * logits[2]) / 80, rtol=1e-5)


def test_pooled_vectors_of_a_long_message_are_the_mean_over_its_windows_by_tokens(scorer: Scorer) -> None:
    pooled = scorer.score(["red " * 60, "red " * 46, "red " * 30]).pooled
    np.testing.assert_allclose(pooled[0], (48 * pooled[1] + 32 * pooled[2]) / 80, rtol=1e-4, atol=1e-6)


def test_a_message_of_100_kilobytes_is_scored(scorer: Scorer) -> None:
    scored = scorer.score(["gardeners, water the red beds before noon " * 2500, TEXTS[0]])
    assert scored.long.tolist() == [True, False]
    assert np.isfinite(scored.scores).all()


def test_the_model_column_is_the_name_of_the_bundle(scorer: Scorer) -> None:
    assert columns(scorer, [[0.0, 0.0, 0.0]])["model"] == [scorer.bundle.name]


def test_score_columns_are_float32(scorer: Scorer) -> None:
    added = scorer.columns(scorer.score(TEXTS[:2]), "")
    assert [added[f"score_{name}"].type for name in scorer.bundle.audience_ids] == [pa.float32()] * 3


def test_a_prefix_stands_before_every_added_column(scorer: Scorer) -> None:
    assert all(name.startswith("seg_") for name in scorer.columns(scorer.score(TEXTS[:1]), "seg_"))


def test_the_schema_keeps_every_input_column_before_the_added_ones() -> None:
    found = scored_schema(pa.schema([("id", pa.int64()), ("text", pa.string())]), ["tea"], "")
    assert found.names == ["id", "text", "score_tea", "audiences", "verdict", "reason", "language", "model"]


def test_a_column_name_that_is_taken_suggests_a_prefix() -> None:
    wanted = "^input: has a column 'language', which scoring adds; give the added columns a --prefix, such as --prefix"
    with pytest.raises(TableError, match=wanted):
        scored_schema(pa.schema([("text", pa.string()), ("language", pa.string())]), ["tea"], "")


def test_a_prefix_frees_a_taken_name() -> None:
    schema = pa.schema([("text", pa.string()), ("language", pa.string())])
    assert "seg_language" in scored_schema(schema, ["tea"], "seg_").names


def test_thresholds_are_the_bundles_own(tiny_run: TinyRun, tmp_path: Path, reseal: Reseal) -> None:
    # a band over all scores: every message is near every audience
    whole = {"slope": 1.0, "intercept": 0.0, "threshold": 0.5, "low": 0.0, "high": 1.1}
    reseal(tiny_run.bundle, tmp_path / "bundle", {"calibration": [whole] * 3})
    scored = open_scorer(tmp_path / "bundle", load_settings(None).score).score(TEXTS[:3])
    assert (scored.verdicts.near.all(), scored.verdicts.clear.any()) == (True, False)


def test_score_columns_are_named_by_the_bundles_audiences(tiny_run: TinyRun, tmp_path: Path, reseal: Reseal) -> None:
    audiences = [part.model_dump() for part in tiny_run.params.audiences]
    audiences[0]["id"] = "beekeepers"
    reseal(tiny_run.bundle, tmp_path / "bundle", {"audiences": audiences})
    scorer = open_scorer(tmp_path / "bundle", load_settings(None).score)
    assert next(iter(scorer.columns(scorer.score(TEXTS[:1]), ""))) == "score_beekeepers"


def staged(scorer: Scorer, texts: list[str], store: ScoreStore) -> Judged:
    """What the stages say of texts, one after the other."""
    return scorer.judged(scorer.read(scorer.prepare(texts, store), store))


def same(one: Readings, other: Readings) -> bool:
    """Whether two readings of the same messages are equal to the bit."""
    arrays = ("logits", "long", "pieces_per_word")
    equal = all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in arrays)
    return equal and (one.languages, one.scope) == (other.languages, other.scope)


@pytest.mark.parametrize("n_rows", [1, 7, 1000])
def test_the_stages_say_what_scoring_at_once_says(scorer: Scorer, n_rows: int) -> None:
    texts = [*MIXED, "ok", *MIXED[:9], "@anna 🙂", "Les boulangers ferment"]
    wanted = scorer.score(texts)
    with ScoreStore.temporary() as store:
        for start in range(0, len(texts), n_rows):
            rows = np.arange(start, min(start + n_rows, len(texts)))
            found = staged(scorer, texts[start : start + n_rows], store)
            assert same(found, wanted.part(rows))
            assert found.scores.tobytes() == wanted.scores[rows].tobytes()
            added = {name: values.take(rows) for name, values in scorer.columns(wanted, "").items()}
            assert scorer.columns(found, "") == added


def test_no_messages_pass_through_the_stages(scorer: Scorer) -> None:
    with ScoreStore.temporary() as store:
        assert staged(scorer, [], store).scores.shape == (0, 3)


def test_a_text_is_run_once_in_a_run(scorer: Scorer) -> None:
    # MESSY and PLAIN are five forms of one text
    with ScoreStore.temporary() as store:
        first = scorer.prepare([PLAIN, *MESSY, TEXTS[0]], store)
        assert len(first.new) == 2
        scorer.read(first, store)
        assert len(scorer.prepare([MESSY[0], TEXTS[0], TEXTS[1]], store).new) == 1


def test_a_text_on_its_way_to_the_network_is_not_run_again(scorer: Scorer) -> None:
    with ScoreStore.temporary() as store:
        first = scorer.prepare(TEXTS[:5], store)
        second = scorer.prepare(TEXTS[3:8], store)
        assert (len(first.new), len(second.new), len(second.awaited)) == (5, 3, 2)
        scorer.read(first, store)
        assert same(scorer.read(second, store), scorer.score(TEXTS[3:8]))


def test_a_text_that_others_failed_to_run_is_run_after_all(scorer: Scorer) -> None:
    with ScoreStore.temporary() as store:
        scorer.prepare(TEXTS[:5], store)  # and never read
        assert same(scorer.read(scorer.prepare(TEXTS[3:8], store), store), scorer.score(TEXTS[3:8]))


def test_scores_out_of_a_kept_store_are_those_of_the_network(scorer: Scorer, tmp_path: Path) -> None:
    with ScoreStore.at(tmp_path, megabytes_at_most=1) as store:
        before = staged(scorer, MIXED, store)
    with ScoreStore.at(tmp_path, megabytes_at_most=1) as store:
        prepared = scorer.prepare(MIXED[::-1], store)
        after = scorer.judged(scorer.read(prepared, store))
    assert prepared.new == []
    assert after.scores.tobytes() == before.scores[::-1].tobytes()
    assert same(after, scorer.score(MIXED[::-1]))


def test_a_kept_store_serves_no_other_bundle(scorer: Scorer, tiny_run: TinyRun, tmp_path: Path, reseal: Reseal) -> None:
    reseal(tiny_run.bundle, tmp_path / "bundle", {"git_commit": "another"})
    with ScoreStore.at(tmp_path / "cache", megabytes_at_most=1) as store:
        staged(scorer, TEXTS[:5], store)
        other = open_scorer(tmp_path / "bundle", load_settings(None).score)
        assert len(other.prepare(TEXTS[:5], store).new) == 5


def test_two_threads_score_at_once(scorer: Scorer) -> None:
    # long messages and short ones, so that windows and pieces are asked of one tokenizer at the same time
    parts = [[text * 12 for text in TEXTS[:20]], TEXTS[20:60], [text * 9 for text in TEXTS[60:80]], TEXTS[80:120]]
    wanted = [scorer.score(part) for part in parts]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(scorer.score, parts * 5))
    assert all(same(one, other) for one, other in zip(found, wanted * 5, strict=True))


def test_a_folder_that_is_no_bundle_is_never_scored_with(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        open_scorer(tmp_path, load_settings(None).score)
