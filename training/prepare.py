"""`python -m training.prepare --params P`: validate the labelled tables, report on them, write leak-free splits as Parquet."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from datasets import Dataset, DatasetDict, disable_progress_bars
from rich.console import Console

from segmenter.cli import run
from segmenter.duplicates import groups
from segmenter.errors import ParamsError, TableError
from segmenter.params import Params, load_params
from segmenter.prepared import REPORT, data_folder, split_columns
from segmenter.writers import whole_file, write_text
from training.label_rows import KINDS
from training.labels import read_labels
from training.report import Report, labels_table, lines, report_on
from training.splits import assign

app = typer.Typer(add_completion=False)


def prepare(params: Params) -> Report:
    """Read, check, split and write to `<run_folder>/data`; the report is written there too.

    Raises:
        TableError: As read_labels and assign.
    """
    labels = read_labels(params)
    frame = labels.frame
    frame["group"] = groups(frame["text"].tolist(), params.duplicates)
    assignment = assign(frame, params.data)
    frame["split"] = assignment.split
    kept = _without_repeats(frame)
    folder = data_folder(params)
    _refuse_foreign(folder)
    part = folder.with_name(f"{folder.name}.part")  # moved when whole: a killed run leaves no half splits
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    columns = split_columns(params.data)
    splits = {str(name): frame[columns] for name, frame in kept.groupby("split") if name != "leave_out"}
    for name, dataset in DatasetDict(
        {name: Dataset.from_pandas(frame, preserve_index=False) for name, frame in splits.items()}
    ).items():
        with whole_file(part / f"{name}.parquet") as stream:
            dataset.to_parquet(stream)
    written = {name: pd.read_parquet(part / f"{name}.parquet") for name in splits}
    report = report_on(params, labels, assignment, kept, written)
    write_text(part / REPORT, json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return report


def _refuse_foreign(folder: Path) -> None:
    """Only what prepare wrote is ever replaced."""
    if folder.exists() and not (folder / REPORT).is_file() and any(folder.iterdir()):
        raise ParamsError(folder, "holds files that prepare did not write", "name another tracking.run_folder")


def _without_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """One message per text among what trains, the most trusted label first; held-out messages stay as they are."""
    held = frame["split"].isin(("test", "gate", "leave_out"))
    trusted = frame["label_kind"].map({kind: rank for rank, kind in enumerate(KINDS)})
    repeats = frame.assign(trusted=trusted)[~held].sort_values("trusted", kind="stable").duplicated("key")
    return frame.drop(index=repeats.index[repeats])


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Validate labelled tables, report on them, and write splits in which no author and no text stands on both sides."""
    disable_progress_bars()
    settings = load_params(params)
    report = prepare(settings)
    console = Console()
    console.print(labels_table(report))
    for line in lines(report):
        console.print(line, soft_wrap=True)
    console.print(f"written to {data_folder(settings)} (counts by source too: {REPORT})")
    if not {"train", "dev", "test"} <= set(report.n_by_split):
        raise TableError(
            "labelled tables", f"splits found: {report.n_by_split}", "train, dev and test must each have messages"
        )


if __name__ == "__main__":
    run(app)
