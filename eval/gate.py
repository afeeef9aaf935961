"""`python -m eval.gate --params P`: judges the challenger beside the champion on the gate split, and promotes it if it passes.

Exit 0: passed, and champion now; 1: missed, and the registry as before; 2: the two cannot be compared. Without a champion
the challenger has to beat the baselines. Not here: the criteria (criteria.py), the report (gate_report.py), how aliases
move (segmenter/registry.py).
"""

import hashlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.console import Console

from eval.baselines import Judgement, baselines, judgement, refuse_unfair
from eval.behaviour import run_suite
from eval.behaviour_criteria import behaviour_holds, parts_hold
from eval.criteria import (
    Contest,
    beats_language,
    calibration_holds,
    gains,
    int8_agrees,
    no_int8,
    slices_hold,
)
from eval.criterion import Criterion
from eval.figures import Judged, author_clusters
from eval.gate_report import FOLDER, GateReport, Side, gate_table, write
from eval.slices import slices
from segmenter import registry, tracking
from segmenter.bundle import Bundle
from segmenter.cli import run
from segmenter.errors import BundleError, ParamsError, TableError, TrackingError
from segmenter.named import opened
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split
from segmenter.registry import Version
from segmenter.score import Scorer
from segmenter.sections import Score, Tracking

app = typer.Typer(add_completion=False)
BASELINES = ("language", "tfidf")  # a first champion has to beat both, any champion the first within languages


def decide(params: Params, challenger: Side, champion: Side | None) -> GateReport:
    """Judge the challenger beside the champion, or beside the baselines where there is none, on the gate split.

    Raises:
        BundleError: The two are one, have other audiences than the params', or were trained on messages of the split.
        TableError: The split has no messages.
        ParamsError: `gate.slice_losses` names no slice.
    """
    split = params.gate.split
    frame = read_split(params, split)
    _refuse_unfit(params, frame, challenger, champion)
    scorer, texts = Scorer(challenger.bundle, params.score), frame["text"].tolist()
    truth = label_array(frame, params.audience_ids)
    judged = Judged(truth, author_clusters(frame), slices(frame, truth, params.eval), params.audience_ids)
    _refuse_unknown_slices(params, judged)
    mine = judgement("challenger", scorer.score(texts))
    fitted = {name: read_split(params, name) for name in ("train", "dev")}
    language, *rest = baselines(params, fitted, frame, BASELINES if champion is None else BASELINES[:1])
    if champion is None:
        found = [gains(Contest(judged, mine, other, params)) for other in (language, *rest)]
    else:
        other = Scorer(champion.bundle, params.score)
        contest = Contest(judged, mine, judgement("champion", other.score(texts)), params)
        found = [gains(contest), slices_hold(contest), calibration_holds(contest)]
        rates, theirs = (run_suite(one, Path(params.eval.behaviour), params.audience_ids) for one in (scorer, other))
        found += [*behaviour_holds(rates, theirs, params.gate), parts_hold(rates, theirs, params.gate)]
    found += beats_language(Contest(judged, mine, language, params), frame["lang"].to_numpy(str))
    found.append(_int8(params, scorer, texts, mine))
    n_clusters, digest = len(np.unique(judged.clusters)), _digest(frame)
    return GateReport(challenger, champion, split, len(frame), n_clusters, digest, found)


def _int8(params: Params, scorer: Scorer, texts: list[str], mine: Judgement) -> Criterion:
    """The int8 graph beside the fp32 weights on the judged messages; `mine` is what it decided, where it scored them."""
    bundle = scorer.bundle
    if bundle.manifest.cpu is None or bundle.manifest.cpu.precision != "int8":
        return no_int8(bundle.manifest.cpu, params.gate)
    fp32 = params.score.model_copy(update={"runtime": "torch", "device": "cpu"})
    int8 = params.score.model_copy(update={"runtime": "cpu", "device": "cpu"})
    decided = mine.chosen if scorer.runtime.name == "cpu" else _chosen(bundle, int8, texts)
    return int8_agrees(decided, _chosen(bundle, fp32, texts), params.gate)


def _chosen(bundle: Bundle, settings: Score, texts: list[str]) -> NDArray[np.bool_]:
    return Scorer(bundle, settings).score(texts).verdicts.chosen


def _digest(frame: pd.DataFrame) -> str:
    """What stands for the messages of a split, whatever their order and labels."""
    return hashlib.sha256("\n".join(sorted(frame["key"])).encode("utf-8")).hexdigest()


def _refuse_unfit(params: Params, frame: pd.DataFrame, challenger: Side, champion: Side | None) -> None:
    split = params.gate.split
    if not len(frame):
        remedy = "cut one by data.gate_share, or bring labelled messages for it, then prepare and train again"
        raise TableError(f"split {split!r}", "has no messages", remedy)
    for side in (challenger, champion):
        if side is not None:
            refuse_unfair(params, side.bundle, frame, split=split, where=side.named)
    if champion is not None and champion.bundle.digest == challenger.bundle.digest:
        found = f"is bundle {challenger.bundle.name}, and so is {champion.named}"
        raise BundleError(challenger.named, found, "train another challenger")


def _refuse_unknown_slices(params: Params, judged: Judged) -> None:
    for name in params.gate.slice_losses:
        if name not in judged.slices:
            raise ParamsError(
                "gate.slice_losses", f"{name!r} is no slice here", f"name some of {', '.join(judged.slices)}"
            )


def log(settings: Tracking, version: Version, report: GateReport, folder: Path) -> None:
    """Log a report to the challenger's run, and tag its version.

    Raises:
        TrackingError: The store does not answer.
    """
    tags = {"gate": report.word, "gate_criteria": report.counted}
    with tracking.tracked_run(settings, name=folder.parent.name, run_id=version.run_id):
        tracking.log_metrics(report.metrics())
        tracking.log_tags(tags | {_decision_tag(report): f"{report.decision}"})
        tracking.log_files(folder, FOLDER)
    registry.tag_version(settings, version, tags)


def numbered(settings: Tracking, report: GateReport) -> GateReport:
    """The report with its number among the store's decisions on these messages (two at the same moment have one number).

    Raises:
        TrackingError: The store does not answer.
    """
    former = tracking.tag_values(settings, _decision_tag(report))
    return replace(report, decision=1 + max(map(int, former), default=0))


def _decision_tag(report: GateReport) -> str:
    """The tag of a challenger's run that has the number of its last decision on these messages."""
    return f"gate_decision/{report.split_digest[:16]}"


def version_named(settings: Tracking, named: str, *, dry_run: bool) -> Version | None:
    """The version that a user named; None for a bundle folder, which a dry run may judge.

    Raises:
        BundleError: A folder, and no dry run.
        TrackingError: No version has that alias, or the registry does not answer.
    """
    if not named.startswith(registry.SCHEME):
        if dry_run:
            return None
        remedy = "register it with python -m eval.evaluate, or judge it alone with --dry-run"
        raise BundleError(named, "is a folder, and only a registered version can be promoted", remedy)
    version = registry.version_of(settings, named)
    if version is None:
        raise TrackingError(named, "is no version", "register one with python -m eval.evaluate")
    return version


def _champion(settings: Tracking, named: str, challenger: Version | None, *, dry_run: bool) -> Version | None:
    """The version to be compared with, None where the model has no champion yet (or `named` is a folder).

    Raises:
        TrackingError: It is not the champion that the challenger would replace, and this is no dry run.
    """
    may_lack = named.startswith(registry.SCHEME) and named.endswith(f"@{registry.CHAMPION}")
    version = registry.version_of(settings, named) if may_lack else version_named(settings, named, dry_run=dry_run)
    if challenger is None or dry_run:
        return version
    now = registry.version_of(settings, f"{registry.SCHEME}{challenger.name}@{registry.CHAMPION}")
    if now != version:
        found = "nobody" if now is None else now.uri
        remedy = "compare the challenger with that one, or judge it alone with --dry-run"
        raise TrackingError(named, f"is not the champion of {challenger.name!r}, which is {found}", remedy)
    return version


def _roll_back(settings: Tracking) -> None:
    version = registry.rollback(settings, settings.model_name)
    champion = f"{registry.SCHEME}{version.name}@{registry.CHAMPION}"
    typer.echo(f"{champion} is version {version.number} again; the former champion is @{registry.PREVIOUS} now")


ChallengerOption = Annotated[
    str | None, typer.Option(metavar="MODEL", help="models:/NAME@ALIAS or models:/NAME/N; @challenger if not given.")
]
ChampionOption = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Likewise; @champion if not given. It may be that there is none yet."),
]


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")],
    challenger: ChallengerOption = None,
    champion: ChampionOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge alone: nothing is logged or promoted; bundle folders may be named.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Judge nothing: the previous champion is champion again.")
    ] = False,
) -> None:
    """Judge the challenger beside the champion; if it misses no criterion, it is champion, else exit 1."""
    settings = load_params(params)
    store, model = settings.tracking, f"{registry.SCHEME}{settings.tracking.model_name}"
    if rollback:
        if dry_run:
            raise ParamsError("--rollback", "moves aliases, and --dry-run moves none", "leave one of them out")
        _roll_back(store)
        return
    names = (challenger or f"{model}@challenger", champion or f"{model}@{registry.CHAMPION}")
    mine = version_named(store, names[0], dry_run=dry_run)
    other = _champion(store, names[1], mine, dry_run=dry_run)
    with ExitStack() as stack:
        sides = [
            Side(named, version, stack.enter_context(opened(version.uri if version else named, store.uri)))
            for named, version in zip(names, (mine, other), strict=True)
            if version is not None or not named.startswith(registry.SCHEME)
        ]
        report = decide(settings, sides[0], sides[1] if len(sides) > 1 else None)
    if mine is not None and not dry_run:
        report = numbered(store, report)
    folder = write(report, Path(store.run_folder))
    Console().print(gate_table(report))
    typer.echo(f"gate {report.word} ({report.counted}): {folder}")
    if mine is not None and not dry_run:
        log(store, mine, report, folder)
        if report.passed:
            registry.promote(store, mine, other)
            typer.echo(f"{mine.uri} is {registry.SCHEME}{mine.name}@{registry.CHAMPION} now")
    if not report.passed:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(app)
