from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TinyRun, TinyVersion

from eval.card import write_card
from eval.evaluate import evaluate
from eval.figures import Figure, value_of
from segmenter.bundle import audit
from segmenter.intervals import Estimate


@pytest.fixture(scope="module")
def card(tiny_version: TinyVersion) -> str:
    """The card of the tiny run, on one line per row as written."""
    return (tiny_version.evaluation.folder / "card.md").read_text("utf-8")


def test_the_card_says_where_the_reference_labels_come_from(card: str, tiny_run: TinyRun) -> None:
    assert f"## Where the reference labels come from\n{tiny_run.params.data.reference_labels}\n" in card


def test_the_card_cites_the_digest_of_the_bundle(card: str, tiny_run: TinyRun) -> None:
    assert f"Digest `{audit(tiny_run.bundle).digest}`" in card


@pytest.mark.parametrize(
    "limit",
    [
        "It never profiles people",
        "it says nothing of who made a message, whether it is true, coordinated, paid or hostile",
        "it writes no messages",
        "An audience label is not evidence of foreign origin",
    ],
)
def test_the_card_states_the_limits_of_scope(card: str, limit: str) -> None:
    assert limit in card


def test_every_f1_of_every_contender_stands_in_the_card(card: str, tiny_version: TinyVersion) -> None:
    found = tiny_version.evaluation.found
    missing = [
        part for part in found if part.metric == "f1" and part.part == "all" and f"| {part.shown()} |" not in card
    ]
    assert missing == []


def test_every_slice_stands_in_the_card_with_its_figures(card: str, tiny_version: TinyVersion) -> None:
    found = tiny_version.evaluation.found
    for name in {part.part for part in found} - {"all"}:
        macro = value_of(found, "model", name, "macro", "f1")
        assert f"| {name} | {macro.n} | this model | {macro.shown()} |" in card


def test_the_gain_over_each_baseline_stands_in_the_card(card: str, tiny_version: TinyVersion) -> None:
    wanted = ("f1_gain", "all", "macro")
    gains = [part for part in tiny_version.evaluation.found if (part.metric, part.part, part.audience) == wanted]
    assert len(gains) == 3
    assert [gain for gain in gains if f": {gain.shown()}\n" not in card] == []


def test_the_definition_and_threshold_of_every_audience_stand_in_the_card(card: str, tiny_run: TinyRun) -> None:
    manifest = audit(tiny_run.bundle).manifest
    for audience, part in zip(manifest.audiences, manifest.calibration, strict=True):
        assert f"| `{audience.id}` | {audience.definition} | {part.threshold:.2f} |" in card


@pytest.mark.parametrize("error", [None, Estimate(0.25, 0.1, 0.4, 20.0)], ids=["too few", "enough"])
def test_messages_for_several_audiences_stand_in_the_card(
    tiny_run: TinyRun, tiny_version: TinyVersion, tmp_path: Path, error: Estimate | None
) -> None:
    # the invented messages are for one audience each
    of_one = tiny_version.evaluation.abstention
    assert (of_one.n_several, of_one.error_several) == (0, None)
    several = replace(of_one, n_several=40, n_several_certain=32, error_several=error)
    card = write_card(
        tmp_path / "card.md", audit(tiny_run.bundle), replace(tiny_version.evaluation, abstention=several)
    )
    sentence = "25.0% [10.0%, 40.0%] of 32 certain messages have a wrong audience set, n = 40"
    expected = sentence if error else "not evaluable, n = 40, 32 of them certain"
    assert f"- Messages for several audiences: {expected}." in card


@pytest.mark.parametrize("metric", ["precision", "recall", "average_precision", "brier", "calibration_error"])
def test_every_metric_of_the_model_stands_in_the_card(
    card: str, tiny_run: TinyRun, tiny_version: TinyVersion, metric: str
) -> None:
    found, audiences = tiny_version.evaluation.found, ("macro", *tiny_run.params.audience_ids)
    row = [value_of(found, "model", "all", audience, metric).shown() for audience in audiences]
    assert f"| {metric.replace('_', ' ')} | {' | '.join(row)} |" in card


def test_the_share_of_whole_audience_sets_that_are_right_stands_in_the_card(
    card: str, tiny_version: TinyVersion
) -> None:
    exact = value_of(tiny_version.evaluation.found, "model", "all", "macro", "exact_match")
    assert f"whose whole audience set is right: {exact.shown()}." in card


def test_the_labelled_tables_stand_in_the_card_with_their_digests(card: str, tiny_run: TinyRun) -> None:
    digests = audit(tiny_run.bundle).manifest.data
    tables = [f"`{table.path}` ({table.label_kind}, `{digests[table.path]}`)" for table in tiny_run.params.data.tables]
    assert len(tables) == len(digests)
    assert [table for table in tables if table not in card] == []


def test_the_worst_slice_stands_in_the_card_and_among_the_known_failures(
    tiny_run: TinyRun, tiny_version: TinyVersion, tmp_path: Path
) -> None:
    # the tiny run has no slice large enough
    assert tiny_version.evaluation.worst is None
    worst = Figure("model", "lang=de", "gardeners", "f1", 0.4127, 0.3, 0.5, 60, 21)
    card = write_card(tmp_path / "card.md", audit(tiny_run.bundle), replace(tiny_version.evaluation, worst=worst))
    before, failures = card.split("## Known failures")
    assert "Worst slice: lang=de, gardeners, F1 0.413 [0.300, 0.500] (of 60 messages 21 carry it)." in before
    assert "- The weakest slice is lang=de, gardeners: F1 0.413 [0.300, 0.500]." in failures


def test_a_slice_too_small_for_a_figure_says_so(tiny_run: TinyRun, tmp_path: Path) -> None:
    # a thousand true messages asked for: nothing is evaluable; about 15 of 60 carry each audience
    few = tiny_run.params.eval.model_copy(update={"slice_support_at_least": 1000})
    tracking = tiny_run.params.tracking.model_copy(update={"run_folder": str(tmp_path)})
    (tmp_path / "data").symlink_to(tiny_run.folder / "data")
    params = tiny_run.params.model_copy(update={"eval": few, "tracking": tracking})
    evaluation = evaluate(params, audit(tiny_run.bundle), "test")
    macro = value_of(evaluation.found, "model", "all", "macro", "f1")
    card = (evaluation.folder / "card.md").read_text("utf-8")
    row = f"| this model | not evaluable, {macro.n_true} with, {macro.n - macro.n_true} without |"
    assert row in card
