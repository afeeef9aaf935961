from pathlib import Path

import numpy as np
import pytest

from eval.scoring_bench.picture import chart
from eval.scoring_bench.product import SCRIPT, SEGMENTER, Job
from eval.scoring_bench.report import as_markdown
from eval.scoring_bench.rounds import Run, Watched
from eval.scoring_bench.standings import Standing, agreement, product_times, standings
from eval.scoring_bench.timing import Trial
from segmenter.calibration import Calibration

AS_IT_IS = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)


def run(contender: str, number: int, *, seconds: float, gemm: float = 0.0, network: float = 0.0) -> Run:
    stages = {"network": network} if network else {}
    return Run(contender, number, Trial(100, 5_000_000, seconds, 2 * seconds, 400, 300, "one thread", gemm, stages))


RUNS = [
    *(run("segmenter", 1, seconds=1.0, gemm=1000.0, network=0.5), run("torch-sorted", 1, seconds=3.0, gemm=100.0)),
    *(run("segmenter", 2, seconds=2.0, gemm=1000.0, network=1.0), run("torch-sorted", 2, seconds=8.0, gemm=100.0)),
]
JOBS = [
    *(Job(SEGMENTER, 1, 200, 200, 10.0, Watched(10.0, 7)), Job(SCRIPT, 1, 20, 200, 100.0, Watched(12.0, 8))),
    *(Job(SEGMENTER, 2, 200, 200, 10.0, Watched(10.0, 7)), Job(SCRIPT, 2, 20, 200, 140.0, Watched(16.0, 8))),
]


@pytest.fixture
def engines() -> dict[str, Standing]:
    return standings(RUNS, {}, work=200.0)


def test_ratios_are_taken_within_a_round(engines: dict[str, Standing]) -> None:
    times = engines["torch-sorted"].times
    assert times is not None
    assert (times.median, times.least, times.most) == (3.5, 3.0, 4.0)  # 3 / 1 and 8 / 2
    assert engines["segmenter"].times is None


def test_a_share_of_the_matrix_product_is_work_by_time_by_its_speed(engines: dict[str, Standing]) -> None:
    ours = engines["segmenter"]
    assert ours.gemm_share is not None
    assert ours.network_gemm_share is not None
    assert (ours.gemm_share.least, ours.gemm_share.most) == (0.1, 0.2)  # 200 in 2 s and 1 s of 1,000 a second
    assert (ours.network_gemm_share.least, ours.network_gemm_share.most) == (0.2, 0.4)
    assert engines["torch-sorted"].network_gemm_share is None


def test_padding_is_a_share_of_all_tokens(engines: dict[str, Standing]) -> None:
    assert engines["segmenter"].padding_share == 0.25  # 100 of 400


def test_agreement_counts_decisions() -> None:
    found = agreement(np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([[1.5, -1.0], [2.0, -0.5]]), [AS_IT_IS] * 2)
    assert (found.n_flips, found.n_decisions, found.share, found.largest) == (1, 4, 0.75, 1.0)


def test_the_product_is_compared_within_a_round() -> None:
    times = product_times(JOBS)
    assert (times.least, times.most) == (10.0, 14.0)


def test_the_tables_name_every_contender_and_tool(engines: dict[str, Standing]) -> None:
    text = as_markdown(engines, JOBS, JOBS)
    assert "| torch fp32, sorted | 22.9 (12.5–33.3) | 3.5 (3–4) |" in text
    assert "segmenter, share of its seconds: network 50%" in text
    assert "| segmenter score | 20 (20–20) | 10 (10–10) |" in text
    assert "segmenter: 15% (10%–20%) of the matrix product (30% (20%–40%) while the network is at work)" in text


def test_the_picture_is_drawn(engines: dict[str, Standing], tmp_path: Path) -> None:
    chart(engines, JOBS).save(tmp_path / "scoring.png")
    assert (tmp_path / "scoring.png").read_bytes().startswith(b"\x89PNG")
