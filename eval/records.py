"""What an evaluation found, as metrics.json (metrics.schema.json describes it) and as flat names for MLflow.

Not here: how anything was found; sending it to a store (log.py).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eval.abstention import Abstention
from eval.behaviour import BehaviourReport
from eval.faithfulness import Faithfulness
from eval.figures import GAIN, MACRO, Figure
from eval.metric_names import metric_name
from eval.out_of_scope import OutOfScope
from eval.shortcuts import ShortcutReport
from eval.slices import ALL, SEVERAL
from segmenter.bundle import Bundle
from segmenter.writers import write_text

FORMAT = 3
FILE = "metrics.json"
MODEL = "model"


class Part(Protocol):
    """A part of an evaluation beside the figures: abstention, behaviour, shortcuts."""

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json, under the part's name."""
        ...

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """What evaluating one bundle on one split gave.

    Attributes:
        folder: Holds figures, decisions, plots and card.
        split: The judged messages.
        found: Every figure.
        worst: F1 of the worst slice, None where no slice has messages enough.
        same: Slices without figures of their own, and the slice of the same messages that has them.
        abstention: What the verdict `uncertain` leaves out.
        behaviour: What the behaviour suite found.
        shortcuts: Whether the model knows the audience, or only the language and names.
        scope: Whether what is out of scope is flagged.
        faithfulness: Whether explanations are true to the model.
    """

    folder: Path
    split: str
    found: list[Figure]
    worst: Figure | None
    same: dict[str, str]
    abstention: Abstention
    behaviour: BehaviourReport
    shortcuts: ShortcutReport
    scope: OutOfScope
    faithfulness: Faithfulness

    @property
    def parts(self) -> dict[str, Part]:
        """What was found beside the figures, by the name that metrics.json has it under."""
        return {
            "abstention": self.abstention,
            "behaviour": self.behaviour,
            "shortcuts": self.shortcuts,
            "scope": self.scope,
            "faithfulness": self.faithfulness,
        }

    def n(self, part: str) -> int:
        """Messages of a slice, 0 where it is none."""
        return next((figure.n for figure in self.found if figure.part == part), 0)


def worst_slice(found: list[Figure], support_at_least: int) -> Figure | None:
    """The model's lowest F1 of an audience in a slice, among those with so many messages that carry it and that do not."""
    of_slices = [
        figure
        for figure in found
        if (figure.model, figure.metric) == (MODEL, "f1")
        and figure.part != ALL
        and figure.audience != MACRO
        and min(figure.n_true, figure.n - figure.n_true) >= support_at_least
    ]
    return min(of_slices, key=lambda figure: figure.value or 0.0, default=None)


def write_metrics(evaluation: Evaluation, bundle: Bundle) -> None:
    """Write metrics.json to the evaluation's folder."""
    whole: dict[str, object] = {
        "format": FORMAT,
        "bundle": bundle.digest,
        "split": evaluation.split,
        "reference_labels": bundle.manifest.reference_labels,
        "n": evaluation.n(ALL),
        "n_several_audiences": evaluation.n(SEVERAL),
        "worst_slice": None if evaluation.worst is None else evaluation.worst.as_dict(),
        "same_slices": evaluation.same,
        "figures": [figure.as_dict() for figure in evaluation.found],
        **{name: part.as_dict() for name, part in evaluation.parts.items()},
    }
    write_text(evaluation.folder / FILE, _json(whole))


def _json(whole: dict[str, object]) -> str:
    """As JSON, the items of a list one a line."""
    parts = []
    for name, part in whole.items():
        items = [json.dumps(item, allow_nan=False) for item in part] if isinstance(part, list) else []
        text = "[\n  " + ",\n  ".join(items) + "\n ]" if items else json.dumps(part, indent=1, allow_nan=False)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Figures under flat MLflow names: `f1/european_publics`, `f1/macro/low`, `lang/en/f1/macro`, `tfidf/f1/macro`.

    Of a slice, F1 alone of every contender, and every other figure of the model without its interval: metrics.json has
    all. Those of a split other than test begin with its name.
    """
    flat = {name: value for part in evaluation.parts.values() for name, value in part.metrics().items()}
    for figure in evaluation.found:
        bounded = figure.part == ALL or figure.metric in ("f1", f"f1{GAIN}")
        if figure.model != MODEL and not bounded:
            continue
        name = flat_name(figure)
        values = {name: figure.value} | ({f"{name}/low": figure.low, f"{name}/high": figure.high} if bounded else {})
        flat |= {key: value for key, value in values.items() if value is not None}
    if evaluation.worst is not None and evaluation.worst.value is not None:
        flat["worst_slice/f1"] = evaluation.worst.value
    return flat if evaluation.split == "test" else {f"{evaluation.split}/{name}": value for name, value in flat.items()}


def flat_name(figure: Figure) -> str:
    """A figure's name in MLflow."""
    model = [] if figure.model == MODEL else [figure.model]
    part = [] if figure.part == ALL else figure.part.split("=", 1)
    return metric_name(*model, *part, figure.metric, figure.audience)
