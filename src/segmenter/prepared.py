"""The prepared splits on disk: written by training.prepare, read by training and evaluation. Nothing is cut here."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.errors import ParamsError
from segmenter.params import COLUMNS, Params

REPORT = "report.json"
KEPT = [*(name for name in COLUMNS if name != "split"), "table", "key"]  # columns of a prepared split


def data_folder(params: Params) -> Path:
    """Where the splits of a run stand."""
    return Path(params.tracking.run_folder) / "data"


def read_split(params: Params, name: str) -> pd.DataFrame:
    """One prepared split, columns as KEPT; empty where the data have no such split.

    Raises:
        ParamsError: The splits were not prepared, or prepared from other tables, shares, audiences or seed.
    """
    folder = data_folder(params)
    if not (folder / REPORT).is_file():
        raise ParamsError(
            folder, "the splits are not there", "run python -m training.prepare first, with the same params"
        )
    report = json.loads((folder / REPORT).read_text("utf-8"))
    if (report["data"], report["seed"], report["audiences"]) != (
        params.data.model_dump(),
        params.seed,
        params.audience_ids,
    ):
        raise ParamsError(folder, "was prepared with other params", "run python -m training.prepare again")
    path = folder / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=KEPT)


def table_digests(params: Params) -> dict[str, str]:
    """Path and sha256 of every labelled table, as prepare read them."""
    report = json.loads((data_folder(params) / REPORT).read_text("utf-8"))
    return {str(path): str(digest) for path, digest in report["tables"].items()}


def label_array(frame: pd.DataFrame, audience_ids: list[str]) -> NDArray[np.bool_]:
    """The labels of a split, shape (n_messages, n_audiences)."""
    labels = [[audience in chosen for audience in audience_ids] for chosen in frame["audiences"]]
    return np.array(labels, np.bool_).reshape(len(frame), len(audience_ids))
