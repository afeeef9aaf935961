"""The picture of a scoring benchmark: messages a second of every contender, and of whole processes from file to file."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from eval.bench_training import Spread, spread
from eval.plots import PALETTE
from eval.scoring_bench.contenders import OURS
from eval.scoring_bench.product import SCRIPT, SEGMENTER, Job
from eval.scoring_bench.standings import Standing

WIDTH, STEP = 420, 26


def chart(engines: dict[str, Standing], product: Sequence[Job]) -> alt.VConcatChart:
    """One panel of engines, one of files in and files out where that was measured; logarithmic, for they differ 100-fold."""
    rows = [_row(one.title, one.speed, is_ours=name == OURS.name) for name, one in engines.items()]
    panels = [_panel(rows, "Texts to logits, every message another")]
    if product:
        speeds = {
            tool: [job.messages_per_second for job in product if job.tool == tool] for tool in (SEGMENTER, SCRIPT)
        }
        jobs = [_row(tool, spread(found), is_ours=tool == SEGMENTER) for tool, found in speeds.items()]
        panels.append(_panel(jobs, f"File to file, {product[0].n_of:,} messages, some of them equal"))
    return alt.vconcat(*panels).resolve_scale(x="shared")


def _row(title: str, speed: Spread, *, is_ours: bool) -> dict[str, object]:
    return {"contender": title, "speed": speed.median, "least": speed.least, "most": speed.most, "ours": is_ours}


def _panel(rows: list[dict[str, object]], title: str) -> alt.LayerChart:
    """A bar to the median, a line from the least to the most of the rounds."""
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("contender:N", sort=[str(row["contender"]) for row in rows], title=None, axis=alt.Axis(labelLimit=240))
    )
    scale = alt.Scale(type="log", domainMin=1)
    colours = alt.Scale(domain=[True, False], range=[PALETTE[0], "lightgrey"])
    bars = base.mark_bar().encode(
        x=alt.X("speed:Q", title="messages a second", scale=scale),
        x2=alt.datum(1),
        color=alt.Color("ours:N", scale=colours, legend=None),
    )
    lines = base.mark_rule(strokeWidth=2).encode(x=alt.X("least:Q", scale=scale), x2="most:Q")
    numbers = base.mark_text(align="left", dx=6).encode(
        x=alt.X("most:Q", scale=scale), text=alt.Text("speed:Q", format=",.0f")
    )
    return alt.layer(bars, lines, numbers).properties(title=title, width=WIDTH, height=STEP * len(rows))
