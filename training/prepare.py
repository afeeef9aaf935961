"""`python -m training.prepare --params P`: validate the labelled tables, report on them, write leak-free splits as Parquet."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from datasets import Dataset, DatasetDict, disable_progress_bars
from rich.console import Console
from rich.table import Table

from segmenter.bundle import sha256_of
from segmenter.cli import run
from segmenter.errors import ParamsError, TableError
from segmenter.params import Params, load_params
from segmenter.prepared import KEPT, REPORT, data_folder
from segmenter.tables import table_files
from segmenter.writers import write_text
from training.labels import KINDS, read_labels
from training.splits import assign, overlaps

app = typer.Typer(add_completion=False)


def prepare(params: Params) -> dict[str, object]:
    """Read, check, split and write to `<run_folder>/data`; returns the report, also written there.

    Raises:
        TableError: As read_labels and assign.
    """
    frame = read_labels(params)
    frame["split"] = assign(frame, params.data, params.seed)
    conflicts = _conflicts(frame)
    kept = _without_repeats(frame)
    report = {
        "data": params.data.model_dump(),
        "seed": params.seed,
        "audiences": params.audience_ids,
        **_counts(frame, kept, conflicts),
    }
    folder = data_folder(params)
    _refuse_foreign(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    splits = {name: part for name, part in kept.groupby("split") if name != "leave_out"}
    for name, dataset in DatasetDict(
        {str(name): Dataset.from_pandas(part[KEPT], preserve_index=False) for name, part in splits.items()}
    ).items():
        dataset.to_parquet(folder / f"{name}.parquet")
    write_text(folder / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
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


def _conflicts(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Texts that carry different labels."""
    labels = frame["audiences"].map(";".join)
    n_labels = labels.groupby(frame["key"]).nunique()
    clashing = frame[frame["key"].isin(n_labels.index[n_labels > 1])]
    return [
        {"key": str(key), "ids": part["id"].tolist(), "labels": part["audiences"].tolist()}
        for key, part in clashing.groupby("key")
    ]


def _counts(frame: pd.DataFrame, kept: pd.DataFrame, conflicts: list[dict[str, object]]) -> dict[str, object]:
    labels = frame["audiences"].map(lambda ids: ";".join(ids) or "none")
    columns = frame.assign(label=labels, source=frame["source"].fillna(""))[["label", "lang", "source"]]
    by = columns.value_counts(sort=False).rename("n").reset_index()
    authors, texts = overlaps(kept)
    return {
        "tables": {
            file: sha256_of(Path(file))
            for file in sorted({str(file) for table in frame["table"].unique() for file in table_files(Path(table))})
        },
        "n_messages": len(frame),
        "n_by_split": dict(Counter(kept["split"])),
        "n_repeats_dropped": len(frame) - len(kept),
        "n_texts_repeated": int(frame["key"].duplicated(keep=False).sum()),
        "conflicts": conflicts,
        "n_left_out": int((kept["split"] == "leave_out").sum()),
        "authors_in_both_train_and_held_out": len(authors),
        "texts_in_both_train_and_held_out": len(texts),
        "counts": by.to_dict("records"),
    }


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Validate labelled tables, report on them, and write splits in which no author and no text stands on both sides."""
    disable_progress_bars()
    settings = load_params(params)
    report = prepare(settings)
    console = Console()
    table = Table(title="Labelled messages", title_justify="left")
    for head in ("audiences", "language", "messages"):
        table.add_column(head, justify="right" if head == "messages" else "left")
    totals: Counter[tuple[str, str]] = Counter()
    for part in report["counts"]:  # type: ignore[attr-defined]
        totals[part["label"], part["lang"]] += part["n"]
    for (label, lang), n in sorted(totals.items()):
        table.add_row(label, lang, f"{n:,}")
    console.print(table)
    console.print(
        f"splits: {report['n_by_split']}; repeated texts dropped from training: {report['n_repeats_dropped']}"
    )
    console.print(f"texts with conflicting labels: {len(report['conflicts'])}")  # type: ignore[arg-type]
    for what in ("authors", "texts"):
        console.print(f"{what} in both train and held-out: {report[f'{what}_in_both_train_and_held_out']}")
    console.print(f"written to {data_folder(settings)} (counts by source too: {REPORT})")
    if not {"train", "dev", "test"} <= set(report["n_by_split"]):  # type: ignore[call-overload]
        raise TableError(
            "labelled tables", f"splits found: {report['n_by_split']}", "train, dev and test must each have messages"
        )


if __name__ == "__main__":
    run(app)
