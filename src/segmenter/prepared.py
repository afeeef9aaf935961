"""The prepared splits on disk: written by training.prepare, read by training and evaluation. Nothing is cut here."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.errors import ParamsError
from segmenter.params import Params
from segmenter.sections import COLUMNS, Data
from segmenter.text import RULES

REPORT = "report.json"
# Columns of every prepared split; `group` is a number of near-duplicates, over all splits.
KEPT = [*(name for name in COLUMNS if name not in ("split", "annotator")), "table", "key", "group"]


def data_folder(params: Params) -> Path:
    """Where the splits of a run stand."""
    return Path(params.tracking.run_folder) / "data"


def split_columns(data: Data) -> list[str]:
    """Columns of the prepared splits: KEPT, then what the tables of the recipe keep."""
    return [*KEPT, *data.keep]


def read_split(params: Params, name: str) -> pd.DataFrame:
    """One prepared split, columns as split_columns; empty where the data have no such split.

    Raises:
        ParamsError: The splits were not prepared, or prepared from other `data`, `duplicates`, audiences or text rules.
    """
    folder = data_folder(params)
    if not (folder / REPORT).is_file():
        raise ParamsError(
            folder, "the splits are not there", "run python -m training.prepare first, with the same params"
        )
    report = json.loads((folder / REPORT).read_text("utf-8"))
    made_from = {
        "data": params.data.model_dump(),
        "duplicates": params.duplicates.model_dump(),
        "audiences": params.audience_ids,
        "text_rules": RULES,
    }
    if any(report.get(name) != part for name, part in made_from.items()):
        raise ParamsError(folder, "was prepared with other params", "run python -m training.prepare again")
    path = folder / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=split_columns(params.data))


def table_digests(params: Params) -> dict[str, str]:
    """Path and sha256 of every labelled table, as prepare read them."""
    report = json.loads((data_folder(params) / REPORT).read_text("utf-8"))
    return {str(path): str(digest) for path, digest in report["files"].items()}


def label_array(frame: pd.DataFrame, audience_ids: list[str]) -> NDArray[np.bool_]:
    """The labels of a split, shape (n_messages, n_audiences)."""
    labels = [[audience in chosen for audience in audience_ids] for chosen in frame["audiences"]]
    return np.array(labels, np.bool_).reshape(len(frame), len(audience_ids))
