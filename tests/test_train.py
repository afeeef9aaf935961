import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import Outcome, ServedRun, TinyRun, free_port, tiny_messages
from PIL import Image
from rich.progress import Progress

from eval.evaluate import evaluate
from segmenter.bundle import audit, sha256_of
from segmenter.params import load_params
from segmenter.prepared import read_split
from segmenter.score import Scorer, open_scorer
from training.prepare import prepare
from training.train import app, train

REPOSITORY = Path(__file__).parents[1]
Write = Callable[[Path, dict[str, Any]], Path]
COOKS = [
    "cooks, salt the {} soup at the end",
    "the {} pan wants a lid, dear cooks",
    "chers cuisiniers, salez la soupe {}",
]


@pytest.fixture(scope="module")
def with_cooks(
    tiny_run: TinyRun, tiny_params: dict[str, Any], write_params: Write, tmp_path_factory: pytest.TempPathFactory
) -> TinyRun:
    """A run for a fourth audience, made of params and messages alone; four of its messages are French."""
    folder = tmp_path_factory.mktemp("cooks")
    words = ("red", "blue", "quiet", "small", "old", "new")
    rows = [row for row in tiny_messages() if any(row["author"].endswith(f"-{word}") for word in words)]
    for number, phrase in enumerate(COOKS):
        lang = "fr" if phrase.startswith("chers") else "en"
        for word in words[: 4 if lang == "fr" else None]:
            author = f"cook-{number}-{word}"
            rows.append({"text": phrase.format(word), "audiences": "cooks", "lang": lang, "author": author})
    table = folder / "labelled.jsonl"
    table.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    sections = json.loads(json.dumps(tiny_params))
    sections["audiences"].append({"id": "cooks", "name": "Cooks", "definition": "Speaks to people who cook."})
    sections["data"]["tables"][0]["path"] = str(table)
    sections["train"]["epochs"] = 2
    sections["eval"] |= {"slice_support_at_least": 1, "bootstrap_rounds": 10}
    sections["tracking"]["run_folder"] = str(folder / "run")  # the store stays the tiny run's
    path = write_params(folder / "params.yaml", sections)
    params = load_params(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        prepare(params)
        bundle = train(params, Progress(disable=True))
    return TinyRun(params, path, folder / "run", bundle.path)


def test_a_run_leaves_a_whole_bundle_in_its_folder(tiny_run: TinyRun) -> None:
    assert audit(tiny_run.folder / "bundle").audience_ids == ["gardeners", "cyclists", "readers"]


def test_the_manifest_holds_the_digest_of_every_table(tiny_run: TinyRun) -> None:
    path = tiny_run.params.data.tables[0].path
    assert audit(tiny_run.bundle).manifest.data == {path: sha256_of(Path(path))}


def test_row_keys_are_those_of_train_and_dev_and_no_others(tiny_run: TinyRun) -> None:
    seen = {key for name in ("train", "dev") for key in read_split(tiny_run.params, name)["key"]}
    assert audit(tiny_run.bundle).row_keys == seen


def test_the_manifest_says_how_many_messages_it_saw(tiny_run: TinyRun) -> None:
    sizes = {name: len(read_split(tiny_run.params, name)) for name in ("train", "dev")}
    assert audit(tiny_run.bundle).manifest.n_messages == sizes


def test_the_manifest_says_where_the_labels_come_from(tiny_run: TinyRun) -> None:
    assert audit(tiny_run.bundle).manifest.reference_labels == tiny_run.params.data.reference_labels


def test_the_manifest_holds_the_params(tiny_run: TinyRun) -> None:
    assert audit(tiny_run.bundle).manifest.params == tiny_run.params.model_dump()


def test_the_manifest_names_the_encoder_by_the_digest_of_its_weights(tiny_run: TinyRun, tiny_bert: Path) -> None:
    encoder = audit(tiny_run.bundle).manifest.encoder
    assert (encoder.model, encoder.sha256) == (str(tiny_bert), sha256_of(tiny_bert / "model.safetensors"))


def test_the_manifest_names_the_commit_and_marks_changes(tiny_run: TinyRun) -> None:
    # 40 hex digits, `+` where the checkout has changes; empty outside a checkout (a source archive)
    in_checkout = subprocess.run(["git", "rev-parse"], cwd=REPOSITORY, capture_output=True, check=False).returncode == 0
    expected = r"[0-9a-f]{40}\+?" if in_checkout else ""
    assert re.fullmatch(expected, audit(tiny_run.bundle).manifest.git_commit)


def test_the_curve_is_a_picture_with_something_on_it(tiny_run: TinyRun) -> None:
    with Image.open(tiny_run.folder / "training" / "curve.png") as picture:
        assert picture.format == "PNG"
        low, high = picture.convert("L").getextrema()
        assert low != high


def test_one_seed_gives_the_same_weights_twice(tiny_run: TinyRun, served_run: ServedRun) -> None:
    files = [audit(bundle).manifest.files for bundle in (tiny_run.bundle, served_run.run.bundle)]
    assert files[0]["model.safetensors"] == files[1]["model.safetensors"]


def test_one_seed_gives_the_same_thresholds_twice(tiny_run: TinyRun, served_run: ServedRun) -> None:
    assert audit(tiny_run.bundle).manifest.calibration == audit(served_run.run.bundle).manifest.calibration


def test_one_seed_gives_the_same_scores_twice(tiny_run: TinyRun, served_run: ServedRun) -> None:
    texts = read_split(tiny_run.params, "test")["text"].tolist()
    scores = [
        open_scorer(bundle, tiny_run.params.score).score(texts).scores
        for bundle in (tiny_run.bundle, served_run.run.bundle)
    ]
    assert np.array_equal(*scores)


def test_the_model_learns(tiny_run: TinyRun) -> None:
    # the phrases differ by audience alone, and each stands in train with most of the words
    test = read_split(tiny_run.params, "test")
    scored = open_scorer(tiny_run.bundle, tiny_run.params.score).score(test["text"].tolist())
    truth = [[name in chosen for name in tiny_run.params.audience_ids] for chosen in test["audiences"]]
    assert (scored.verdicts.chosen == truth).mean() > 0.9


def test_a_fourth_audience_trains_by_params_alone(with_cooks: TinyRun) -> None:
    manifest = audit(with_cooks.bundle).manifest
    assert [audience.id for audience in manifest.audiences] == ["gardeners", "cyclists", "readers", "cooks"]
    assert len(manifest.calibration) == 4


def test_a_fourth_audience_is_scored_by_params_alone(with_cooks: TinyRun) -> None:
    scorer = Scorer(audit(with_cooks.bundle), with_cooks.params.score)
    added = scorer.columns(scorer.score(["cooks, salt the green soup at the end"]), prefix="")
    assert 0 <= added["score_cooks"][0].as_py() <= 1


def test_a_fourth_audience_is_evaluated_by_params_alone(with_cooks: TinyRun) -> None:
    evaluation = evaluate(with_cooks.params, audit(with_cooks.bundle), "test")
    f1 = [figure for figure in evaluation.found if (figure.audience, figure.metric) == ("cooks", "f1")]
    assert {figure.model for figure in f1} == {"model", "majority", "language", "tfidf"}
    assert "`cooks`" in (evaluation.folder / "card.md").read_text("utf-8")


def test_a_language_with_too_few_training_messages_counts_as_not_trained(with_cooks: TinyRun) -> None:
    # four French messages, and min_language_messages of the example is 5
    assert audit(with_cooks.bundle).manifest.languages == ["de", "en"]


def changed(run: TinyRun, folder: Path, section: str, change: dict[str, object]) -> Path:
    """The params file of a run with a changed section, its prepared splits, and a run folder of its own."""
    sections = yaml.safe_load(run.params_path.read_text("utf-8"))
    sections["tracking"]["run_folder"] = str(folder / "run")
    sections[section] |= change
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")
    shutil.copytree(run.folder / "data", folder / "run" / "data")
    return path


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.usefixtures("no_server")
def test_splits_that_were_not_prepared_are_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    path = changed(tiny_run, tmp_path, "train", {})
    shutil.rmtree(tmp_path / "run" / "data")
    outcome = outcome_of(app, "--params", path)
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert "the splits are not there; run python -m training.prepare first, with the same params" in outcome.err


@pytest.mark.usefixtures("no_server")
def test_more_tokens_than_positions_are_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tiny_bert: Path, tmp_path: Path
) -> None:
    outcome = outcome_of(app, "--params", changed(tiny_run, tmp_path, "text", {"max_tokens": 65}))
    assert outcome.code == 2
    assert f"params: text.max_tokens: 65, {tiny_bert} has 64 positions; lower it" in outcome.err


@pytest.mark.usefixtures("no_server")
def test_an_audience_nobody_carries_is_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    path = changed(tiny_run, tmp_path, "train", {})
    sections = yaml.safe_load(path.read_text("utf-8"))
    sections["audiences"].append({"id": "skaters", "name": "Skaters", "definition": "Speaks to people who skate."})
    path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")
    prepare(load_params(path))
    outcome = outcome_of(app, "--params", path)
    assert outcome.code == 2
    assert "train split: no message carries 'skaters'; label some, or take the audience out of params" in outcome.err


@pytest.mark.usefixtures("no_server")
def test_an_empty_dev_split_is_one_sentence_and_exit_2(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    path = changed(tiny_run, tmp_path, "train", {})
    (tmp_path / "run" / "data" / "dev.parquet").unlink()
    outcome = outcome_of(app, "--params", path)
    assert outcome.code == 2
    assert "dev split: is empty; bring more labelled messages" in outcome.err


def test_a_server_that_is_down_is_told_before_the_training(
    tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    outcome = outcome_of(app, "--params", changed(tiny_run, tmp_path, "train", {}))
    assert outcome.code == 2
    assert "check MLFLOW_TRACKING_URI, or tracking.uri in params" in " ".join(outcome.err.split())
    assert not (tmp_path / "run" / "bundle").exists()
