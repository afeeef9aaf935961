"""What prepare found, as plain data and as what the command says of it. Not here: reading and splitting (prepare.py)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from rich.table import Table

from segmenter.bundle import sha256_of
from segmenter.params import Params
from segmenter.sections import Data
from segmenter.text import RULES, text_key
from training.conflicts import conflicts
from training.labels import Labels, TableCounts
from training.leaks import WAYS, Leak, leak_masks
from training.splits import Assignment

LANGUAGES_SHOWN = 8  # the most frequent; the report has them all


@dataclass(frozen=True)
class Clash:
    """Messages of one text that carry different labels; `exact`: their keys are equal, else they are near-duplicates."""

    ids: list[str]
    labels: list[list[str]]
    exact: bool


@dataclass(frozen=True)
class LabelCount:
    """Messages of one label, language and source (empty: none is named)."""

    label: str
    lang: str
    source: str
    n: int


@dataclass(frozen=True)
class Report:
    """What the labelled tables hold and how they were split: report.json.

    Attributes:
        data: Of params.
        duplicates: Of params.
        audiences: Their ids.
        text_rules: Version of the rules that the keys were made by.
        files: sha256 of every file read.
        tables: What became of the rows of each table.
        n_messages: Kept of all tables.
        n_by_split: Messages written, and those left out.
        n_by_split_unit: For each split, how many of them are split by author and how many by message.
        n_by_source_split_by_message: Of single outlets and of messages without an author, which only texts part.
        left_out: Messages that became leave_out, by reason.
        leaks: Given training messages that leaked and were left out.
        overlaps: Messages of train or dev, as written, that leak, by kind; each is zero.
        n_texts_repeated: Messages whose text another has as well.
        n_near_duplicates: Messages with a near-duplicate or an exact one.
        n_repeats_dropped: Of training texts, all but one each.
        conflicts: Texts with different labels, equal ones first.
        counts: By label, language and source.
    """

    data: dict[str, object]
    duplicates: dict[str, object]
    audiences: list[str]
    text_rules: int
    files: dict[str, str]
    tables: list[TableCounts]
    n_messages: int
    n_by_split: dict[str, int]
    n_by_split_unit: dict[str, dict[str, int]]
    n_by_source_split_by_message: dict[str, int]
    left_out: dict[str, int]
    leaks: list[Leak]
    overlaps: dict[str, int]
    n_texts_repeated: int
    n_near_duplicates: int
    n_repeats_dropped: int
    conflicts: list[Clash]
    counts: list[LabelCount]


def report_on(
    params: Params,
    labels: Labels,
    assignment: Assignment,
    kept: pd.DataFrame,
    written: dict[str, pd.DataFrame],
) -> Report:
    """The report.

    Args:
        params: The recipe.
        labels: What was read; its frame has a `group` of near-duplicates.
        assignment: Its splits.
        kept: The messages with their split, repeated training texts dropped.
        written: Every split as read back from its file.
    """
    frame = labels.frame
    units = {name: dict(Counter(part)) for name, part in kept["split_unit"].groupby(kept["split"])}
    by_message = kept[(kept["split_unit"] == "message") & (kept["split"] != "leave_out")]
    return Report(
        data=params.data.model_dump(),
        duplicates=params.duplicates.model_dump(),
        audiences=params.audience_ids,
        text_rules=RULES,
        files={str(file): sha256_of(file) for file in labels.files},
        tables=labels.tables,
        n_messages=len(frame),
        n_by_split=dict(Counter(kept["split"])),
        n_by_split_unit={str(name): part for name, part in units.items()},
        n_by_source_split_by_message=dict(Counter(by_message["source"].fillna(""))),
        left_out=assignment.left_out,
        leaks=assignment.leaks,
        overlaps=overlaps(written, params.data),
        n_texts_repeated=int(frame["key"].duplicated(keep=False).sum()),
        n_near_duplicates=int(frame["group"].duplicated(keep=False).sum()),
        n_repeats_dropped=len(frame) - len(kept),
        conflicts=_clashes(frame),
        counts=_counts(frame),
    )


def _clashes(frame: pd.DataFrame) -> list[Clash]:
    ids, labels = frame["id"].to_numpy(), frame["audiences"].to_numpy()
    found = conflicts(frame)
    return [Clash(ids[one.places].tolist(), labels[one.places].tolist(), one.is_exact) for one in found]


def _counts(frame: pd.DataFrame) -> list[LabelCount]:
    labels = frame["audiences"].map(lambda ids: ";".join(ids) or "none")
    found = Counter(zip(labels, frame["lang"], frame["source"].fillna(""), strict=True))
    return [LabelCount(label, lang, source, n) for (label, lang, source), n in sorted(found.items())]


def overlaps(written: dict[str, pd.DataFrame], data: Data) -> dict[str, int]:
    """Leaking messages of the splits as they were written, by kind: the proof that there are none."""
    frame = pd.concat([part.assign(split=name) for name, part in written.items()], ignore_index=True)
    frame["key"] = [text_key(text) for text in frame["text"]]
    return {kind: int(mask.sum()) for kind, mask in leak_masks(frame, frame["split"], data).items()}


def labels_table(report: Report) -> Table:
    """Messages by audiences and language, the rarer languages as one."""
    by_language: Counter[str] = Counter()
    for part in report.counts:
        by_language[part.lang] += part.n
    shown = {lang for lang, _ in by_language.most_common(LANGUAGES_SHOWN)}
    totals: Counter[tuple[str, str]] = Counter()
    for part in report.counts:
        totals[part.label, part.lang if part.lang in shown else "other"] += part.n
    table = Table("audiences", "language", title="Labelled messages", title_justify="left")
    table.add_column("messages", justify="right")
    for (label, lang), n in sorted(totals.items()):
        table.add_row(label, lang, f"{n:,}")
    return table


def lines(report: Report) -> Iterator[str]:
    """What became of the rows and the messages, a line each."""
    for part in report.tables:
        counts = {
            "merged": part.n_merged,
            "filtered": part.n_filtered,
            "unlabelled": part.n_unlabelled,
            "over the cap of their author": part.n_capped,
            **part.rejected,
        }
        rest = "".join(f", {n:,} {what}" for what, n in counts.items() if n)
        yield f"{part.path}: {part.n_rows:,} rows, {part.n_messages:,} kept{rest}"
    for reason, n in report.left_out.items():
        yield f"left out: {n:,} {reason}"
    for leak in report.leaks:
        yield f"leaked by {WAYS[leak.kind]}: {', '.join(leak.ids)}"
    yield f"splits: {report.n_by_split}; repeated texts dropped from training: {report.n_repeats_dropped}"
    yield f"texts with conflicting labels: {len(report.conflicts)}"
    for kind, n in report.overlaps.items():
        yield f"messages of train or dev known from held-out ones by {WAYS[kind]}: {n}"
