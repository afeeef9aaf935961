"""Several runs of one recipe against a baseline: the mean gain in F1, on the same resampled messages for all of them.

The interval covers the draw of messages (whole authors), not of seeds: the runs are taken as they are, and the least
and the highest of them stand beside their mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.decisions import TRUTH, Decisions
from eval.figures import MACRO, slices, supported
from segmenter.metrics import bootstrap_counts, counts, interval
from segmenter.sections import Eval

MODEL = "model"


@dataclass(frozen=True)
class Gain:
    """F1 of the model less a baseline's, both as means over runs.

    Attributes:
        part: The slice.
        audience: An audience id, or `macro`: the mean over the audiences that are evaluable in this slice.
        model: Mean over runs.
        least: Of the runs.
        most: Likewise.
        baseline: Mean over runs.
        gain: `model` less `baseline`.
        low: 95 % author-clustered bootstrap bound of the gain.
        high: As `low`.
        n: Messages in the slice.
        n_true: Messages in it that truly carry the audience (any of them, for `macro`).
        conclusive: Enough messages here carry the audience (each of them, for `macro`), and enough do not.
    """

    part: str
    audience: str
    model: float
    least: float
    most: float
    baseline: float
    gain: float
    low: float
    high: float
    n: int
    n_true: int
    conclusive: bool

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval excludes zero, else `open`."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "open"


def gains(runs: list[Decisions], baseline: str, settings: Eval, seed: int) -> list[Gain]:
    """The gain over a baseline, for every slice and audience that is evaluable there; `macro` where that is several.

    Args:
        runs: Decisions on the same messages, in the same order.
        baseline: A contender.
        settings: Rounds and support.
        seed: Of the resamples.
    """
    parts = slices(runs[0].frame, runs[0].of(TRUTH), settings)
    return [
        gain
        for part, mask in parts.items()
        for gain in _of_slice(part, [run.within(mask) for run in runs], baseline, settings, seed)
    ]


def _of_slice(part: str, runs: list[Decisions], baseline: str, settings: Eval, seed: int) -> list[Gain]:
    truth, clusters = runs[0].of(TRUTH), runs[0].frame["cluster"].to_numpy()
    f1 = {name: np.array([counts(truth, run.of(name)).f1 for run in runs]) for name in (MODEL, baseline)}
    drawn = {
        name: np.mean(
            [
                bootstrap_counts(truth, run.of(name), clusters, n_rounds=settings.bootstrap_rounds, seed=seed).f1
                for run in runs
            ],
            axis=0,
        )
        for name in (MODEL, baseline)
    }
    conclusive = supported(truth, settings.conclusion_support_at_least)
    found = []
    for audience, columns in _judged(truth, runs[0].audience_ids, settings).items():
        model = f1[MODEL][:, columns].mean(axis=1)
        other = float(f1[baseline][:, columns].mean())
        low, high = interval((drawn[MODEL] - drawn[baseline])[:, columns].mean(axis=1))
        found.append(
            Gain(
                part=part,
                audience=audience,
                model=float(model.mean()),
                least=float(model.min()),
                most=float(model.max()),
                baseline=other,
                gain=float(model.mean()) - other,
                low=float(low),
                high=float(high),
                n=len(truth),
                n_true=int(truth[:, columns].any(axis=1).sum()),
                conclusive=bool(conclusive[columns].all()),
            )
        )
    return found


def _judged(truth: NDArray[np.bool_], audience_ids: list[str], settings: Eval) -> dict[str, list[int]]:
    """Columns of each audience that is evaluable, and first of all of them together."""
    columns = np.flatnonzero(supported(truth, settings.slice_support_at_least)).tolist()
    macro = {MACRO: columns} if len(columns) > 1 else {}
    return macro | {audience_ids[column]: [column] for column in columns}
