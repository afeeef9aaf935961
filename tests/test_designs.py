import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import tiny_messages

from eval.designs import HoldOut, hold_outs, stands, trained
from segmenter.bundle import audit
from segmenter.errors import ParamsError, TableError
from segmenter.params import Params, load_params
from segmenter.prepared import read_split
from training.prepare import prepare

FIRST = date(2031, 1, 1)
Prepared = Callable[..., Params]


@pytest.fixture
def prepared(
    tmp_path: Path, tiny_bert: Path, tiny_params: dict[str, Any], write_params: Callable[..., Path]
) -> Prepared:
    """A function that prepares the tiny messages, with what a function of their number adds, and gives their params.

    The messages of each word are written on one day, 15 words on 15 days. Every third has a given split.
    """

    def made(more: Callable[[int], dict[str, object]], **settings: object) -> Params:
        rows = [{**row, **more(number)} for number, row in enumerate(tiny_messages())]
        table = tmp_path / "labelled.jsonl"
        table.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        sections = tiny_params | {
            "data": tiny_params["data"] | {"tables": [tiny_params["data"]["tables"][0] | {"path": str(table)}]},
            "eval": tiny_params["eval"] | settings,
            "base": tiny_params["base"] | {"model": str(shutil.copytree(tiny_bert, tmp_path / "encoder"))},
            "train": tiny_params["train"] | {"epochs": 1},
            "calibrate": tiny_params["calibrate"] | {"folds": 2},
            "tracking": tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")},
        }
        params = load_params(write_params(tmp_path / "params.yaml", sections))
        prepare(params)
        return params

    return made


def dated(number: int) -> dict[str, object]:
    return {"created_at": (FIRST + timedelta(days=number % 15)).isoformat()}


def outlet(number: int) -> dict[str, object]:
    return {
        "source": ("harbour post", "garden club", "evening paper")[(number % 15) % 3] if number % 15 > 1 else "tiny"
    }


def test_the_time_cut_leaves_the_share_of_the_latest_messages(prepared: Prepared) -> None:
    # 240 messages on 15 days, 16 a day: the last fifth is three days, from 13 January on
    [held] = hold_outs(prepared(dated, design_time_share=0.2), "time")
    assert (held.name, held.held) == ("time", "48 messages from 2031-01-13 on")
    assert held.params.data.test_from == "2031-01-13"
    assert held.params.data.test_sources == []


def test_each_cut_has_a_run_folder_of_its_own(prepared: Prepared) -> None:
    params = prepared(outlet, design_sources=["garden club", "tiny"])
    found = hold_outs(params, "source")
    assert [held.name for held in found] == ["source-garden club", "source-tiny"]
    assert [Path(held.params.tracking.run_folder).name for held in found] == [
        "design-source-garden_club",
        "design-source-tiny",
    ]
    assert [held.params.data.test_sources for held in found] == [["garden club"], ["tiny"]]


def test_without_names_the_largest_sources_are_held_out(prepared: Prepared) -> None:
    # of 15 words 0 and 1 are tiny's (32 messages), 2, 5, … the paper's (5 words), 3, 6, … the post's (4), 4, 7, … the club's
    found = hold_outs(prepared(outlet, design_sources=[], design_sources_at_most=2), "source")
    assert found[0].held == "80 messages of source evening paper"
    assert len(found) == 2


def test_given_splits_are_free_but_what_is_left_out_stays_so(prepared: Prepared) -> None:
    def given(number: int) -> dict[str, object]:
        return dated(number) | {"split": ("train", "test", "dev", "leave_out")[number % 4]}

    params = prepared(given, design_time_share=0.2)
    [held] = hold_outs(params, "time")
    assert held.params.data.tables[0].splits == {
        "train": "free",
        "dev": "free",
        "test": "free",
        "gate": "free",
    }
    prepare(held.params)
    late = read_split(held.params, "test")["created_at"]
    assert late.min() >= (held.params.data.test_from or "")
    earlier = read_split(held.params, "train")["created_at"]
    assert earlier.max() < (held.params.data.test_from or "")


def test_messages_without_dates_have_no_time_cut(prepared: Prepared) -> None:
    params = prepared(lambda number: {})
    with pytest.raises(TableError, match="labelled tables: no message has a date; map a column to created_at"):
        hold_outs(params, "time")


def test_messages_of_one_day_have_no_time_cut(prepared: Prepared) -> None:
    params = prepared(lambda number: {"created_at": "2031-01-01"})
    with pytest.raises(TableError, match="--design time: no message is older than 2031-01-01; lower eval.design_time"):
        hold_outs(params, "time")


def test_too_few_late_messages_are_refused(prepared: Prepared) -> None:
    params = prepared(dated, slice_support_at_least=13)
    sentence = r"\(48 messages from 2031-01-13 on\): no audience has 13 messages that carry it and 13 that do not"
    with pytest.raises(TableError, match=sentence):
        hold_outs(params, "time")


def test_an_unknown_source_is_refused(prepared: Prepared) -> None:
    params = prepared(outlet, design_sources=["morning paper"])
    with pytest.raises(ParamsError, match="eval.design_sources: no labelled message is of 'morning paper'; there is"):
        hold_outs(params, "source")


def test_messages_without_sources_are_refused(prepared: Prepared) -> None:
    params = prepared(lambda number: {})
    with pytest.raises(TableError, match="labelled tables: have no two sources of which one can be judged"):
        hold_outs(params, "source")


def bundle_of(held: HoldOut, params: Params) -> tuple[str, int]:
    path = trained(held, params)
    return audit(path).digest, path.stat().st_mtime_ns


def test_a_cut_is_trained_once_and_never_on_what_it_holds_out(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    params = prepared(dated, design_time_share=0.2)
    [held] = hold_outs(params, "time")
    first = bundle_of(held, params)
    test = read_split(held.params, "test")
    assert len(test) == 48
    assert not test["key"].isin(audit(trained(held, params)).row_keys).any()
    # other figures need no other model; other training does
    rounds = params.model_copy(update={"eval": params.eval.model_copy(update={"bootstrap_rounds": 7})})
    [again] = hold_outs(rounds, "time")
    assert bundle_of(again, rounds) == first
    longer = held.params.model_copy(update={"train": held.params.train.model_copy(update={"epochs": 2})})
    bundle = Path(held.params.tracking.run_folder) / "bundle"
    assert stands(bundle, held.params, params)
    assert not stands(bundle, longer, params)
    # other weights under the encoder's old name do too
    (Path(params.base.model) / "model.safetensors").write_bytes(b"adapted anew")
    assert not stands(bundle, held.params, params)


def test_a_stage_that_fails_ends_the_command_with_its_exit_code(prepared: Prepared, tmp_path: Path) -> None:
    params = prepared(dated)
    [held] = hold_outs(params, "time")
    (tmp_path / "labelled.jsonl").unlink()
    with pytest.raises(typer.Exit) as end:
        trained(held, params)
    assert end.value.exit_code == 2
