import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from conftest import REPOSITORY, Outcome, TinyRun
from rich.console import Console

from eval.bench_training import ORDERS, OURS, Fit, app, by_clock, fits, lay_out, ratios, speed_table
from segmenter.errors import ParamsError
from segmenter.params import Params
from segmenter.prepared import data_folder, read_split

Write = Callable[[Path, dict[str, Any]], Path]


def of_copy(run: TinyRun, folder: Path) -> Params:
    """The tiny run's params, with a copy of its prepared splits and a run folder of their own."""
    shutil.copytree(run.folder / "data", folder / "run" / "data")
    tracking = run.params.tracking.model_copy(update={"run_folder": str(folder / "run")})
    return run.params.model_copy(update={"tracking": tracking})


def fit(contender: str, number: int, speed: float) -> Fit:
    return Fit(contender, number, speed, 2 * speed, 300, 12.0, 0.1, 0.9, "cpu", 1)


FITS = [
    *(fit(OURS, 1, 60.0), fit("Trainer, dynamic padding", 1, 20.0), fit("Trainer, length-grouped", 1, 50.0)),
    *(fit(OURS, 2, 40.0), fit("Trainer, dynamic padding", 2, 20.0), fit("Trainer, length-grouped", 2, 50.0)),
]


@pytest.fixture
def benched(
    tiny_run: TinyRun,
    write_params: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome_of: Callable[..., Outcome],
) -> dict[str, Any]:
    """What one round on the tiny run wrote."""
    monkeypatch.chdir(REPOSITORY)  # the contenders are run from a checkout
    path = write_params(tmp_path / "params.yaml", of_copy(tiny_run, tmp_path).model_dump())
    outcome = outcome_of(app, "--params", path, "--messages", 100, "--epochs", 2, "--rounds", 1)
    assert outcome.code == 0, outcome.err
    return dict(json.loads((tmp_path / "run" / "bench-training" / "speed.json").read_text("utf-8")))


def test_one_round_times_every_contender_on_the_same_messages(benched: dict[str, Any]) -> None:
    found = benched["fits"]
    assert [one["contender"] for one in found] == [OURS, *ORDERS]
    assert all(one["messages_per_second"] > 0 for one in found)
    assert [one["n_windows"] for one in found] == [200] * 3  # 100 messages of one window, twice
    ours, *others = (one["windows_a_batch"] for one in found)
    assert others == pytest.approx([ours] * 2, rel=0.15)  # a whole number, and the last batch is smaller
    speeds = [one["messages_per_second"] for one in found]
    medians = [benched["times_as_fast"][name]["median"] for name in ORDERS]
    assert medians == pytest.approx([speeds[0] / speeds[1], speeds[0] / speeds[2]])


def test_ratios_are_taken_within_a_round() -> None:
    # 60 / 20 and 40 / 20; 60 / 50 and 40 / 50
    dynamic, grouped = ratios(FITS, by_clock).values()
    assert (dynamic.median, dynamic.least, dynamic.most) == (2.5, 2.0, 3.0)
    assert (grouped.median, grouped.least, grouped.most) == pytest.approx((1.0, 0.8, 1.2))


def test_the_table_fits_a_console_of_80_columns() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(speed_table(FITS))
    text = capture.get()
    assert "…" not in text  # nothing cut off
    assert "(2.00–3.00)" in text


def test_splits_are_laid_out_with_so_many_messages(tiny_run: TinyRun, tmp_path: Path) -> None:
    own = lay_out(tiny_run.params, 30, tmp_path / "bench")
    assert len(read_split(own, "train")) == 30


def test_the_dev_split_is_laid_out_whole(tiny_run: TinyRun, tmp_path: Path) -> None:
    own = lay_out(tiny_run.params, 30, tmp_path / "bench")
    assert read_split(own, "dev")["key"].tolist() == read_split(tiny_run.params, "dev")["key"].tolist()


def test_weak_messages_and_weights_are_left_out(tiny_run: TinyRun, tmp_path: Path) -> None:
    params = of_copy(tiny_run, tmp_path)
    file = data_folder(params) / "train.parquet"
    frame = pd.read_parquet(file)
    kinds = ["weak"] * 20 + ["gold"] * (len(frame) - 20)
    frame.assign(label_kind=kinds, weight=0.5).to_parquet(file, index=False)
    train = read_split(lay_out(params, None, tmp_path / "bench"), "train")
    assert set(train["label_kind"]) == {"gold"}
    assert set(train["weight"]) == {1.0}
    assert len(train) == len(frame) - 20


def test_messages_are_weak_where_there_are_no_others(tiny_run: TinyRun, tmp_path: Path) -> None:
    params = of_copy(tiny_run, tmp_path)
    file = data_folder(params) / "train.parquet"
    frame = pd.read_parquet(file).assign(label_kind="weak")
    frame.to_parquet(file, index=False)
    assert len(read_split(lay_out(params, None, tmp_path / "bench"), "train")) == len(frame)


def test_splits_that_were_not_prepared_are_refused(tiny_run: TinyRun, tmp_path: Path) -> None:
    tracking = tiny_run.params.tracking.model_copy(update={"run_folder": str(tmp_path / "none")})
    params = tiny_run.params.model_copy(update={"tracking": tracking})
    with pytest.raises(ParamsError, match="the splits are not there; run python -m training.prepare first"):
        lay_out(params, None, tmp_path / "bench")


def test_a_contender_that_fails_ends_the_benchmark_with_its_code(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    own = lay_out(tiny_run.params, None, tmp_path / "bench")
    base = own.base.model_copy(update={"model": str(tmp_path)})  # holds no weights
    with pytest.raises(typer.Exit) as end:
        list(fits(own.model_copy(update={"base": base}), 1))
    assert end.value.exit_code == 2
    assert "holds no .safetensors weights" in capfd.readouterr().err
