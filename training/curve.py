"""The training curve as a picture."""

from pathlib import Path

import altair as alt
import pandas as pd

from training.loop import Epoch


def draw_curve(epochs: list[Epoch], target: Path) -> None:
    """Write loss on train and macro-F1 on dev by epoch, side by side, as a PNG."""
    frame = pd.DataFrame([vars(epoch) for epoch in epochs])
    base = alt.Chart(frame).encode(x=alt.X("number:O", title="epoch", axis=alt.Axis(labelAngle=0)))
    loss = base.mark_line(point={"color": "#0072B2"}, color="#0072B2").encode(
        y=alt.Y("loss:Q", title="mean loss on train")
    )
    score = base.mark_line(point={"color": "#D55E00"}, color="#D55E00").encode(
        y=alt.Y("dev_macro_f1:Q", title="macro-F1 on dev at threshold 0.5", scale=alt.Scale(zero=False))
    )
    panels = [chart.properties(width=280, height=220) for chart in (loss, score)]
    alt.hconcat(*panels).properties(title="Training curve").save(target, scale_factor=2)
