"""`python -m training.audit --params P`: what is wrong with the labels, before anything is trained on them.

Writes to `<run_folder>/audit`: audit.html to read, label_errors.json to review in Label Studio (the labelling interface is
training/label_studio.xml), and audit.json, which holds no text of a message (null: cannot be judged):

    format                  1; raised when a key changes its meaning
    version, made_at        of segmenter; UTC
    seed, settings          of params: data.seed; the sections audit, duplicates, eval
    reference_labels        who labelled, as params say it
    warnings                sentences; empty where nothing is loud
    n_messages
    tables                  what became of the rows of each: [{path, n_rows, n_messages, …}], as training.labels.TableCounts
    files                   [{file, n, n_doubted, label_kinds: {kind: n}, characters: {median, p95, longest}}]
    counts                  [{audiences, lang, source, table, label_kind, split, n}], audiences joined by `;`, or `none`
    conflicts               [{exact, messages: [MESSAGE]}], exact ones first
    languages               [{audience, balanced_accuracy, f1, n, n_true, loud}]
    agreement               [{audience, alpha, low, high, n, n_marked}]
    n_label_errors          messages with a doubted label; those listed are audit.label_errors at most
    label_errors            [{rank, quality, suggested, reason} and the keys of MESSAGE], the most suspicious trusted label first
    MESSAGE                 {id, table, lang, label_kind, split, line, audiences}; split is `free` where none is given

Not here: what is looked for (label_audit.py), the page (audit_page.py).
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from segmenter.cli import run
from segmenter.params import load_params
from segmenter.writers import write_text
from training.audit_page import page
from training.label_audit import LabelAudit, as_json, audit
from training.label_errors import tasks

app = typer.Typer(add_completion=False)


def write(found: LabelAudit, folder: Path) -> None:
    """Write audit.html, audit.json and label_errors.json.

    Raises:
        TableError: The folder cannot be written to.
    """
    written = {"audit.json": as_json(found), "label_errors.json": tasks(found.frame, found.listed)}
    for name, content in written.items():
        write_text(folder / name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "audit.html", page(found))


@app.command()
def main(params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")]) -> None:
    """Say what is wrong with the labels: conflicts, language shortcuts, disagreement, likely errors to review."""
    settings = load_params(params)
    folder = Path(settings.tracking.run_folder) / "audit"
    found = audit(settings)
    write(found, folder)
    console = Console()
    console.print(_figures(found))
    console.print(f"{len(found.frame):,} labelled messages; texts with conflicting labels: {len(found.conflicts):,}")
    console.print(f"likely label errors: {len(found.suspicions):,}, the first {len(found.listed):,} listed for review")
    console.print(f"written to {folder}: audit.html, audit.json, label_errors.json (for Label Studio)")
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)


def _figures(found: LabelAudit) -> Table:
    table = Table(title="What each audience's labels are worth", title_justify="left")
    table.add_column("audience")
    for head in ("messages", "language alone (balanced accuracy)", "agreement (alpha)"):
        table.add_column(head, justify="right")
    for one, other in zip(found.shortcuts, found.agreement, strict=True):
        table.add_row(
            one.audience,
            f"{one.n_true:,}",
            f"not evaluable, n = {one.n_true:,}" if one.balanced_accuracy is None else f"{one.balanced_accuracy:.2f}",
            f"not evaluable, n = {other.n:,}" if other.alpha is None else f"{other.alpha:.2f}",
        )
    return table


if __name__ == "__main__":
    run(app)
