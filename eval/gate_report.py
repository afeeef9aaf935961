"""What the gate decided: who against whom on what, every criterion; as a table, gate.json and gate.md. Not here: deciding."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from eval.criteria import Criterion
from segmenter.bundle import Bundle
from segmenter.registry import Version
from segmenter.writers import write_text

FOLDER = "gate"
FORMAT = 1


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
        criteria: In the order of the table.
    """

    challenger: Side
    champion: Side | None
    split: str
    n: int
    n_clusters: int
    criteria: list[Criterion]

    @property
    def passed(self) -> bool:
        """Every criterion is met."""
        return all(one.passed for one in self.criteria)

    @property
    def word(self) -> str:
        """As a tag."""
        return "passed" if self.passed else "missed"

    def title(self) -> list[str]:
        """Who, against whom, on what."""
        other = "no champion yet" if self.champion is None else f"champion {self.champion.title}"
        judged = f"{self.split}: {self.n:,} messages of {self.n_clusters:,} authors"
        return [f"challenger {self.challenger.title}", other, judged]

    def as_dict(self) -> dict[str, object]:
        """As written to gate.json."""
        sides = {"challenger": self.challenger, "champion": self.champion}
        named = {
            name: None if side is None else {"model": side.named, "bundle": side.bundle.digest}
            for name, side in sides.items()
        }
        counted = {"split": self.split, "n": self.n, "n_clusters": self.n_clusters}
        labels = self.challenger.bundle.manifest.reference_labels
        criteria = [one.as_dict() for one in self.criteria]
        return {
            "format": FORMAT, **named, **counted, "reference_labels": labels, "gate": self.word, "criteria": criteria
        }  # fmt: skip


def gate_table(report: GateReport) -> Table:
    """One row a criterion, for a console of 80 columns."""
    table = Table(title="\n".join(report.title()), title_justify="left", width=80)
    table.add_column("", no_wrap=True)
    table.add_column("criterion", overflow="fold", max_width=30)
    table.add_column("found; needed", ratio=1)
    for one in report.criteria:
        table.add_row(
            "pass" if one.passed else "[bold]MISS[/bold]", one.name, escape(f"{one.found}; needed: {one.needed}")
        )
    return table


def markdown(report: GateReport) -> str:
    """The same as a page."""
    lines = [f"# Gate: {report.word}", "", *[f"- {line}" for line in report.title()], ""]
    lines += ["| | criterion | found | needed |", "|---|---|---|---|"]
    lines += [
        f"| {'pass' if one.passed else '**miss**'} | `{one.name}` | {one.found} | {one.needed} |"
        for one in report.criteria
    ]
    labels = report.challenger.bundle.manifest.reference_labels
    return "\n".join([*lines, "", f"Intervals: 95 %, paired, over authors. Reference labels: {labels}", ""])


def write(report: GateReport, run_folder: Path) -> Path:
    """Write gate.json and gate.md to `<run_folder>/gate`, and return that."""
    folder = run_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "gate.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "gate.md", markdown(report))
    return folder
