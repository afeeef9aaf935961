"""Several runs of one recipe against a baseline: the mean gain in F1, on the same resampled messages for all of them.

The interval covers the draw of messages (whole authors), not of seeds: the runs are taken as they are, and the least
and the highest of them stand beside their mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.decisions import TRUTH, Decisions
from eval.figures import MACRO
from eval.slices import supported
from segmenter.intervals import Drawn, resample
from segmenter.metrics import f1
from segmenter.sections import Eval

MODEL = "model"
Labels = NDArray[np.bool_]


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
    def value(self) -> float:
        """The gain: what the bounds are of."""
        return self.gain

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
    return [
        gain
        for part, mask in runs[0].slices.items()
        for gain in _of_slice(part, [run.within(mask) for run in runs], baseline, settings, seed)
    ]


def _of_slice(part: str, runs: list[Decisions], baseline: str, settings: Eval, seed: int) -> Iterator[Gain]:
    truth, clusters = runs[0].of(TRUTH), runs[0].frame["cluster"].to_numpy()
    resamples = resample(clusters, n_rounds=settings.bootstrap_rounds, seed=seed)
    models, baselines = ([f1(truth, run.of(name), resamples) for run in runs] for name in (MODEL, baseline))
    other = _mean(baselines)
    gained = _mean(models).less(other)
    conclusive = supported(truth, settings.conclusion_support_at_least)
    for audience, columns in _judged(truth, runs[0].audience_ids, settings).items():
        of_runs = [float(model.values[columns].mean()) for model in models]
        gain = gained.estimate(columns)
        yield Gain(
            part=part,
            audience=audience,
            model=float(np.mean(of_runs)),
            least=min(of_runs),
            most=max(of_runs),
            baseline=float(other.values[columns].mean()),
            gain=gain.value,
            low=gain.low,
            high=gain.high,
            n=len(truth),
            n_true=int(truth[:, columns].any(axis=1).sum()),
            conclusive=bool(conclusive[columns].all()),
        )


def _mean(runs: list[Drawn]) -> Drawn:
    """The mean over runs, resample by resample."""
    return Drawn(
        values=np.mean([run.values for run in runs], axis=0),
        draws=np.mean([run.draws for run in runs], axis=0),
        n_effective=np.min([run.n_effective for run in runs], axis=0),
    )


def _judged(truth: Labels, audience_ids: list[str], settings: Eval) -> dict[str, Labels]:
    """Columns (a mask) of each audience that is evaluable, and first of all of them together."""
    evaluable = supported(truth, settings.slice_support_at_least)
    macro = {MACRO: evaluable} if evaluable.sum() > 1 else {}
    places = np.arange(len(audience_ids))
    return macro | {audience_ids[place]: places == place for place in places[evaluable]}
