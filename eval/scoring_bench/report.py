"""A scoring benchmark as the tables of docs/performance.md. Not here: its figures (standings.py)."""

from collections.abc import Sequence

from eval.bench_training import Spread, spread
from eval.scoring_bench.product import SCRIPT, SEGMENTER, Job
from eval.scoring_bench.standings import Standing, product_times


def as_markdown(engines: dict[str, Standing], product: Sequence[Job], first: Sequence[Job]) -> str:
    """The tables of docs/performance.md."""
    lines = [
        "| contender | messages/s | × by the clock | × by processor time | padding | same decisions as fp32 | peak memory |",
        "|---|---|---|---|---|---|---|",
        *map(_row, engines.values()),
    ]
    shares = [
        f"{one.title}: {_percent(one.gemm_share)} of the matrix product"
        + (f" ({_percent(one.network_gemm_share)} while the network is at work)" if one.network_gemm_share else "")
        for one in engines.values()
        if one.gemm_share is not None
    ]
    stages = [
        f"{one.title}, share of its seconds: " + ", ".join(f"{name} {share:.0%}" for name, share in one.stages.items())
        for one in engines.values()
        if one.stages
    ]
    lines += ["", *shares, *stages]
    if product:
        lines += ["", "| files in, files out | messages/s | seconds | peak memory |", "|---|---|---|---|"]
        lines += [_job_row([job for job in product if job.tool == tool]) for tool in (SEGMENTER, SCRIPT)]
        lines += ["", f"× {_shown(product_times(product))}"]
    if first:
        lines += ["", "| ten messages, the whole process | seconds |", "|---|---|"]
        for tool in (SEGMENTER, SCRIPT):
            seconds = spread([job.process.seconds for job in first if job.tool == tool])
            lines.append(f"| {tool} | {_shown(seconds)} |")
    return "\n".join(lines) + "\n"


def _row(one: Standing) -> str:
    padding = "" if one.padding_share is None else f"{one.padding_share:.1%}"
    same = (
        ""
        if one.agreement is None
        else f"{one.agreement.share:.2%} ({one.agreement.n_flips} of {one.agreement.n_decisions:,} differ)"
    )
    times = ["" if part is None else _shown(part) for part in (one.times, one.times_by_processor)]
    cells = [one.title, _shown(one.speed), *times, padding, same, _megabytes(one.peak_bytes)]
    return f"| {' | '.join(cells)} |"


def _job_row(own: Sequence[Job]) -> str:
    speed = spread([job.messages_per_second for job in own])
    seconds = spread([job.seconds_of_all for job in own])
    peak = max(job.process.peak_bytes for job in own)
    return f"| {own[0].tool} | {_shown(speed)} | {_shown(seconds)} | {_megabytes(peak)} |"


def _shown(part: Spread) -> str:
    return f"{_digits(part.median)} ({_digits(part.least)}–{_digits(part.most)})"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _percent(part: Spread | None) -> str:
    return "" if part is None else f"{part.median:.0%} ({part.least:.0%}–{part.most:.0%})"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"
