from pathlib import Path

import pytest
from conftest import TinyRun, TinyVersion

from eval.card import shown
from eval.evaluate import evaluate
from eval.figures import Figure, value_of
from segmenter.bundle import audit


@pytest.fixture(scope="module")
def card(tiny_version: TinyVersion) -> str:
    """The card of the tiny run, on one line per row as written."""
    return (tiny_version.evaluation.folder / "card.md").read_text("utf-8")


def figure(value: float | None, low: float | None = None, high: float | None = None) -> Figure:
    return Figure("model", "all", "gardeners", "f1", value, low, high, 12, 3)


def test_a_figure_is_shown_with_its_interval() -> None:
    assert shown(figure(0.8127, 0.7, 0.9004)) == "0.813 [0.700, 0.900]"


def test_a_figure_without_an_interval_is_shown_alone() -> None:
    assert shown(figure(0.8127)) == "0.813"


def test_a_figure_that_is_none_says_on_how_few_messages_it_would_rest() -> None:
    assert shown(figure(None)) == "not evaluable, n = 3"


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
        part for part in found if part.metric == "f1" and part.part == "all" and f"| {shown(part)} |" not in card
    ]
    assert missing == []


def test_every_slice_stands_in_the_card_with_its_figures(card: str, tiny_version: TinyVersion) -> None:
    found = tiny_version.evaluation.found
    for name in {part.part for part in found} - {"all"}:
        macro = value_of(found, "model", name, "macro", "f1")
        assert f"| {name} | {macro.n} | this model | {shown(macro)} |" in card


def test_the_gain_over_each_baseline_stands_in_the_card(card: str, tiny_version: TinyVersion) -> None:
    wanted = ("f1_gain", "all", "macro")
    gains = [part for part in tiny_version.evaluation.found if (part.metric, part.part, part.audience) == wanted]
    assert len(gains) == 3
    assert [gain for gain in gains if f": {shown(gain)}\n" not in card] == []


def test_the_definition_and_threshold_of_every_audience_stand_in_the_card(card: str, tiny_run: TinyRun) -> None:
    manifest = audit(tiny_run.bundle).manifest
    for audience, part in zip(manifest.audiences, manifest.calibration, strict=True):
        assert f"| `{audience.id}` | {audience.definition} | {part.threshold:.2f} |" in card


def test_messages_for_several_audiences_are_not_evaluable_below_30(card: str) -> None:
    # the invented messages are for one audience each
    assert "- Messages for several audiences: not evaluable, n = 0." in card


def test_a_slice_too_small_for_a_figure_says_so(tiny_run: TinyRun, tmp_path: Path) -> None:
    # a thousand true messages asked for: nothing is evaluable; about 15 of 60 carry each audience
    few = tiny_run.params.eval.model_copy(update={"slice_support_at_least": 1000})
    tracking = tiny_run.params.tracking.model_copy(update={"run_folder": str(tmp_path)})
    (tmp_path / "data").symlink_to(tiny_run.folder / "data")
    params = tiny_run.params.model_copy(update={"eval": few, "tracking": tracking})
    evaluation = evaluate(params, audit(tiny_run.bundle), "test")
    macro = value_of(evaluation.found, "model", "all", "macro", "f1")
    card = (evaluation.folder / "card.md").read_text("utf-8")
    assert f"| this model | not evaluable, n = {macro.n_true} |" in card
