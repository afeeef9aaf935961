"""`python -m eval.evaluate --params P --model BUNDLE`: figures, plots, card beside baselines; logged, version registered.

Everything stands in the run folder before the tracking store is asked for anything (log.py sends it).
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer
from rich.console import Console

from eval import log
from eval.abstention import abstention
from eval.baselines import Earlier, Judgement, baselines, earlier, judgement, refuse_twice, refuse_unfair
from eval.behaviour import run_suite
from eval.card import write_card
from eval.card_page import card_page
from eval.console import evaluation_table, slice_sentences
from eval.decisions import write_decisions
from eval.designs import hold_outs, trained
from eval.faithfulness import faithfulness
from eval.figures import Judged, author_clusters, figures
from eval.mistakes import mistakes
from eval.mistakes_page import write_mistakes
from eval.out_of_scope import out_of_scope
from eval.plots import draw_all, draw_coverage_risk
from eval.records import MODEL, Evaluation, worst_slice, write_metrics
from eval.shortcuts import shortcuts
from eval.slices import same_slices, slices
from segmenter import registry
from segmenter.bundle import Bundle
from segmenter.cli import run
from segmenter.errors import ParamsError
from segmenter.intervals import shown
from segmenter.named import opened
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split
from segmenter.score import Scored, Scorer
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scoring:
    """The judged messages and all that was said of them.

    Attributes:
        scorer: The judged bundle, ready to score more.
        frame: The messages.
        scored: What the judged bundle says of them.
        judged: Their labels, authors and slices.
        contenders: The judged bundle first.
    """

    scorer: Scorer
    frame: pd.DataFrame
    scored: Scored
    judged: Judged
    contenders: list[Judgement]


def evaluate(
    params: Params, bundle: Bundle, split: str, *, against: Sequence[Earlier] = (), with_text: bool = False
) -> Evaluation:
    """Judge a bundle, the baselines and earlier versions on a prepared split; writes it all to the run folder.

    Args:
        params: Those the bundle was trained with.
        bundle: To be judged.
        split: The messages.
        against: Earlier versions.
        with_text: Write the mistakes with their texts too, to a folder of their own that is never sent anywhere.

    Raises:
        BundleError: A bundle has other audiences than the params', was trained on messages of the split, or is judged twice.
        TableError: The split has no messages.
        ParamsError: A column of `eval.slices` makes no slices.
    """
    frame = read_split(params, split)
    refuse_unfair(params, bundle, frame, split=split, where=bundle.path)
    for other in against:
        refuse_unfair(params, other.bundle, frame, split=split, where=other.name)
    refuse_twice(bundle, against)
    scoring = _scoring(params, bundle, frame, against)
    evaluation = _found(params, split, scoring)
    with timed("files"):
        _write(params, evaluation, scoring)
    with timed("mistakes"):
        _write_mistakes(params, evaluation, scoring, with_text=with_text)
    return evaluation


def _scoring(params: Params, bundle: Bundle, frame: pd.DataFrame, against: Sequence[Earlier]) -> Scoring:
    texts, truth = frame["text"].tolist(), label_array(frame, params.audience_ids)
    judged = Judged(truth, author_clusters(frame), slices(frame, truth, params.eval), params.audience_ids)
    with timed("scoring"):
        scorer = Scorer(bundle, params.score)
        scored = scorer.score(texts)
    with timed("baselines"):
        fitted = {name: read_split(params, name) for name in ("train", "dev")}
        contenders = [judgement(MODEL, scored), *baselines(params, fitted, frame)]
    for other in against:
        with timed(other.name):
            contenders.append(judgement(other.name, Scorer(other.bundle, params.score).score(texts)))
    return Scoring(scorer, frame, scored, judged, contenders)


def _found(params: Params, split: str, scoring: Scoring) -> Evaluation:
    scorer, frame, scored, judged = scoring.scorer, scoring.frame, scoring.scored, scoring.judged
    with timed("figures"):
        found = figures(judged, scoring.contenders, params.eval, params.seed)
    with timed("abstention"):
        certain = abstention(judged, scored, scorer.bundle.manifest, params.eval, params.seed)
    with timed("behaviour"):
        behaviour = run_suite(scorer, Path(params.eval.behaviour), params.audience_ids)
    with timed("shortcuts"):
        shortcut = shortcuts(scorer, frame, judged, scoring.contenders, params)
    with timed("scope"):
        scope = out_of_scope(scorer, frame, judged, scored, params)
    with timed("faithfulness"):
        true = faithfulness(scorer, frame, judged, scored, params)
    return Evaluation(
        folder=Path(params.tracking.run_folder) / f"evaluation-{split}",
        split=split,
        found=found,
        worst=worst_slice(found, params.eval.conclusion_support_at_least),
        same=same_slices(frame, judged.truth, params.eval),
        abstention=certain,
        behaviour=behaviour,
        shortcuts=shortcut,
        scope=scope,
        faithfulness=true,
    )


def _write(params: Params, evaluation: Evaluation, scoring: Scoring) -> None:
    folder, split, bundle = evaluation.folder, evaluation.split, scoring.scorer.bundle
    folder.mkdir(parents=True, exist_ok=True)
    (folder / log.FILE).unlink(missing_ok=True)  # of a former evaluation: what stands here is not to be sent half
    write_metrics(evaluation, bundle)
    write_decisions(folder, scoring.frame, scoring.judged, scoring.contenders)
    draw_all(folder, scoring.judged, scoring.contenders[0], n_bins=params.eval.calibration_bins, split=split)
    draw_coverage_risk(folder, evaluation.abstention, split=split)
    card = write_card(folder / "card.md", bundle, evaluation)
    write_text(folder / "card.html", card_page(card, folder))


def _write_mistakes(params: Params, evaluation: Evaluation, scoring: Scoring, *, with_text: bool) -> None:
    found = mistakes(scoring.scorer, scoring.frame, scoring.judged, scoring.contenders, params)
    write_mistakes(evaluation.folder, found, split=evaluation.split, with_text=False)
    if with_text:
        folder = texts_folder(evaluation)
        folder.mkdir(exist_ok=True)
        write_mistakes(folder, found, split=evaluation.split, with_text=True)


def texts_folder(evaluation: Evaluation) -> Path:
    """Where mistakes stand with their texts: beside the evaluation's folder, which is sent whole to the store."""
    return evaluation.folder.parent / f"mistakes-{evaluation.split}"


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Log the seconds that a block took."""
    started = time.perf_counter()
    yield
    logger.info("%s: %.1f s", part, time.perf_counter() - started)


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
        model: A bundle folder, or a version.
        split: The messages.
        against: Earlier versions, likewise.
        alias: Of the version to register, None where none shall be.
        with_text: Whether mistakes are written with their texts too.
    """

    model: str
    split: str
    against: Sequence[str]
    alias: str | None
    with_text: bool


def _judge(params: Params, asked: Asked) -> None:
    """Evaluate, say what was found, and send it to the store."""
    with ExitStack() as stack:
        bundle, *others = (
            stack.enter_context(opened(named, params.tracking.uri)) for named in (asked.model, *asked.against)
        )
        versions = [earlier(named, other) for named, other in zip(asked.against, others, strict=True)]
        evaluation = evaluate(params, bundle, asked.split, against=versions, with_text=asked.with_text)
        upload = log.write_upload(params, bundle, evaluation, model=asked.model, alias=asked.alias)
        Console().print(evaluation_table(evaluation.found, params.audiences, asked.split))
        for sentence in [
            *slice_sentences(evaluation.found, evaluation.worst, evaluation.same),
            *_sentences(evaluation),
        ]:
            typer.echo(sentence)
        typer.echo(f"Reference labels: {bundle.manifest.reference_labels}")
        typer.echo(f"figures, decisions, plots, card, mistakes: {evaluation.folder}")
        if asked.with_text:
            typer.echo(f"mistakes with their texts, not to be sent: {texts_folder(evaluation)}")
        for sentence in log.sentences(upload, log.send(upload, evaluation.folder, bundle)):
            typer.echo(sentence)


def _sentences(evaluation: Evaluation) -> Iterator[str]:
    certain = evaluation.abstention
    yield f"Not uncertain: {shown(certain.coverage, '.1%')} of {certain.n:,}; {certain.held_sentence()}."
    passed = [f"{name} {rate.passed} of {rate.n}" for name, rate in evaluation.behaviour.capabilities().items()]
    yield f"Behaviour: {', '.join(passed)}."
    yield from evaluation.shortcuts.sentences()
    yield from evaluation.scope.sentences()
    yield evaluation.faithfulness.sentence()


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")],
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A bundle folder, models:/NAME@ALIAS or models:/NAME/N.")
    ] = None,
    split: Annotated[
        Literal["test", "gate"], typer.Option(help="Which held-out split; test is for reporting.")
    ] = "test",
    alias: Annotated[str, typer.Option(metavar="NAME", help="Alias of the new version.")] = "challenger",
    against: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="An earlier version for the same table; may be repeated.")
    ] = None,
    design: Annotated[
        Literal["author", "time", "source"],
        typer.Option(help="What test shares nothing of with training; time and source train a model of their own."),
    ] = "author",
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Write the mistakes with their texts too, redacted, beside the rest.")
    ] = False,
    timings: Annotated[bool, typer.Option("--timings", help="Say how many seconds each part took.")] = False,
) -> None:
    """Judge a bundle beside baselines and earlier versions, write figures, plots and card, log and register it."""
    settings = load_params(params)
    if timings:
        logging.basicConfig(format="%(message)s")
        logger.setLevel(logging.INFO)
    if design != "author" and (model or against or split != "test"):
        raise ParamsError(f"--design {design}", "trains a model of its own", "leave out --model, --against and --split")
    if design == "author":
        if model is None:
            raise ParamsError(
                "--model", "is missing", "name a bundle folder, or a version such as models:/audience@champion"
            )
        new = split == "test" and not model.startswith(registry.SCHEME)
        _judge(settings, Asked(model, split, against or [], alias if new else None, with_text))
    else:
        for held in hold_outs(settings, design):
            typer.echo(f"held out: {held.held}")
            _judge(held.params, Asked(str(trained(held, settings)), "test", [], None, with_text))


if __name__ == "__main__":
    run(app)
