"""What the gate decided: who against whom on what, every criterion; as a table, gate.json and gate.md. Not here: deciding."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from eval.criterion import STATES, Criterion
from segmenter.bundle import Bundle
from segmenter.registry import Version
from segmenter.writers import write_text

FOLDER, DRY_FOLDER = "gate", "gate-dry-run"
FORMAT = 2


@dataclass(frozen=True)
class Side:
    """One of the two: what the user named it, its version (None for a bundle folder), its bundle."""

    named: str
    version: Version | None
    bundle: Bundle

    @property
    def title(self) -> str:
        """Its version or folder, and its digest."""
        return f"{self.named if self.version is None else self.version.uri} ({self.bundle.name})"


@dataclass(frozen=True)
class GateReport:
    """What the gate found.

    Attributes:
        challenger: Who wants to be champion.
        champion: Who is, None where nobody is.
        split: The messages that decided.
        n: Of them.
        n_clusters: Their authors; a message without a known one counts as one.
        split_digest: Of their texts.
        criteria: In the order of the table.
        decision: Which decision of the store on these texts it is, from 1; None for a dry run, which is not counted.
    """

    challenger: Side
    champion: Side | None
    split: str
    n: int
    n_clusters: int
    split_digest: str
    criteria: list[Criterion]
    decision: int | None = None

    @property
    def passed(self) -> bool:
        """No criterion is missed; some may not be evaluable."""
        return not any(one.state == "miss" for one in self.criteria)

    @property
    def word(self) -> str:
        """As a tag."""
        return "passed" if self.passed else "missed"

    @property
    def counted(self) -> str:
        """Criteria by state."""
        return ", ".join(f"{[one.state for one in self.criteria].count(state)} {state}" for state in STATES)

    def metrics(self) -> dict[str, float]:
        """Those of every criterion, under flat MLflow names, and which decision it is."""
        flat = {name: value for one in self.criteria for name, value in one.metrics().items()}
        return flat if self.decision is None else flat | {"gate/decision": float(self.decision)}

    def title(self) -> list[str]:
        """Who, against whom, on what."""
        other = "no champion yet" if self.champion is None else f"champion {self.champion.title}"
        judged = f"{self.split}: {self.n:,} messages of {self.n_clusters:,} authors"
        number = "a dry run, not counted" if self.decision is None else f"decision number {self.decision} on this split"
        return [f"challenger {self.challenger.title}", other, judged, number]

    def as_dict(self) -> dict[str, object]:
        """As written to gate.json."""
        sides = {"challenger": self.challenger, "champion": self.champion}
        named = {
            name: None if side is None else {"model": side.named, "bundle": side.bundle.digest}
            for name, side in sides.items()
        }
        counted = {"split": self.split, "n": self.n, "n_clusters": self.n_clusters}
        counted |= {"split_digest": self.split_digest, "decision": self.decision}
        labels = self.challenger.bundle.manifest.reference_labels
        criteria = [one.as_dict() for one in self.criteria]
        return {
            "format": FORMAT, **named, **counted, "reference_labels": labels, "gate": self.word, "criteria": criteria
        }  # fmt: skip


def gate_table(report: GateReport) -> Table:
    """One row a criterion, for a console of 80 columns."""
    table = Table(title="\n".join(report.title()), title_justify="left", width=80)
    table.add_column("", max_width=9)
    table.add_column("criterion", overflow="fold", max_width=30)
    table.add_column("found; needed", ratio=1)
    for one in report.criteria:
        state = "[bold]MISS[/bold]" if one.state == "miss" else one.state
        table.add_row(state, escape(one.name), escape(f"{one.found}; needed: {one.needed}"))
    return table


def markdown(report: GateReport) -> str:
    """The same as a page."""
    lines = [f"# Gate: {report.word}", "", *[f"- {line}" for line in [*report.title(), report.counted]], ""]
    lines += ["| | criterion | found | needed |", "|---|---|---|---|"]
    lines += [
        f"| {'**miss**' if one.state == 'miss' else one.state} | `{one.name}` | {one.found} | {one.needed} |"
        for one in report.criteria
    ]
    labels = report.challenger.bundle.manifest.reference_labels
    return "\n".join([*lines, "", f"Intervals: 95 %, paired, over authors. Reference labels: {labels}", ""])


def write(report: GateReport, run_folder: Path) -> Path:
    """Write gate.json and gate.md to `<run_folder>/gate`, a dry run's to `gate-dry-run`, and return that."""
    folder = run_folder / (FOLDER if report.decision is not None else DRY_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "gate.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "gate.md", markdown(report))
    return folder
