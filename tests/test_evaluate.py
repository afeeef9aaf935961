import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import REPOSITORY, Outcome, TinyRun, TinyVersion
from PIL import Image

from eval.baselines import earlier
from eval.evaluate import app, evaluate
from eval.figures import value_of
from segmenter.bundle import Bundle, audit
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
        "upload.json",
        "decisions.parquet",
        "card.md",
        "reliability.png",
        "precision_recall.png",
        "confusion.png",
        "coverage_risk.png",
        "card.html",
        "mistakes.json",
        "mistakes.html",
    }


def test_the_plots_are_pictures_with_something_on_them(tiny_version: TinyVersion) -> None:
    for path in tiny_version.evaluation.folder.glob("*.png"):
        with Image.open(path) as picture:
            low, high = picture.convert("L").getextrema()
        assert low != high, path.name


def test_metrics_hold_every_figure_of_every_contender_on_every_slice(metrics: dict[str, Any]) -> None:
    found = {(part["model"], part["part"], part["audience"], part["metric"]) for part in metrics["figures"]}
    contenders = ("model", "majority", "language", "tfidf")
    # every message has an author, and none a source or a date; all are of one kind and of less than 15 words
    slices = ("all", "lang=de", "lang=en")
    audiences = ("gardeners", "cyclists", "readers", "macro")
    names = ("precision", "recall", "f1", "average_precision", "brier", "calibration_error")
    expected = {(who, part, to, name) for who in contenders for part in slices for to in audiences for name in names}
    expected |= {(who, part, "macro", "exact_match") for who in contenders for part in slices}
    gained = ("f1_gain", "average_precision_gain")
    expected |= {
        (f"model-{who}", part, to, name)
        for who in contenders[1:] for part in slices for to in audiences for name in gained
    }  # fmt: skip
    assert found == expected


def test_slices_of_the_same_messages_are_named(metrics: dict[str, Any]) -> None:
    names = ("source unknown", "split_unit=author", "label_kind=gold", "period unknown", "words=0-14")
    assert metrics["same_slices"] == dict.fromkeys(names, "all")


def test_metrics_are_what_their_schema_says(metrics: dict[str, Any]) -> None:
    schema = json.loads((REPOSITORY / "eval" / "metrics.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(metrics, schema)


@pytest.mark.parametrize(
    "fault",
    [
        {"format": 1},
        {"worst_slice": "lang=en"},
        {"n": -1},
        {"figures": [{"model": "model"}]},
    ],
)
def test_the_schema_refuses_what_is_no_metrics(metrics: dict[str, Any], fault: dict[str, Any]) -> None:
    schema = json.loads((REPOSITORY / "eval" / "metrics.schema.json").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError, match=r".+"):
        jsonschema.validate(metrics | fault, schema)


def test_an_earlier_version_stands_in_the_same_table(
    tiny_run: TinyRun, reseal: Callable[[Path, Path, dict[str, Any]], Bundle], tmp_path: Path
) -> None:
    # the same network under another date: the same scores, so no gain over it
    former = reseal(tiny_run.bundle, tmp_path / "former", {"created_at": "2020-01-01T00:00:00+00:00"})
    params = load_params(moved(tiny_run, tmp_path))
    found = evaluate(
        params, audit(tiny_run.bundle), "test", against=[earlier("models:/audience@champion", former)]
    ).found
    own = value_of(found, "model", "all", "macro", "f1")
    assert value_of(found, "earlier champion", "all", "macro", "f1").value == own.value
    gain = value_of(found, "model-earlier champion", "all", "macro", "f1_gain")
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_bundle_is_not_set_against_itself(tiny_run: TinyRun) -> None:
    bundle = audit(tiny_run.bundle)
    sentence = f"^earlier 3: is bundle {bundle.name}, which is judged already; name another$"
    with pytest.raises(BundleError, match=sentence):
        evaluate(tiny_run.params, bundle, "test", against=[earlier("models:/audience/3", bundle)])


def test_an_earlier_version_that_was_trained_on_the_messages_is_refused(
    tiny_run: TinyRun, reseal: Callable[[Path, Path, dict[str, Any]], Bundle], tmp_path: Path
) -> None:
    test = read_split(tiny_run.params, "test")
    shutil.copytree(tiny_run.bundle, tmp_path / "altered")
    (tmp_path / "altered" / "row_keys.txt").write_text("\n".join(test["key"][:2]) + "\n", "utf-8")
    former = reseal(tmp_path / "altered", tmp_path / "former", {})
    with pytest.raises(BundleError, match=rf"^earlier 2: was trained on 2 of the {len(test)} messages of split 'test'"):
        evaluate(tiny_run.params, audit(tiny_run.bundle), "test", against=[earlier("models:/audience/2", former)])


def test_a_command_line_sets_the_model_against_a_folder_and_says_the_seconds(
    tiny_run: TinyRun,
    reseal: Callable[[Path, Path, dict[str, Any]], Bundle],
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    former = reseal(tiny_run.bundle, tmp_path / "former", {"created_at": "2020-01-01T00:00:00+00:00"})
    words = ("--model", tiny_run.bundle, "--against", former.path, "--timings")
    outcome = outcome_of(app, "--params", moved(tiny_run, tmp_path), *words)
    assert outcome.code == 0, outcome.err
    assert f"earlier {former.digest[:8]}" in outcome.out
    assert {"scoring", "baselines", "figures", "files"} <= {line.split(":")[0] for line in caplog.messages}


def test_metrics_name_the_bundle_the_split_and_the_labels(metrics: dict[str, Any], tiny_run: TinyRun) -> None:
    assert metrics["bundle"] == audit(tiny_run.bundle).digest
    assert metrics["split"] == "test"
    assert metrics["reference_labels"] == tiny_run.params.data.reference_labels


def test_the_worst_slice_is_a_headline(metrics: dict[str, Any], tiny_version: TinyVersion) -> None:
    # about 15 of 60 test messages carry an audience; 50 are asked for
    assert metrics["worst_slice"] is None
    assert tiny_version.evaluation.worst is None


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


def test_texts_of_mistakes_stand_in_a_folder_of_their_own_where_they_are_asked_for(
    tiny_run: TinyRun, tmp_path: Path
) -> None:
    folder = evaluate(load_params(moved(tiny_run, tmp_path)), audit(tiny_run.bundle), "test", with_text=True).folder
    texts = tmp_path / "run" / "mistakes-test"
    assert {path.name for path in texts.iterdir()} == {"mistakes.html", "mistakes.json"}
    # what is sent to the store is the same as without
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in (tiny_run.folder / "evaluation-test").iterdir()
    } - {"upload.json"}


def test_evaluating_again_gives_the_same_figures(tiny_run: TinyRun, metrics: dict[str, Any], tmp_path: Path) -> None:
    evaluation = evaluate(load_params(moved(tiny_run, tmp_path)), audit(tiny_run.bundle), "test")
    assert json.loads((evaluation.folder / "metrics.json").read_text("utf-8")) == metrics


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--model: is missing; name a bundle folder"),
        (
            ("--design", "time", "--model", "runs/x/bundle"),
            "--design time: trains a model of its own; leave out --model",
        ),
        (("--design", "source", "--split", "gate"), "--design source: trains a model of its own; leave out --model"),
    ],
)
def test_a_design_and_a_model_are_asked_for_apart(
    words: tuple[str, ...], sentence: str, tiny_run: TinyRun, outcome_of: Callable[..., Outcome]
) -> None:
    outcome = outcome_of(app, "--params", tiny_run.params_path, *words)
    assert outcome.code == 2
    assert outcome.err.startswith(f"segmenter: {sentence}")


def test_a_changed_bundle_is_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    broken = tmp_path / "bundle"
    shutil.copytree(tiny_run.bundle, broken)
    (broken / "config.json").write_bytes((broken / "config.json").read_bytes() + b" ")
    outcome = outcome_of(app, "--params", tiny_run.params_path, "--model", broken)
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert "'config.json' has changed since it was sealed (sha256 differs)" in outcome.err
