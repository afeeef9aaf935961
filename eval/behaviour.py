"""`python -m eval.behaviour --model M --params P`: the behaviour suite run on a model, its rates and failures.

A rate says how often a model met written expectations; the messages are nobody's corpus, so it is no accuracy. Not here:
the files (suite_files.py, behaviour/*.yaml), what a case expects (expectations.py).
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eval.cases import Case, Suite, read_suite
from eval.expectations import Answer
from eval.rates import Rate, rates_of
from segmenter.cli import run
from segmenter.named import opened
from segmenter.params import load_params
from segmenter.score import Scored, Scorer
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
REPORT = "behaviour.json"


@dataclass(frozen=True)
class Failure:
    """A case that did not pass: its texts (invented, and public), what was expected of them and what was found."""

    id: str
    capability: str
    group: str
    language: str
    texts: tuple[str, ...]
    why: str
    expected: str
    found: str


@dataclass(frozen=True)
class BehaviourReport:
    """What the suite found of one model.

    Attributes:
        n_messages: Written messages that were put to it.
        n_cases: Cases they make, those of the next two aside.
        n_skipped: Cases for audiences that the model does not have, by capability.
        n_equal: Pairs that are one text after the text rules, by capability: no model could fail them.
        written_by: Who wrote the messages, as the files say.
        rates: Per capability: all, then its groups or perturbations, then languages.
        failures: In the order of the files.
    """

    n_messages: int
    n_cases: int
    n_skipped: dict[str, int]
    n_equal: dict[str, int]
    written_by: list[str]
    rates: list[Rate]
    failures: list[Failure]

    def capabilities(self) -> dict[str, Rate]:
        """The whole rate of each capability that has a case."""
        return {rate.capability: rate for rate in self.rates if rate.kind == "all"}

    def metrics(self) -> dict[str, float]:
        """Rates by flat MLflow names: `behaviour/invariance`, `behaviour/invariance/low`, `behaviour/invariance/typos`."""
        flat: dict[str, float] = {}
        for rate in self.rates:
            whole = rate.kind == "all"
            name = f"behaviour/{rate.capability}" if whole else f"behaviour/{rate.capability}/{rate.part}"
            flat |= {name: rate.value} | ({f"{name}/low": rate.low, f"{name}/high": rate.high} if whole else {})
        return flat

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return asdict(self)


def run_suite(scorer: Scorer, folder: Path, audience_ids: list[str]) -> BehaviourReport:
    """Put a suite's cases to a model; all their texts are scored in one call.

    Args:
        scorer: The model.
        folder: The suite's files.
        audience_ids: The model's audiences, in the order of its scores.

    Raises:
        SuiteError: A file does not say what its cases need.
    """
    suite = read_suite(folder)
    ids = frozenset(audience_ids)
    texts = list(dict.fromkeys(text for case in _asked(suite, ids) for text in case.texts))
    answers = _answers(texts, scorer.score(texts), audience_ids) if texts else {}
    return report(suite, answers, ids)


def _answers(texts: list[str], scored: Scored, audience_ids: list[str]) -> dict[str, Answer]:
    return {
        text: Answer(
            {name: float(score) for name, score in zip(audience_ids, scores, strict=True)},
            frozenset(name for name, is_chosen in zip(audience_ids, chosen, strict=True) if is_chosen),
        )
        for text, scores, chosen in zip(texts, scored.scores, scored.verdicts.chosen, strict=True)
    }


def report(suite: Suite, answers: dict[str, Answer], audience_ids: frozenset[str]) -> BehaviourReport:
    """Compare a model's answers to the texts with what the cases expect of them."""
    cases = _asked(suite, audience_ids)
    equal = Counter(case.capability for case in _fitting(suite, audience_ids) if case.is_one_text)
    skipped = Counter(case.capability for case in suite.cases if not case.expectation.judged(audience_ids))
    passed = {case.id: case.expectation.met([answers[text] for text in case.texts]) for case in cases}
    failures = [_failure(case, answers, audience_ids) for case in cases if not passed[case.id]]
    return BehaviourReport(
        n_messages=len({case.message for case in cases}),
        n_cases=len(cases),
        n_skipped=dict(skipped),
        n_equal=dict(equal),
        written_by=suite.written_by,
        rates=rates_of(cases, passed),
        failures=failures,
    )


def _fitting(suite: Suite, audience_ids: frozenset[str]) -> list[Case]:
    """The cases for these audiences."""
    return [case for case in suite.cases if case.expectation.judged(audience_ids)]


def _asked(suite: Suite, audience_ids: frozenset[str]) -> list[Case]:
    """Those of them that a model can pass or fail."""
    return [case for case in _fitting(suite, audience_ids) if not case.is_one_text]


def _failure(case: Case, answers: dict[str, Answer], audience_ids: frozenset[str]) -> Failure:
    judged = case.expectation.judged(audience_ids)
    found = " → ".join(answers[text].shown(judged) for text in case.texts)
    expected = case.expectation.sentence()
    return Failure(case.id, case.capability, case.group, case.language, case.texts, case.why, expected, found)


def rate_table(found: BehaviourReport) -> Table:
    """The rates for a console of 80 columns."""
    title = f"Behaviour: {found.n_cases:,} cases of {found.n_messages:,} messages"
    table = Table(title=title, title_justify="left")
    for head in ("", "cases", "passed", "rate [95 %]"):
        table.add_column(head, no_wrap=True)
    for rate in found.rates:
        if rate.kind == "all":
            table.add_section()
        name = f"[bold]{rate.capability}[/bold]" if rate.kind == "all" else f"  {rate.part}"
        bounds = f"{rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]"
        table.add_row(name, f"{rate.n:,}", f"{rate.passed:,}", bounds)
    return table


@app.command()
def main(
    model: Annotated[str, typer.Option(metavar="MODEL", help="A bundle folder, models:/NAME@ALIAS or models:/NAME/N.")],
    params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")],
) -> None:
    """Put the behaviour suite to a model: rates, every failure, and both as JSON in the run folder."""
    settings = load_params(params)
    with opened(model, settings.tracking.uri) as bundle:
        scorer = Scorer(bundle, settings.score)
        found = run_suite(scorer, Path(settings.eval.behaviour), bundle.audience_ids)
        digest = bundle.digest
    Console().print(rate_table(found))
    for failure in found.failures:
        typer.echo(f"{failure.id} ({failure.group}): expected {failure.expected}; found {failure.found}")
    if found.n_skipped:
        counted = ", ".join(f"{n:,} of {capability}" for capability, n in found.n_skipped.items())
        typer.echo(f"skipped, for audiences that the model does not have: {counted}")
    if found.n_equal:
        counted = ", ".join(f"{n:,} of {capability}" for capability, n in found.n_equal.items())
        typer.echo(f"counted apart, equal after the text rules: {counted}")
    folder = Path(settings.tracking.run_folder)
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"bundle": digest, **found.as_dict()}
    write_text(folder / REPORT, json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    typer.echo(f"messages were written by: {'; '.join(found.written_by)}")
    typer.echo(f"rates and failures: {folder / REPORT}")


if __name__ == "__main__":
    run(app)
