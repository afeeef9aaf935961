"""training/learning.py: the learning curve."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import Outcome, TinyRun
from numpy.typing import NDArray
from PIL import Image

from segmenter.errors import TableError
from segmenter.params import Params
from segmenter.prepared import label_array, read_split
from segmenter.tracking import store
from training.learning import Part, learn, parts
from training.train import app

Write = Callable[[Path, dict[str, Any]], Path]


def messages(*authors: str, weak: int = 0) -> pd.DataFrame:
    """One message an entry, and some weak ones of other authors."""
    names = [*authors, *(f"weak-{number}" for number in range(weak))]
    kinds = ["gold"] * len(authors) + ["weak"] * weak
    keys = [f"k{number}" for number in range(len(names))]
    frame = pd.DataFrame({"author": names, "key": keys, "label_kind": kinds, "split_unit": "author"})
    return frame.assign(group=range(len(frame)))


def cut(frame: pd.DataFrame, *shares: float, seed: int = 1) -> list[Part]:
    return list(parts(frame, list(shares), seed))


def test_parts_have_the_shares_asked_for() -> None:
    found = cut(messages(*(f"a{number}" for number in range(20))), 0.25, 0.5, 1.0)
    assert [part.n_messages for part in found] == [5, 10, 20]


def test_each_part_holds_the_smaller_ones() -> None:
    small, middle, whole = (set(part.frame["key"]) for part in cut(messages(*"abcdefgh"), 0.25, 0.5, 1.0))
    assert small < middle < whole


def test_an_author_stands_in_a_part_whole_or_not_at_all() -> None:
    frame = messages(*"aaabbbcccddd")
    for part in cut(frame, 0.25, 0.5, 0.75):
        inside = set(part.frame["author"])
        assert part.n_messages == 3 * len(inside)


def test_weak_labels_stand_in_every_part_and_are_not_counted() -> None:
    found = cut(messages(*"abcd", weak=3), 0.25, 0.5, 1.0)
    assert [part.n_messages for part in found] == [1, 2, 4]
    assert [len(part.frame) for part in found] == [4, 5, 7]


def test_another_seed_draws_other_authors() -> None:
    frame = messages(*(f"a{number}" for number in range(40)))
    one, other = (set(cut(frame, 0.25, seed=seed)[0].frame["key"]) for seed in (1, 2))
    assert one != other


@pytest.fixture
def params(tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The tiny run's, with its prepared splits in a run folder of their own; two draws of three parts."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(tiny_run.folder / "data", tmp_path / "run" / "data")
    learning = tiny_run.params.learning.model_copy(update={"shares": [0.25, 0.5, 1.0], "draws": 2})
    tracking = tiny_run.params.tracking.model_copy(update={"run_folder": str(tmp_path / "run")})
    return tiny_run.params.model_copy(update={"learning": learning, "tracking": tracking})


class Learner:
    """Chooses rightly of ever more of dev, the more training messages its splits have: 1 - 3 / sqrt(n) of it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, own: Params) -> NDArray[np.bool_]:
        truth = label_array(read_split(own, "dev"), own.audience_ids)
        n = len(read_split(own, "train"))
        self.sizes.append(n)
        right = np.arange(len(truth)) % 10 < 10 * (1 - 3 / np.sqrt(n))
        return truth & right[:, None]


def test_each_part_is_fitted_once_in_a_run_folder_that_is_cleared_away(params: Params) -> None:
    learner = Learner()
    learn(params, learner)
    n = len(read_split(params, "train"))
    assert learner.sizes == pytest.approx([n / 4, n / 2, n] * 2, abs=4)  # near-duplicates stay together
    assert [path.suffix for path in Path(params.tracking.run_folder, "learning-parts").iterdir()] == [".json"] * 6


def test_parts_that_were_fitted_are_not_fitted_again(params: Params) -> None:
    first = learn(params, Learner())
    again = Learner()
    assert learn(params, again) == first
    assert again.sizes == []


def test_other_params_fit_the_parts_anew(params: Params) -> None:
    learn(params, Learner())
    again = Learner()
    learn(params.model_copy(update={"train": params.train.model_copy(update={"epochs": 9})}), again)
    assert len(again.sizes) == 6


def test_the_result_holds_points_outlook_and_sentence(params: Params) -> None:
    found = learn(params, Learner())
    whole = json.loads(Path(params.tracking.run_folder, "learning", "learning.json").read_text("utf-8"))
    assert len(whole["points"]) == 6
    assert whole["outlook"]["more_messages"] == params.learning.more_messages == 500
    assert whole["sentence"] == found.sentence


def test_the_picture_has_something_on_it(params: Params) -> None:
    learn(params, Learner())
    with Image.open(Path(params.tracking.run_folder, "learning", "learning.png")) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1 << 22) or []) > 10


def test_the_curve_is_a_run_that_holds_figures_and_no_messages(params: Params) -> None:
    found = learn(params, Learner())
    with store(params.tracking.uri):
        [run, *_] = mlflow.search_runs(
            experiment_names=[params.tracking.experiment],
            filter_string="run_name = 'run-learning'",
            output_format="list",
        )  # the newest first
        files = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="learning")
    assert run.data.metrics["learning/gain"] == pytest.approx(found.gain)
    assert sorted(file.path for file in files) == ["learning/learning.json", "learning/learning.png"]


def test_one_author_of_everything_is_refused(params: Params) -> None:
    data = Path(params.tracking.run_folder, "data", "train.parquet")
    frame = pd.read_parquet(data)
    frame.assign(author="the one", split_unit="author").to_parquet(data, index=False)
    with pytest.raises(TableError, match="train split: whole authors make parts of .* messages; bring more"):
        learn(params, Learner())


def test_the_command_fits_parts_and_says_what_more_labels_would_give(
    params: Params, tiny_params: dict[str, Any], write_params: Write, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    sections = tiny_params | {
        "learning": params.learning.model_dump() | {"draws": 1, "shares": [0.5, 0.75, 1.0]},
        "train": tiny_params["train"] | {"epochs": 1},
        "tracking": params.tracking.model_dump(),
    }
    outcome = outcome_of(app, "--params", write_params(tmp_path / "params.yaml", sections), "--curve")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("macro-F1 on dev ")
    assert "500 more like them" in outcome.out
    assert not (tmp_path / "run" / "bundle").exists()


def test_seeds_and_curve_are_two_questions(tiny_run: TinyRun, outcome_of: Callable[..., Outcome]) -> None:
    outcome = outcome_of(app, "--params", tiny_run.params_path, "--seeds", 2, "--curve")
    assert (outcome.code, outcome.err.strip()) == (
        2,
        "segmenter: --seeds and --curve: are two questions; ask one at a time",
    )
