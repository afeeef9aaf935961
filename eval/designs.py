"""Hold-outs for `eval.evaluate --design time|source`: a model that has not seen the latest messages, or a source.

Every given split is set free, so that the hold-out alone parts test from the rest; splits are made and the model is trained
by training.prepare and training.train, as processes of their own. The base encoder stays: one that was adapted has read
unlabelled messages of that time and source. Not here: figures (evaluate.py); `--design author` is any prepared split.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import typer
import yaml
from numpy.typing import NDArray

from eval.slices import supported
from segmenter.bundle import MANIFEST, audit
from segmenter.encoders import encoder_digest, encoder_folder
from segmenter.errors import BundleError, ParamsError, TableError
from segmenter.params import Params
from segmenter.prepared import REPORT, data_folder, label_array, read_split, table_digests
from segmenter.sections import GivenSplit, LabelledTable
from segmenter.summary.dates import day_of
from segmenter.writers import write_text

SPLITS: tuple[GivenSplit, ...] = ("train", "dev", "test", "gate")
TRAINED_FROM = ("seed", "audiences", "text", "data", "duplicates", "base", "train", "calibrate")  # sections of params


@dataclass(frozen=True)
class HoldOut:
    """A cut that a model of its own is trained for.

    Attributes:
        name: `time`, or `source-NAME`.
        held: What is held out, in words.
        params: Those of the recipe with the cut, all else free, and a run folder of its own.
    """

    name: str
    held: str
    params: Params


def hold_outs(params: Params, design: Literal["time", "source"]) -> list[HoldOut]:
    """The cuts of a design, from the recipe's prepared splits.

    Raises:
        ParamsError: The splits were not prepared, or `eval.design_sources` names a source that is not there.
        TableError: No message has a date, no source is large enough, or what is held out is too little to judge.
    """
    frame = pd.concat([read_split(params, name) for name in SPLITS], ignore_index=True)
    trusted = frame[frame["label_kind"] != "weak"]
    frame = frame if trusted.empty else trusted
    return [_time(params, frame)] if design == "time" else _sources(params, frame)


def _time(params: Params, frame: pd.DataFrame) -> HoldOut:
    days = [day_of(value, ZoneInfo("UTC")) for value in frame["created_at"]]
    dated = sorted(day.day for day in days if day is not None)
    if not dated:
        raise TableError(
            "labelled tables", "no message has a date", "map a column to created_at, or take another --design"
        )
    first = dated[min(len(dated) - 1, round(len(dated) * (1 - params.eval.design_time_share)))]
    late = np.array([day is not None and day.day >= first for day in days])
    held = f"{int(late.sum()):,} messages from {first} on"
    if dated[0] == first:
        raise TableError("--design time", f"no message is older than {first}", "lower eval.design_time_share")
    _refuse_few(params, frame[late], f"--design time ({held})", "raise eval.design_time_share")
    return _hold_out(params, "time", held, test_from=first, test_sources=[])


def _sources(params: Params, frame: pd.DataFrame) -> list[HoldOut]:
    n_by_source = {str(name): int(n) for name, n in frame["source"].value_counts().items()}
    wanted = params.eval.design_sources or _largest(params, frame, list(n_by_source))
    found = []
    for name in wanted:
        if name not in n_by_source:
            listed = ", ".join(n_by_source) or "no source at all"
            raise ParamsError("eval.design_sources", f"no labelled message is of {name!r}", f"there is {listed}")
        held = f"{n_by_source[name]:,} messages of source {name}"
        _refuse_few(params, frame[frame["source"] == name], f"--design source ({held})", "name a larger source")
        found.append(_hold_out(params, f"source-{name}", held, test_from=None, test_sources=[name]))
    return found


def _largest(params: Params, frame: pd.DataFrame, sources: list[str]) -> list[str]:
    """The first of the sources, as many as params say, that can be judged while another remains to train on."""
    large = [name for name in sources if _judgeable(params, frame[frame["source"] == name]).any()]
    if not large or len(sources) < 2:
        where = "labelled tables"
        raise TableError(
            where, "have no two sources of which one can be judged", "map a column to source, or take another --design"
        )
    return large[: params.eval.design_sources_at_most]


def _judgeable(params: Params, frame: pd.DataFrame) -> NDArray[np.bool_]:
    return supported(label_array(frame, params.audience_ids), params.eval.slice_support_at_least)


def _refuse_few(params: Params, frame: pd.DataFrame, where: str, remedy: str) -> None:
    if not _judgeable(params, frame).any():
        support = params.eval.slice_support_at_least
        raise TableError(where, f"no audience has {support} messages that carry it and {support} that do not", remedy)


def _hold_out(params: Params, name: str, held: str, *, test_from: date | None, test_sources: list[str]) -> HoldOut:
    cut = {
        "tables": [_freed(table) for table in params.data.tables],
        "test_from": None if test_from is None else test_from.isoformat(),
        "test_sources": test_sources,
        "gate_share": 0.0,
    }
    folder = Path(params.tracking.run_folder) / re.sub(r"[^\w.-]", "_", f"design-{name}")
    return HoldOut(
        name,
        held,
        params.model_copy(
            update={
                "data": params.data.model_copy(update=cut),
                "tracking": params.tracking.model_copy(update={"run_folder": str(folder)}),
            }
        ),
    )


def _freed(table: LabelledTable) -> LabelledTable:
    """The table without its own splits; what it leaves out stays left out."""
    given: dict[str, GivenSplit] = {name: name for name in SPLITS}
    given |= table.splits
    free: dict[str, GivenSplit] = {theirs: ours if ours == "leave_out" else "free" for theirs, ours in given.items()}
    return table.model_copy(update={"splits": free})


def trained(held: HoldOut, recipe: Params) -> Path:
    """The bundle trained for a cut: the one that stands there from the same params, encoder and tables, else a new one.

    A training that was killed goes on where it stopped.

    Raises:
        Exit: Preparing or training failed, and has said why.
        ModelError: The base encoder cannot be had.
    """
    folder = Path(held.params.tracking.run_folder)
    bundle = folder / "bundle"
    if stands(bundle, held.params, recipe):
        return bundle
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "params.yaml"
    write_text(path, yaml.safe_dump(held.params.model_dump(), allow_unicode=True, sort_keys=False))
    for stage in ("training.prepare", "training.train"):
        code = subprocess.run([sys.executable, "-m", stage, "--params", f"{path}"], check=False).returncode
        if code:
            raise typer.Exit(code)
    return bundle


def stands(bundle: Path, own: Params, recipe: Params) -> bool:
    """Whether a bundle was trained from these params, this base encoder, and the tables that the recipe's splits are of.

    Raises:
        ModelError: The base encoder cannot be had.
    """
    if not (bundle / MANIFEST).is_file() or not (data_folder(own) / REPORT).is_file():
        return False
    try:
        manifest = audit(bundle).manifest
    except BundleError:  # of a former format, or not whole: another takes its place
        return False
    wanted = own.model_dump(mode="json")
    same = all(manifest.params.get(section) == wanted[section] for section in TRAINED_FROM)
    if not same or table_digests(own) != table_digests(recipe):
        return False
    folder, _ = encoder_folder(own.base)
    return manifest.encoder.sha256 == encoder_digest(own.base, folder)
