import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Outcome, TinyRun, TinyVersion, free_port
from PIL import Image

from eval.evaluate import app, evaluate, flat_metrics, log, register
from eval.figures import value_of
from segmenter.bundle import audit
from segmenter.errors import BundleError, TableError
from segmenter.params import load_params
from segmenter.prepared import label_array, read_split
from segmenter.score import open_scorer
from training.prepare import prepare


def moved(run: TinyRun, folder: Path, **sections: object) -> Path:
    """The params file of a run with other sections, a run folder of its own, and the run's prepared splits."""
    whole = yaml.safe_load(run.params_path.read_text("utf-8"))
    whole |= sections
    whole["tracking"] = whole["tracking"] | {"run_folder": str(folder / "run")}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
    shutil.copytree(run.folder / "data", folder / "run" / "data")
    return path


@pytest.fixture(scope="module")
def metrics(tiny_version: TinyVersion) -> dict[str, Any]:
    """What metrics.json of the tiny run says."""
    found: dict[str, Any] = json.loads((tiny_version.evaluation.folder / "metrics.json").read_text("utf-8"))
    return found


def test_figures_plots_and_card_stand_in_the_run_folder(tiny_run: TinyRun, tiny_version: TinyVersion) -> None:
    assert {path.name for path in (tiny_run.folder / "evaluation-test").iterdir()} == {
        "metrics.json",
        "decisions.parquet",
        "card.md",
        "reliability.png",
        "precision_recall.png",
        "confusion.png",
    }


def test_the_plots_are_pictures_with_something_on_them(tiny_version: TinyVersion) -> None:
    for path in tiny_version.evaluation.folder.glob("*.png"):
        with Image.open(path) as picture:
            low, high = picture.convert("L").getextrema()
        assert low != high, path.name


def test_metrics_hold_every_figure_of_every_contender_on_every_slice(metrics: dict[str, Any]) -> None:
    found = {(part["model"], part["part"], part["audience"], part["metric"]) for part in metrics["figures"]}
    contenders = ("model", "majority", "language", "tfidf")
    slices = ("all", "de", "en", "not en, not ru", "author-disjoint")  # every message has an author
    audiences = ("gardeners", "cyclists", "readers", "macro")
    names = ("precision", "recall", "f1", "average_precision", "brier", "calibration_error")
    expected = {(who, part, to, name) for who in contenders for part in slices for to in audiences for name in names}
    expected |= {(who, part, "macro", "exact_match") for who in contenders for part in slices}
    expected |= {(f"model-{who}", part, "macro", "f1_gain") for who in contenders[1:] for part in slices}
    assert found == expected


def test_metrics_name_the_bundle_the_split_and_the_labels(metrics: dict[str, Any], tiny_run: TinyRun) -> None:
    assert metrics["bundle"] == audit(tiny_run.bundle).digest
    assert metrics["split"] == "test"
    assert metrics["reference_labels"] == tiny_run.params.data.reference_labels


def test_f1_is_that_of_the_scorer_against_the_labels(tiny_run: TinyRun, tiny_version: TinyVersion) -> None:
    test = read_split(tiny_run.params, "test")
    truth = label_array(test, tiny_run.params.audience_ids)[:, 0]
    scored = open_scorer(tiny_run.bundle, tiny_run.params.score).score(test["text"].tolist())
    chosen = scored.verdicts.chosen[:, 0]
    # twice the hits over chosen and true together
    expected = 2 * (truth & chosen).sum() / (truth.sum() + chosen.sum())
    assert value_of(tiny_version.evaluation.found, "model", "all", "gardeners", "f1").value == pytest.approx(expected)


def test_language_alone_tells_these_audiences_no_better_than_choosing_all(tiny_version: TinyVersion) -> None:
    # a quarter of either language: 2 * .25 / 1.25 = .4; the shares of the cut splits differ by a few messages
    language = value_of(tiny_version.evaluation.found, "language", "all", "macro", "f1").value
    assert language == pytest.approx(0.4, abs=0.1)


def test_flat_names_are_plain_for_the_model_and_prefixed_for_the_rest(tiny_version: TinyVersion) -> None:
    flat = flat_metrics(tiny_version.evaluation, "test")
    found = tiny_version.evaluation.found
    assert flat["f1/gardeners"] == value_of(found, "model", "all", "gardeners", "f1").value
    assert flat["f1/macro/low"] == value_of(found, "model", "all", "macro", "f1").low
    assert flat["tfidf/f1/macro"] == value_of(found, "tfidf", "all", "macro", "f1").value
    assert flat["de/f1/macro"] == value_of(found, "model", "de", "macro", "f1").value
    assert flat["language/en/f1/readers"] == value_of(found, "language", "en", "readers", "f1").value
    assert flat["model-tfidf/f1_gain/macro"] == value_of(found, "model-tfidf", "all", "macro", "f1_gain").value
    assert {"coverage", "error_of_the_certain"} <= set(flat)


def test_flat_names_have_only_letters_mlflow_takes(tiny_version: TinyVersion) -> None:
    assert [
        name for name in flat_metrics(tiny_version.evaluation, "test") if not re.fullmatch(r"[\w./ -]+", name)
    ] == []


def test_flat_names_of_another_split_begin_with_it(tiny_version: TinyVersion) -> None:
    names = set(flat_metrics(tiny_version.evaluation, "gate"))
    assert names == {f"gate/{name}" for name in flat_metrics(tiny_version.evaluation, "test")}


def test_a_bundle_is_not_judged_on_messages_it_was_trained_on(tiny_run: TinyRun) -> None:
    n = len(read_split(tiny_run.params, "dev"))
    with pytest.raises(BundleError, match=rf"was trained on {n} of the {n} messages of split 'dev', such as labelled:"):
        evaluate(tiny_run.params, audit(tiny_run.bundle), "dev")


def test_a_bundle_of_other_audiences_is_refused(tiny_run: TinyRun, tiny_params: dict[str, Any], tmp_path: Path) -> None:
    turned = list(reversed(tiny_params["audiences"]))
    params = load_params(moved(tiny_run, tmp_path, audiences=turned))
    prepare(params)
    sentence = (
        "its audiences are gardeners, cyclists, readers, the params' readers, cyclists, gardeners; evaluate it with"
    )
    with pytest.raises(BundleError, match=sentence):
        evaluate(params, audit(tiny_run.bundle), "test")


def test_a_split_without_messages_is_refused(tiny_run: TinyRun) -> None:
    with pytest.raises(TableError, match="split 'gate': has no messages; name another with --split"):
        evaluate(tiny_run.params, audit(tiny_run.bundle), "gate")


def test_a_model_can_be_registered_though_no_audience_was_evaluable(
    tiny_run: TinyRun, tiny_version: TinyVersion, tiny_params: dict[str, Any], tmp_path: Path, tiny_store: str
) -> None:
    few = tiny_params["eval"] | {"slice_support_at_least": 1000}
    tracking = tiny_params["tracking"] | {"model_name": "hardly-judged"}
    params = load_params(moved(tiny_run, tmp_path, eval=few, tracking=tracking))
    bundle = audit(tiny_run.bundle)
    evaluation = evaluate(params, bundle, "test")
    run_id = log(params, bundle, evaluation, "test")
    assert register(params, bundle, evaluation, run_id, "challenger") == 1


def test_evaluating_again_gives_the_same_figures(tiny_run: TinyRun, metrics: dict[str, Any], tmp_path: Path) -> None:
    evaluation = evaluate(load_params(moved(tiny_run, tmp_path)), audit(tiny_run.bundle), "test")
    assert json.loads((evaluation.folder / "metrics.json").read_text("utf-8")) == metrics


def test_results_stand_in_the_run_folder_though_the_server_is_down(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    started = time.monotonic()
    outcome = outcome_of(app, "--params", moved(tiny_run, tmp_path), "--model", tiny_run.bundle)
    assert time.monotonic() - started < 30
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert outcome.err.startswith(f"segmenter: tracking store {address}: ")
    assert outcome.err.strip().endswith("; check MLFLOW_TRACKING_URI, or tracking.uri in params")
    assert (tmp_path / "run" / "evaluation-test" / "metrics.json").is_file()
    assert (tmp_path / "run" / "evaluation-test" / "card.md").is_file()


def test_a_changed_bundle_is_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    broken = tmp_path / "bundle"
    shutil.copytree(tiny_run.bundle, broken)
    (broken / "config.json").write_bytes((broken / "config.json").read_bytes() + b" ")
    outcome = outcome_of(app, "--params", tiny_run.params_path, "--model", broken)
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert "'config.json' has changed since it was sealed (sha256 differs)" in outcome.err
