import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import TinyRun

from segmenter.bundle import sha256_of
from segmenter.errors import ParamsError
from segmenter.params import Params
from segmenter.prepared import KEPT, label_array, read_split, table_digests


def changed(tiny_params: dict[str, Any], section: str, change: object) -> Params:
    merged = tiny_params[section] | change if isinstance(change, dict) else change
    return Params.model_validate(tiny_params | {section: merged})


def test_a_split_has_the_columns_of_the_contract(tiny_run: TinyRun) -> None:
    assert read_split(tiny_run.params, "train").columns.tolist() == KEPT


def test_a_split_the_data_do_not_have_is_empty(tiny_run: TinyRun) -> None:
    gate = read_split(tiny_run.params, "gate")
    assert (len(gate), gate.columns.tolist()) == (0, KEPT)


def test_splits_that_were_not_prepared_are_one_sentence(tiny_params: dict[str, Any], tmp_path: Path) -> None:
    params = changed(tiny_params, "tracking", {"run_folder": str(tmp_path)})
    with pytest.raises(ParamsError, match=r"data: the splits are not there; run python -m training\.prepare first"):
        read_split(params, "train")


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("data", {"seed": 18}),
        ("data", {"test_share": 0.3}),
        ("audiences", [{"id": "gardeners", "name": "Gardeners", "definition": "Speaks to people who keep a garden."}]),
    ],
)
def test_splits_of_other_params_are_refused(
    tiny_run: TinyRun, tiny_params: dict[str, Any], section: str, change: object
) -> None:
    with pytest.raises(ParamsError, match=r"was prepared with other params; run python -m training\.prepare again"):
        read_split(changed(tiny_params, section, change), "train")


def test_splits_of_other_text_rules_are_refused(tiny_run: TinyRun, tiny_params: dict[str, Any], tmp_path: Path) -> None:
    # their keys would not be those of the same texts today
    shutil.copytree(tiny_run.folder / "data", tmp_path / "data")
    report = json.loads((tmp_path / "data" / "report.json").read_text("utf-8"))
    (tmp_path / "data" / "report.json").write_text(json.dumps(report | {"text_rules": 1}), "utf-8")
    with pytest.raises(ParamsError, match=r"was prepared with other params; run python -m training\.prepare again"):
        read_split(changed(tiny_params, "tracking", {"run_folder": str(tmp_path)}), "train")


@pytest.mark.parametrize(("section", "change"), [("train", {"epochs": 9}), ("seed", 18)])
def test_splits_serve_where_only_the_training_changed(
    tiny_run: TinyRun, tiny_params: dict[str, Any], section: str, change: object
) -> None:
    params = changed(tiny_params, section, change)
    assert len(read_split(params, "train")) == len(read_split(tiny_run.params, "train"))


def test_every_table_has_the_sha256_of_its_bytes(tiny_run: TinyRun) -> None:
    path = tiny_run.params.data.tables[0].path
    assert table_digests(tiny_run.params) == {path: sha256_of(Path(path))}


def test_labels_are_columns_in_the_order_of_the_ids() -> None:
    frame = pd.DataFrame({"audiences": [["b"], [], ["a", "c"]]})
    assert label_array(frame, ["c", "a", "b"]).tolist() == [
        [False, False, True],
        [False, False, False],
        [True, True, False],
    ]


def test_no_messages_have_labels_of_no_rows() -> None:
    assert label_array(pd.DataFrame({"audiences": []}), ["a", "b"]).shape == (0, 2)
