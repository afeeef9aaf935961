"""The learning curve: macro-F1 on dev by number of training labels, and what more labels would give.

The parts grow by whole authors; on each the recipe is fitted, without folds, export or bundle. Not here: the loss by
epoch (curve.py), the fitted curve (outlook.py).
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter import tracking
from segmenter.errors import TableError
from segmenter.intervals import resample
from segmenter.metrics import f1, macro_f1
from segmenter.params import Params
from segmenter.prepared import REPORT, data_folder, label_array, read_split, table_digests
from segmenter.writers import whole_file, write_text
from training.examples import read_frames
from training.outlook import Outlook, Points, drawn_curves, fitted, outlook
from training.splits import clusters

logger = logging.getLogger(__name__)
FORMAT = 1
ChosenOfDev = Callable[[Params], NDArray[np.bool_]]


@dataclass(frozen=True)
class Part:
    """A part of the training split: its name, how many labels that are not weak it has, its messages."""

    name: str
    n_messages: int
    frame: pd.DataFrame


def learn(params: Params, chosen_of_dev: ChosenOfDev) -> Outlook:
    """Fit on growing parts, extrapolate, and leave learning.json and learning.png in `<run_folder>/learning`, logged.

    A part that was fitted before, with these params and messages, is not fitted again.

    Args:
        params: Their prepared splits are cut into parts.
        chosen_of_dev: From the params of a part to what its model chooses of dev, shape (n_messages, n_audiences).

    Raises:
        SegmenterError: As `chosen_of_dev`, or the splits were not prepared, or few authors wrote nearly all of train.
    """
    settings, train = params.learning, read_split(params, "train")
    rows = []
    for draw in range(settings.draws):
        own = params.model_copy(update={"seed": params.seed + draw})
        for part in parts(train, settings.shares, own.seed):
            rows.append(_fitted(own, part, chosen_of_dev))
            logger.info("%s: %d labels, dev macro-F1 %.4f", part.name, part.n_messages, rows[-1]["f1"])
    frame = pd.DataFrame(rows)
    if frame["n_messages"].nunique() < 3:
        sizes = ", ".join(map(str, sorted(frame["n_messages"].unique())))
        raise TableError("train split", f"whole authors make parts of {sizes} messages", "bring more authors' messages")
    points = Points(
        frame["n_messages"].to_numpy(np.float64),
        frame["f1"].to_numpy(np.float64),
        np.array(frame["resampled"].tolist(), np.float64).T,
    )
    found = outlook(points, settings.more_messages, params.seed)
    _keep(params, points, found)
    return found


def parts(train: pd.DataFrame, shares: list[float], seed: int) -> Iterator[Part]:
    """Growing parts, each within the next: whole authors in random order, and every weak message in each."""
    cluster = clusters(train)
    weak = (train["label_kind"] == "weak").to_numpy()
    order = np.random.default_rng(seed).permutation(np.unique(cluster[~weak]))
    sizes = pd.Series(cluster[~weak]).value_counts()
    n_so_far = sizes.loc[order].cumsum().to_numpy()
    for share in sorted(shares):
        n_clusters = int(np.abs(n_so_far - share * n_so_far[-1]).argmin()) + 1
        inside = np.isin(cluster, order[:n_clusters]) & ~weak
        yield Part(f"part-{round(100 * share)}-seed-{seed}", int(inside.sum()), train[inside | weak])


def _fitted(params: Params, part: Part, chosen_of_dev: ChosenOfDev) -> dict[str, object]:
    """One point, from its file where these params and messages made it."""
    folder = Path(params.tracking.run_folder) / "learning-parts" / part.name
    file = folder.with_suffix(".json")
    made_from = _digest(params, part)
    if file.is_file():
        point: dict[str, object] = json.loads(file.read_text("utf-8"))
        if point["made_from"] == made_from:
            return point
    own = params.model_copy(update={"tracking": params.tracking.model_copy(update={"run_folder": str(folder)})})
    _lay_out(params, own, part.frame)
    dev = read_frames(params).dev
    truth, chosen = label_array(dev, params.audience_ids), chosen_of_dev(own)
    # of one seed for all points: each round draws the same messages of dev for all of them
    resamples = resample(clusters(dev), n_rounds=params.eval.bootstrap_rounds, seed=params.data.seed)
    resampled = f1(truth, chosen, resamples).draws.mean(axis=1).round(6).tolist()
    point = {
        "made_from": made_from,
        "n_messages": part.n_messages,
        "f1": macro_f1(truth, chosen),
        "resampled": resampled,
    }
    write_text(file, json.dumps(point) + "\n")
    shutil.rmtree(folder)  # messages and what the fit left
    return point


def _digest(params: Params, part: Part) -> str:
    made_from = [params.model_dump(), table_digests(params), part.frame["key"].tolist()]
    return hashlib.sha256(json.dumps(made_from).encode("utf-8")).hexdigest()


def _lay_out(params: Params, own: Params, train: pd.DataFrame) -> None:
    """Prepared splits of a part: its training messages, the whole dev."""
    folder = data_folder(own)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "train.parquet") as stream:
        train.to_parquet(stream, index=False)
    for name in ("dev.parquet", REPORT):
        shutil.copy(data_folder(params) / name, folder / name)


def _keep(params: Params, points: Points, found: Outlook) -> None:
    folder = Path(params.tracking.run_folder) / "learning"
    folder.mkdir(exist_ok=True)
    pairs = zip(points.n_messages.tolist(), points.f1.tolist(), strict=True)
    whole = {
        "format": FORMAT,
        "split": "dev",
        "points": [{"n_messages": int(n), "macro_f1": f1} for n, f1 in pairs],
        "outlook": asdict(found),
        "sentence": found.sentence,
    }
    write_text(folder / "learning.json", json.dumps(whole, indent=1) + "\n")
    draw_learning(points, found, params.seed, folder / "learning.png")
    with tracking.tracked_run(params.tracking, name=f"{folder.parent.name}-learning", run_id=None):
        tracking.log_params(params.model_dump())
        tracking.log_data(table_digests(params), "training")
        tracking.log_metrics({f"learning/{name}": getattr(found, name) for name in ("f1", "gain", "low", "high")})
        tracking.log_files(folder, folder.name)


def draw_learning(points: Points, found: Outlook, seed: int, target: Path) -> None:
    """Write the points, the curve through them and its 95 % band, drawn on to the labels asked for, as a PNG."""
    at = np.linspace(points.n_messages.min(), found.n_messages + found.more_messages, 60)
    low, high = np.percentile(drawn_curves(points, at, seed), [2.5, 97.5], axis=0)
    lines = pd.DataFrame({"n": at, "f1": fitted(points, at), "low": low, "high": high})
    dots = pd.DataFrame({"n": points.n_messages, "f1": points.f1})
    x = alt.X("n:Q", title="training labels", scale=alt.Scale(zero=False))
    y = alt.Y("f1:Q", title="macro-F1 on dev at threshold 0.5", scale=alt.Scale(zero=False))
    band = alt.Chart(lines).mark_area(opacity=0.2, color="#0072B2").encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    line = alt.Chart(lines).mark_line(color="#0072B2").encode(x=x, y=y)
    now = alt.Chart(pd.DataFrame({"n": [found.n_messages]})).mark_rule(strokeDash=[4, 4], color="grey").encode(x="n:Q")
    marks = alt.Chart(dots).mark_point(filled=True, color="#D55E00", size=50).encode(x=x, y=y)
    title = alt.TitleParams("Learning curve", subtitle=found.sentence.split("; ")[1])
    alt.layer(band, line, now, marks).properties(width=420, height=260, title=title).save(target, scale_factor=2)
