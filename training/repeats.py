"""One recipe trained with several seeds on the same splits: a run folder for each, mean and spread of F1 on dev.

Not here: the training itself (train.py), and the seeds on held-out messages (eval/seeds.py).
"""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from rich.table import Table

from segmenter import tracking
from segmenter.bundle import Bundle, audit
from segmenter.encoders import encoder_digest, encoder_folder
from segmenter.errors import BundleError
from segmenter.metrics import counts
from segmenter.params import Params
from segmenter.prepared import data_folder, label_array, read_split, table_digests
from segmenter.score import Scorer
from segmenter.writers import write_text
from training.examples import read_frames

logger = logging.getLogger(__name__)
FORMAT = 1
MACRO = "macro"
FILE = "seeds.json"


@dataclass(frozen=True)
class Repeat:
    """One seed's params, its sealed bundle, and F1 on dev by audience and `macro`."""

    params: Params
    bundle: Bundle
    f1: dict[str, float]


def repeat(params: Params, n_seeds: int, train: Callable[[Params], Bundle]) -> list[Repeat]:
    """Train with `n_seeds` seeds from the params' own upwards, each in `<run_folder>/seed-<n>`; log them as one.

    A seed whose bundle is sealed from the same params, messages and base encoder is not trained again.

    Args:
        params: Their prepared splits serve every seed.
        n_seeds: How many.
        train: From params to a sealed bundle.

    Raises:
        SegmenterError: As `train`, or the splits were not prepared.
    """
    repeats = []
    for seed in range(params.seed, params.seed + n_seeds):
        own = of_seed(params, seed)
        _lay_out(params, own)
        bundle = sealed(own)
        if bundle is None:
            bundle = train(own)
        else:
            logger.info("seed %d: %s is there already", seed, bundle.path)
        repeats.append(Repeat(own, bundle, _f1_on_dev(own, bundle)))
    _keep(params, repeats)
    return repeats


def of_seed(params: Params, seed: int) -> Params:
    """The same params with another seed and a run folder of its own."""
    folder = str(Path(params.tracking.run_folder) / f"seed-{seed}")
    return params.model_copy(
        update={"seed": seed, "tracking": params.tracking.model_copy(update={"run_folder": folder})}
    )


def _lay_out(params: Params, own: Params) -> None:
    """Give a seed the prepared splits and a params file, with which its bundle can be evaluated or trained anew."""
    read_split(params, "train")  # refuses splits of other params
    folder = data_folder(own)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(data_folder(params), folder)
    text = yaml.safe_dump(own.model_dump(), allow_unicode=True, sort_keys=False)
    write_text(folder.parent / "params.yaml", text)


def sealed(params: Params) -> Bundle | None:
    """The bundle in the run folder, if these very params, messages and base encoder made it.

    Raises:
        ModelError: The base encoder cannot be had.
    """
    try:
        bundle = audit(Path(params.tracking.run_folder) / "bundle")
    except BundleError:  # none, not whole, or of other text rules
        return None
    made_from = (bundle.manifest.params, bundle.manifest.data, bundle.row_keys, bundle.manifest.encoder.sha256)
    encoder = encoder_digest(params.base, encoder_folder(params.base)[0])
    wanted = (params.model_dump(), table_digests(params), read_frames(params).keys, encoder)
    return bundle if made_from == wanted else None


def _f1_on_dev(params: Params, bundle: Bundle) -> dict[str, float]:
    dev = read_frames(params).dev
    chosen = Scorer(bundle, params.score).score(dev["text"].tolist()).verdicts.chosen
    f1 = counts(label_array(dev, params.audience_ids), chosen).f1
    return {MACRO: float(f1.mean()), **dict(zip(params.audience_ids, f1.tolist(), strict=True))}


def _keep(params: Params, repeats: list[Repeat]) -> None:
    """Write seeds.json, and log it as a run of its own that holds the seeds' runs."""
    folder = Path(params.tracking.run_folder) / "seeds"
    folder.mkdir(exist_ok=True)
    runs = [
        {
            "seed": part.params.seed,
            "folder": part.params.tracking.run_folder,
            "bundle": part.bundle.digest,
            "f1": part.f1,
        }
        for part in repeats
    ]
    summary = {name: spread(repeats, name) for name in repeats[0].f1}
    whole = {"format": FORMAT, "split": "dev", "f1": summary, "runs": runs}
    write_text(folder / FILE, json.dumps(whole, indent=1) + "\n")
    made_in = [part.bundle.manifest.mlflow_run_id for part in repeats]
    parts = [run_id for run_id in made_in if tracking.run_exists(params.tracking, run_id)]
    with tracking.tracked_run(params.tracking, name=folder.parent.name, run_id=None):
        tracking.log_params(params.model_dump())
        tracking.log_data(table_digests(params), "training")
        tracking.log_metrics(
            {f"dev/f1/{name}/{what}": value for name, found in summary.items() for what, value in found.items()}
        )
        tracking.log_files(folder, folder.name)
        tracking.log_parts(parts)


def spread(repeats: list[Repeat], name: str) -> dict[str, float]:
    """Mean, least and most over the seeds of F1 of an audience or `macro`, and their standard deviation."""
    values: NDArray[np.float64] = np.array([part.f1[name] for part in repeats])
    return {
        "mean": float(values.mean()),
        "least": float(values.min()),
        "most": float(values.max()),
        "deviation": float(values.std(ddof=1)),
    }


def seeds_table(repeats: list[Repeat]) -> Table:
    """One line a seed, then mean and spread."""
    names = list(repeats[0].f1)
    table = Table(title="F1 on dev, by which training chose its best epoch", title_justify="left")
    for head in ("seed", *names):
        table.add_column(head)
    for part in repeats:
        table.add_row(str(part.params.seed), *[f"{part.f1[name]:.3f}" for name in names])
    table.add_section()
    found = [spread(repeats, name) for name in names]
    table.add_row("mean", *[f"{one['mean']:.3f}" for one in found])
    table.add_row("spread", *[f"{one['least']:.3f}–{one['most']:.3f}" for one in found])
    return table
