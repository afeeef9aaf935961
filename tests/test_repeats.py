"""training/repeats.py: several seeds of one recipe."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
from conftest import Outcome, TinyRun

from segmenter.bundle import Bundle, audit, sha256_of
from segmenter.errors import ParamsError
from segmenter.metrics import counts
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split
from segmenter.score import open_scorer
from segmenter.tracking import store
from training.repeats import Repeat, of_seed, repeat, sealed, seeds_table, spread
from training.train import app

Write = Callable[[Path, dict[str, Any]], Path]
Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]


class Sealer:
    """Trains nothing: seals the tiny run's model under the params it is given, and remembers for which seeds."""

    def __init__(self, run: TinyRun, reseal: Reseal) -> None:
        self.run, self.reseal, self.seeds = run, reseal, list[int]()

    def __call__(self, own: Params) -> Bundle:
        self.seeds.append(own.seed)
        return self.reseal(self.run.bundle, Path(own.tracking.run_folder) / "bundle", {"params": own.model_dump()})


def in_folder(run: TinyRun, folder: Path) -> Params:
    """The tiny run's params with its prepared splits in a run folder of their own."""
    shutil.copytree(run.folder / "data", folder / "data")
    tracking = run.params.tracking.model_copy(update={"run_folder": str(folder)})
    return run.params.model_copy(update={"tracking": tracking})


@dataclass(frozen=True)
class Repeated:
    """Two seeds, and then three: the params, what the second call gave, the seeds that were trained by both."""

    params: Params
    found: list[Repeat]
    trained: list[int]


@pytest.fixture(scope="module")
def repeated(tiny_run: TinyRun, reseal: Reseal, tmp_path_factory: pytest.TempPathFactory) -> Repeated:
    params, sealer = in_folder(tiny_run, tmp_path_factory.mktemp("repeats") / "run"), Sealer(tiny_run, reseal)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        repeat(params, 2, sealer)
        return Repeated(params, repeat(params, 3, sealer), sealer.seeds)


def test_seeds_count_on_from_the_params_own(repeated: Repeated) -> None:
    assert [part.params.seed for part in repeated.found] == [17, 18, 19]


def test_a_seed_that_is_sealed_is_not_trained_again(repeated: Repeated) -> None:
    assert repeated.trained == [17, 18, 19]


def test_each_seed_has_a_folder_of_its_own(repeated: Repeated) -> None:
    folder = Path(repeated.params.tracking.run_folder)
    expected = [folder / f"seed-{seed}" / "bundle" for seed in (17, 18, 19)]
    assert [part.bundle.path for part in repeated.found] == expected


def test_a_seed_changes_seed_and_run_folder_alone(repeated: Repeated) -> None:
    parent, own = repeated.params, of_seed(repeated.params, 18)
    tracking = parent.tracking.model_copy(update={"run_folder": str(Path(parent.tracking.run_folder) / "seed-18")})
    assert own == parent.model_copy(update={"seed": 18, "tracking": tracking})


def test_every_seed_learns_from_the_same_splits(repeated: Repeated) -> None:
    for part in repeated.found:
        for name in ("train", "dev", "test"):
            assert read_split(part.params, name).equals(read_split(repeated.params, name))


def test_the_params_file_of_a_seed_says_what_it_was_trained_with(repeated: Repeated) -> None:
    part = repeated.found[1]
    assert load_params(Path(part.params.tracking.run_folder) / "params.yaml") == part.params


def test_f1_on_dev_is_that_of_the_sealed_bundle(repeated: Repeated) -> None:
    part, params = repeated.found[0], repeated.params
    dev = read_split(params, "dev")
    chosen = open_scorer(part.bundle.path, params.score).score(dev["text"].tolist()).verdicts.chosen
    expected = counts(label_array(dev, params.audience_ids), chosen).f1
    by_audience = dict(zip(params.audience_ids, expected.tolist(), strict=True))
    assert part.f1 == pytest.approx({"macro": expected.mean(), **by_audience})


def test_mean_and_spread_are_written_with_every_seed(repeated: Repeated) -> None:
    whole = json.loads(Path(repeated.params.tracking.run_folder, "seeds", "seeds.json").read_text("utf-8"))
    assert whole["f1"]["macro"] == spread(repeated.found, "macro")
    expected = [(part.params.seed, part.bundle.digest) for part in repeated.found]
    assert [(run["seed"], run["bundle"]) for run in whole["runs"]] == expected


def test_the_seeds_are_one_run_with_theirs_as_its_parts(repeated: Repeated) -> None:
    with store(repeated.params.tracking.uri):
        made_in = mlflow.get_run(repeated.found[0].bundle.manifest.mlflow_run_id)
        parent = mlflow.get_run(made_in.data.tags["mlflow.parentRunId"])
    assert parent.data.metrics["dev/f1/macro/mean"] == pytest.approx(spread(repeated.found, "macro")["mean"])
    assert parent.data.params["seed"] == "17"


@pytest.fixture
def own(tiny_run: TinyRun, reseal: Reseal, tmp_path: Path) -> Params:
    """Params whose run folder holds a bundle that they made."""
    params = in_folder(tiny_run, tmp_path / "run")
    Sealer(tiny_run, reseal)(params)
    return params


def test_a_bundle_counts_as_sealed_where_these_params_and_messages_made_it(own: Params) -> None:
    bundle = sealed(own)
    assert bundle is not None
    assert bundle.path == Path(own.tracking.run_folder) / "bundle"


def test_a_bundle_of_other_params_does_not_count(own: Params) -> None:
    assert sealed(own.model_copy(update={"train": own.train.model_copy(update={"epochs": 9})})) is None


def test_a_bundle_of_other_messages_does_not_count(own: Params) -> None:
    path = Path(own.tracking.run_folder, "data", "train.parquet")
    read_split(own, "train").iloc[1:].to_parquet(path, index=False)
    assert sealed(own) is None


def test_a_bundle_of_another_base_encoder_does_not_count(own: Params, reseal: Reseal, tmp_path: Path) -> None:
    bundle = Path(own.tracking.run_folder) / "bundle"
    made = audit(bundle).manifest.encoder.model_dump() | {"sha256": "0" * 64}
    reseal(bundle.rename(tmp_path / "former"), bundle, {"encoder": made})
    assert sealed(own) is None


def test_a_bundle_that_was_changed_does_not_count(own: Params) -> None:
    Path(own.tracking.run_folder, "bundle", "config.json").write_bytes(b"{}")
    assert sealed(own) is None


def test_splits_of_other_params_are_refused(own: Params, tiny_run: TinyRun, reseal: Reseal) -> None:
    other = own.model_copy(update={"data": own.data.model_copy(update={"seed": 3})})
    with pytest.raises(ParamsError, match="was prepared with other params"):
        repeat(other, 2, Sealer(tiny_run, reseal))


@pytest.fixture
def three(tiny_run: TinyRun) -> list[Repeat]:
    bundle = audit(tiny_run.bundle)
    return [
        Repeat(of_seed(tiny_run.params, seed), bundle, {"macro": f1, "readers": 0.5})
        for seed, f1 in ((17, 0.5), (18, 0.7), (19, 0.6))
    ]


def test_the_spread_is_the_least_the_most_and_the_deviation_of_a_sample(three: list[Repeat]) -> None:
    # mean .6; deviations -.1, .1, 0: (.01 + .01) / 2 = .01, its root .1
    assert spread(three, "macro") == pytest.approx({"mean": 0.6, "least": 0.5, "most": 0.7, "deviation": 0.1})


def test_the_table_has_a_line_a_seed_and_two_below(three: list[Repeat]) -> None:
    [seeds, macro, readers] = seeds_table(three).columns
    assert list(seeds.cells) == ["17", "18", "19", "mean", "spread"]
    assert list(macro.cells) == ["0.500", "0.700", "0.600", "0.600", "0.500–0.700"]
    assert list(readers.cells)[-1] == "0.500–0.500"


def test_the_command_trains_the_seed_that_is_not_sealed_and_reports_both(
    tiny_run: TinyRun,
    tiny_params: dict[str, Any],
    write_params: Write,
    reseal: Reseal,
    outcome_of: Callable[..., Outcome],
    tmp_path: Path,
    tiny_store: str,
) -> None:
    params = in_folder(tiny_run, tmp_path / "run")
    quick = {"train": tiny_params["train"] | {"epochs": 1}, "tracking": params.tracking.model_dump()}
    path = write_params(tmp_path / "params.yaml", tiny_params | quick)
    (tmp_path / "run" / "seed-17").mkdir()
    before = Sealer(tiny_run, reseal)(of_seed(load_params(path), 17))
    outcome = outcome_of(app, "--params", path, "--seeds", 2)
    assert outcome.code == 0, outcome.err
    assert "F1 on dev" in outcome.out
    kept, trained = (audit(tmp_path / "run" / name / "bundle") for name in ("seed-17", "seed-18"))
    assert kept.digest == before.digest
    assert trained.manifest.params["seed"] == 18
    table = params.data.tables[0].path
    assert trained.manifest.data == {table: sha256_of(Path(table))}
