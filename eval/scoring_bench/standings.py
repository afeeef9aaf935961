"""What the rounds say: speeds and ratios with their spread, agreement, share of the machine's own matrix product.

Not here: running anything (rounds.py, product.py), tables (report.py), the picture (picture.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from eval.bench_training import Spread, spread
from eval.scoring_bench.contenders import CONTENDERS, OURS
from eval.scoring_bench.product import SCRIPT, SEGMENTER, Job
from eval.scoring_bench.rounds import Run
from eval.scoring_bench.timing import Logits
from segmenter.calibration import Calibration, judge, to_scores


@dataclass(frozen=True)
class Agreement:
    """How like the decisions of fp32 a contender's are.

    Attributes:
        share: Of decisions (message and audience, at the sealed thresholds) that are the same.
        n_flips: That differ.
        n_decisions: All of them.
        largest: Difference of two logits.
    """

    share: float
    n_flips: int
    n_decisions: int
    largest: float


@dataclass(frozen=True)
class Standing:
    """One contender over all rounds.

    Attributes:
        title: What tables call it.
        speed: Messages a second.
        times: As many times as fast is segmenter, within each round; None of segmenter itself.
        times_by_processor: The same in processor time.
        padding_share: Of the tokens that went through its network; None where it has none.
        peak_bytes: Of its process, the most of all rounds.
        agreement: With fp32; None where it has another network.
        gemm_share: Of the multiplications and additions a second of large matrices in the same process and precision,
            those that real tokens needed, on the whole way from texts to logits; None where that was not measured.
        network_gemm_share: The same while the network was at work.
        stages: Median seconds of parts of the work by the seconds of the whole; they overlap.
    """

    title: str
    speed: Spread
    times: Spread | None
    times_by_processor: Spread | None
    padding_share: float | None
    peak_bytes: int
    agreement: Agreement | None
    gemm_share: Spread | None
    network_gemm_share: Spread | None
    stages: dict[str, float]


def agreement(logits: Logits, reference: Logits, calibrations: list[Calibration]) -> Agreement:
    """Of decisions on the same messages."""
    chosen, wanted = (judge(to_scores(part, calibrations), calibrations).chosen for part in (logits, reference))
    same: NDArray[np.bool_] = chosen == wanted
    return Agreement(float(same.mean()), int((~same).sum()), same.size, float(np.abs(logits - reference).max()))


def standings(found: Sequence[Run], agreements: dict[str, Agreement], *, work: float) -> dict[str, Standing]:
    """Every contender that ran, by name.

    Args:
        found: All rounds.
        agreements: By name, of those that run the bundle's network.
        work: Multiplications and additions that the timed messages need, without padding.
    """
    return {
        contender.name: _standing(
            contender.title,
            [run for run in found if run.contender == contender.name],
            [run for run in found if run.contender == OURS.name],
            agreements.get(contender.name),
            work=work,
        )
        for contender in CONTENDERS
        if any(run.contender == contender.name for run in found)
    }


def _standing(
    title: str, own: Sequence[Run], ours: Sequence[Run], agrees: Agreement | None, *, work: float
) -> Standing:
    n_tokens = sum(run.trial.n_tokens for run in own)
    peaks = [run.trial.gemm_per_second for run in own]
    shares = [work / run.trial.seconds / peak for run, peak in zip(own, peaks, strict=True) if peak]
    busy = [
        (work / run.trial.stages["network"] / peak) for run, peak in zip(own, peaks, strict=True) if run.trial.stages
    ]
    return Standing(
        title=title,
        speed=spread([run.messages_per_second for run in own]),
        times=None if own == ours else _times(ours, own, lambda run: run.messages_per_second),
        times_by_processor=None if own == ours else _times(ours, own, lambda run: run.messages_per_processor_second),
        padding_share=1 - sum(run.trial.n_real for run in own) / n_tokens if n_tokens else None,
        peak_bytes=max(run.trial.peak_bytes for run in own),
        agreement=agrees,
        gemm_share=spread(shares) if shares else None,
        network_gemm_share=spread(busy) if busy else None,
        stages={
            name: median(run.trial.stages[name] / run.trial.seconds for run in own) for name in own[0].trial.stages
        },
    )


def _times(ours: Sequence[Run], own: Sequence[Run], speed_of: Callable[[Run], float]) -> Spread:
    """Within each round, for the machine may slow down between two."""
    return spread([speed_of(one) / speed_of(other) for one, other in zip(ours, own, strict=True)])


def product_times(found: Sequence[Job]) -> Spread:
    """As many times as fast is `segmenter score`, within each round."""
    by_tool = [[job.messages_per_second for job in found if job.tool == tool] for tool in (SEGMENTER, SCRIPT)]
    return spread([ours / other for ours, other in zip(*by_tool, strict=True)])


def as_json(engines: dict[str, Standing]) -> dict[str, object]:
    """By name."""
    return {name: asdict(one) for name, one in engines.items()}
