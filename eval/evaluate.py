"""`python -m eval.evaluate --params P --model BUNDLE`: figures, plots, card beside baselines; logged, version registered."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.console import Console

from eval.baselines import Judgement, baselines
from eval.card import Abstention, write_card
from eval.console import evaluation_table
from eval.decisions import write_decisions
from eval.figures import MACRO, Figure, Judged, figures, slices, value_of
from eval.plots import draw_all
from segmenter import registry, tracking
from segmenter.bundle import Bundle
from segmenter.cli import opened, run
from segmenter.errors import BundleError, TableError
from segmenter.params import Params, load_params
from segmenter.prepared import label_array, read_split, table_digests
from segmenter.score import Scored, Scorer
from segmenter.writers import write_text

app = typer.Typer(add_completion=False)
METRICS_FORMAT = 1


@dataclass(frozen=True)
class Evaluation:
    """What evaluating one bundle on one split gave: every figure, and the folder that holds figures, plots and card."""

    folder: Path
    found: list[Figure]
    abstention: Abstention


def evaluate(params: Params, bundle: Bundle, split: str) -> Evaluation:
    """Judge a bundle and the baselines on a prepared split; writes figures, decisions, plots and card to the run folder.

    Raises:
        BundleError: Other audiences than the params', or it was trained on messages of the split.
        TableError: The split has no messages.
    """
    frame = read_split(params, split)
    _refuse_unfair(params, bundle, frame, split)
    truth = label_array(frame, params.audience_ids)
    scored = Scorer(bundle, params.score).score(frame["text"].tolist())
    model = Judgement("model", scored.scores.astype(np.float64), scored.verdicts.chosen)
    contenders = [model, *baselines(params, {name: read_split(params, name) for name in ("train", "dev")}, frame)]
    judged = Judged(truth, _author_clusters(frame), slices(frame, truth, params.eval), params.audience_ids)
    found = figures(judged, contenders, params.eval, params.seed)
    abstention = _abstention(truth, scored)
    folder = Path(params.tracking.run_folder) / f"evaluation-{split}"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "metrics.json", json.dumps(_as_json(bundle, split, found, abstention), indent=1) + "\n")
    write_decisions(folder, frame, judged, contenders)
    draw_all(folder, judged, model, n_bins=params.eval.calibration_bins, split=split)
    write_card(folder / "card.md", bundle, found, abstention, split)
    return Evaluation(folder, found, abstention)


def _refuse_unfair(params: Params, bundle: Bundle, frame: pd.DataFrame, split: str) -> None:
    if not len(frame):
        raise TableError(
            f"split {split!r}", "has no messages", "name another with --split, or bring labelled messages for it"
        )
    if bundle.audience_ids != params.audience_ids:
        found = f"its audiences are {', '.join(bundle.audience_ids)}, the params' {', '.join(params.audience_ids)}"
        raise BundleError(bundle.path, found, "evaluate it with the params it was trained with")
    seen = frame["key"].isin(bundle.row_keys)
    if seen.any():
        example = frame.loc[seen, "id"].iloc[0]
        found = f"was trained on {int(seen.sum())} of the {len(frame)} messages of split {split!r}, such as {example}"
        raise BundleError(bundle.path, found, "judge it on messages it has not seen")


def _author_clusters(frame: pd.DataFrame) -> NDArray[np.int64]:
    """A number per author; a message without an author, or of a single-outlet source, is a cluster of its own."""
    author = frame["author"].where(frame["split_unit"] == "author")
    codes = pd.factorize(author)[0].astype(np.int64)
    return np.where(codes >= 0, codes, len(frame) + np.arange(len(frame)))


def _abstention(truth: NDArray[np.bool_], scored: Scored) -> Abstention:
    certain = ~scored.verdicts.near.any(axis=1) & np.array([not why for why in scored.scope])
    wrong = (scored.verdicts.clear != truth).any(axis=1)[certain]
    n_several = int((truth.sum(axis=1) > 1).sum())
    return Abstention(float(certain.mean()), float(wrong.mean()) if len(wrong) else 0.0, len(truth), n_several)


def _as_json(bundle: Bundle, split: str, found: list[Figure], abstention: Abstention) -> dict[str, object]:
    return {
        "format": METRICS_FORMAT,
        "bundle": bundle.digest,
        "split": split,
        "reference_labels": bundle.manifest.reference_labels,
        "coverage": abstention.coverage,
        "error_of_the_certain": abstention.error,
        "n": abstention.n,
        "n_several_audiences": abstention.n_several,
        "figures": [figure.as_dict() for figure in found],
    }


def flat_metrics(evaluation: Evaluation, split: str) -> dict[str, float]:
    """Figures under flat MLflow names: `f1/european_publics`, `f1/macro/low`, `en/f1/macro`, `tfidf/f1/macro`."""
    flat = {"coverage": evaluation.abstention.coverage, "error_of_the_certain": evaluation.abstention.error}
    for figure in evaluation.found:
        model = "" if figure.model == "model" else f"{figure.model}/"
        part = "" if figure.part == "all" else f"{figure.part.replace(',', '')}/"
        name = f"{model}{part}{figure.metric}/{figure.audience}"
        bounds = {name: figure.value, f"{name}/low": figure.low, f"{name}/high": figure.high}
        flat |= {key: value for key, value in bounds.items() if value is not None}
    return flat if split == "test" else {f"{split}/{name}": value for name, value in flat.items()}


def log(params: Params, bundle: Bundle, evaluation: Evaluation, split: str) -> str:
    """Log an evaluation to the run that made the bundle, or to a new one under another store; returns the run's id.

    Raises:
        TrackingError: The store does not answer; the results stay in the run folder.
    """
    made_in = bundle.manifest.mlflow_run_id
    known = tracking.run_exists(params.tracking, made_in)
    with tracking.tracked_run(
        params.tracking, name=evaluation.folder.parent.name, run_id=made_in if known else None
    ) as run_id:
        if not known:
            tracking.log_params(bundle.manifest.params)
            tracking.log_data(bundle.manifest.data, "training")
        if not tracking.holds_bundle(run_id):
            tracking.log_bundle(bundle)
        tracking.log_data(table_digests(params), split)
        tracking.log_metrics(flat_metrics(evaluation, split))
        tracking.log_files(evaluation.folder, evaluation.folder.name)
    return run_id


def register(params: Params, bundle: Bundle, evaluation: Evaluation, run_id: str, alias: str) -> int:
    """Make the run's bundle a model version under `alias`; returns the version's number.

    Raises:
        TrackingError: The registry does not answer, or the run holds no bundle.
    """
    macro = value_of(evaluation.found, "model", "all", MACRO, "f1").value
    tags = {
        "macro_f1": "not evaluable" if macro is None else f"{macro:.4f}",
        "reference_labels": bundle.manifest.reference_labels,
    }
    model_uri = registry.logged_model_uri(params.tracking, run_id)
    return registry.register(params.tracking, model_uri=model_uri, digest=bundle.digest, tags=tags, alias=alias)


@app.command()
def main(
    params: Annotated[Path, typer.Option(help="The params file.", metavar="FILE")],
    model: Annotated[str, typer.Option(metavar="MODEL", help="A bundle folder, models:/NAME@ALIAS or models:/NAME/N.")],
    split: Annotated[
        Literal["test", "gate"], typer.Option(help="Which held-out split; test is for reporting.")
    ] = "test",
    alias: Annotated[str, typer.Option(metavar="NAME", help="Alias of the new version.")] = "challenger",
) -> None:
    """Judge a bundle beside three baselines, write figures, plots and card, log them and register the version."""
    settings = load_params(params)
    with opened(model, settings.tracking.uri) as bundle:
        evaluation = evaluate(settings, bundle, split)
        Console().print(evaluation_table(evaluation.found, settings.audiences, split))
        typer.echo(f"Reference labels: {bundle.manifest.reference_labels}")
        typer.echo(f"figures, decisions, plots, card: {evaluation.folder}")
        run_id = log(settings, bundle, evaluation, split)
        typer.echo(f"run {run_id} in {tracking.tracking_uri(settings.tracking)}")
        if split == "test" and not model.startswith(registry.SCHEME):
            version = register(settings, bundle, evaluation, run_id, alias)
            name = settings.tracking.model_name
            typer.echo(f"registered as models:/{name}/{version}, also models:/{name}@{alias}")


if __name__ == "__main__":
    run(app)
