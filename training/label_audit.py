"""What is wrong with a labelled set, as plain data: conflicts, language shortcuts, agreement, likely errors, counts.

Not here: how each is found (conflicts.py, shortcut.py, agreement.py, label_errors.py), the page (audit_page.py).
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from segmenter import __version__
from segmenter.duplicates import groups
from segmenter.params import Params
from segmenter.prepared import label_array
from segmenter.sources.label_studio import NONE
from training.agreement import Agreement, Bootstrap, agreement
from training.conflicts import Conflict, conflicts
from training.label_errors import Suspicion, label_errors
from training.labels import TableCounts, read_labels
from training.shortcut import Shortcut, shortcuts
from training.splits import folds

FORMAT = 1  # of audit.json
FREE = "free"  # the split of a message that names none


@dataclass(frozen=True)
class LabelAudit:
    """What was found.

    Attributes:
        params: What was audited, and how.
        frame: The messages as read_labels returns them, and `group` (of near-copies), `doubted`; a missing split is FREE.
        tables: What became of the rows of each table.
        conflicts: Messages of one text with different labels.
        shortcuts: One an audience.
        agreement: One an audience.
        suspicions: Every message with a doubted label, in the order of review.
        made_at: UTC, ISO 8601.
    """

    params: Params
    frame: pd.DataFrame
    tables: list[TableCounts]
    conflicts: list[Conflict]
    shortcuts: list[Shortcut]
    agreement: list[Agreement]
    suspicions: list[Suspicion]
    made_at: str

    @property
    def listed(self) -> list[Suspicion]:
        """The suspicions that are for review."""
        return self.suspicions[: self.params.audit.label_errors]

    def is_loud(self, shortcut: Shortcut) -> bool:
        """The language alone predicts the audience too well."""
        accuracy = shortcut.balanced_accuracy
        return accuracy is not None and accuracy > self.params.audit.language_accuracy_at_most

    @property
    def warnings(self) -> list[str]:
        """One sentence for each audience that the language gives away."""
        return [
            f"the language alone predicts {one.audience} with a balanced accuracy of {one.balanced_accuracy:.2f} "
            f"(loud above {self.params.audit.language_accuracy_at_most:.2f}): a model can pass for good by recognising the "
            "language; add messages that break the link, or raise train.language_balance, and trust figures within a language"
            for one in self.shortcuts
            if self.is_loud(one)
        ]


def audit(params: Params) -> LabelAudit:
    """Read every labelled message, before any splitting, held-out ones too, and look for what is wrong.

    Raises:
        TableError: As read_labels; or the messages have fewer authors or texts than folds.
    """
    read = read_labels(params)
    frame = read.frame
    frame["split"] = frame["split"].fillna(FREE)
    frame["group"] = groups(frame["text"].tolist(), params.duplicates)
    labels = label_array(frame, params.audience_ids)
    fold = folds(frame, params.audit.folds, params.data.seed)
    support = params.eval.slice_support_at_least
    doubted = label_errors(frame, labels, fold, params)
    frame["doubted"] = False
    frame.loc[[one.place for one in doubted], "doubted"] = True
    bootstrap = Bootstrap(params.eval.bootstrap_rounds, params.data.seed, support)
    return LabelAudit(
        params,
        frame,
        read.tables,
        conflicts(frame),
        shortcuts(frame["lang"].tolist(), labels, fold, params.audience_ids, support_at_least=support),
        agreement(frame["annotations"].tolist(), params.audience_ids, bootstrap),
        doubted,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )


def as_json(found: LabelAudit) -> dict[str, object]:
    """What audit.json holds; see training/audit.py for every key."""
    params = found.params
    return {
        "format": FORMAT,
        "version": __version__,
        "made_at": found.made_at,
        "seed": params.data.seed,
        "settings": {name: getattr(params, name).model_dump() for name in ("audit", "duplicates", "eval")},
        "reference_labels": params.data.reference_labels,
        "warnings": found.warnings,
        "n_messages": len(found.frame),
        "tables": [asdict(one) for one in found.tables],
        "files": files(found.frame),
        "counts": _counts(found.frame),
        "conflicts": [
            {"exact": one.is_exact, "messages": [reference(found.frame, place) for place in one.places]}
            for one in found.conflicts
        ],
        "languages": [asdict(one) | {"loud": found.is_loud(one)} for one in found.shortcuts],
        "agreement": [asdict(one) for one in found.agreement],
        "n_label_errors": len(found.suspicions),
        "label_errors": [
            {"rank": rank, "quality": round(one.quality, 4), "suggested": one.suggested, "reason": one.reason}
            | reference(found.frame, one.place)
            for rank, one in enumerate(found.listed, start=1)
        ],
    }


def reference(frame: pd.DataFrame, place: int) -> dict[str, object]:
    """Where a message stands and what it is labelled; never its text, never its author."""
    row = frame.iloc[place]
    named = {name: str(row[name]) for name in ("id", "table", "lang", "label_kind", "split")}
    return named | {"line": int(row["line"]), "audiences": row["audiences"]}


def files(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Messages, doubted ones, label kinds and lengths of each file, in the order of the frame."""
    found: list[dict[str, object]] = []
    for file, part in frame.groupby("table", sort=False):
        median, p95, longest = np.percentile(part["text"].str.len(), [50, 95, 100]).round().astype(int).tolist()
        lengths = {"median": median, "p95": p95, "longest": longest}
        kinds = dict(Counter(part["label_kind"]))
        counted = {"n": len(part), "n_doubted": int(part["doubted"].sum())}
        found.append({"file": str(file), **counted, "label_kinds": kinds, "characters": lengths})
    return found


def _counts(frame: pd.DataFrame) -> list[dict[str, object]]:
    joined = frame["audiences"].map(lambda ids: ";".join(ids) or NONE)
    columns = frame[["lang", "source", "table", "label_kind", "split"]].fillna("").assign(audiences=joined)
    found = columns.value_counts(sort=False).rename("n").reset_index()
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
