from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from eval.abstention import Abstention, RiskPoint
from eval.baselines import Judgement
from eval.figures import Judged
from eval.plots import confusion_chart, draw_all, draw_coverage_risk, title
from segmenter.intervals import Estimate

TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [1, 1]], np.bool_)
CHOSEN = np.array([[1, 0], [0, 0], [0, 1], [1, 0], [1, 1]], np.bool_)
SCORES = np.array([[0.9, 0.1], [0.2, 0.1], [0.1, 0.8], [0.6, 0.1], [0.7, 0.9]])
NAMES = ("reliability", "precision_recall", "confusion")


def n_colours(path: Path) -> int:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return len(picture.convert("RGB").getcolors(1 << 22) or [])


@pytest.mark.parametrize("truth", [TRUTH, np.zeros_like(TRUTH)], ids=["labels", "nobody"])
def test_three_pictures_are_drawn_with_something_on_them(tmp_path: Path, truth: NDArray[np.bool_]) -> None:
    judged = Judged(truth, np.arange(5), {}, ["gardeners", "cyclists"])
    draw_all(tmp_path, judged, Judgement("model", SCORES, CHOSEN), n_bins=3, split="test")
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(NAMES)
    assert min(n_colours(tmp_path / f"{name}.png") for name in NAMES) > 10


def test_a_message_of_two_audiences_counts_in_each_of_its_cells() -> None:
    rows = confusion_chart(TRUTH, CHOSEN, ["gardeners", "cyclists"]).to_dict()["datasets"].values()
    cells = {(cell["reference"], cell["model"]): cell["messages"] for part in rows for cell in part}
    assert cells == {
        ("gardeners", "gardeners"): 2,  # m0, m4
        ("gardeners", "cyclists"): 1,  # m4
        ("gardeners", "none"): 1,  # m1
        ("cyclists", "gardeners"): 1,  # m4
        ("cyclists", "cyclists"): 2,  # m2, m4
        ("cyclists", "none"): 0,
        ("none", "gardeners"): 1,  # m3
        ("none", "cyclists"): 0,
        ("none", "none"): 0,
    }


def abstained(**changes: Any) -> Abstention:  # noqa: ANN401
    """100 messages of which half are certain and a tenth of these wrong."""
    whole = {"coverage": Estimate(0.5, 0.4, 0.6, 90.0), "error": Estimate(0.1, 0.05, 0.2, 45.0), "error_several": None}
    whole |= {"n": 100, "n_certain": 50, "n_several": 0, "n_several_certain": 0}
    curve = [RiskPoint(2.0, 0.2, 0.05), RiskPoint(0.0, 1.0, 0.3)]
    return Abstention(**(whole | {"risk": None, "held": None, "curve": curve} | changes))


@pytest.mark.parametrize("changes", [{}, {"risk": 0.05}, {"error": None, "curve": []}])
def test_coverage_and_risk_are_drawn_with_something_on_them(tmp_path: Path, changes: dict[str, Any]) -> None:
    draw_coverage_risk(tmp_path, abstained(**changes), split="test")
    assert n_colours(tmp_path / "coverage_risk.png") > 10


def test_a_guaranteed_risk_is_a_line_of_its_own_colour(tmp_path: Path) -> None:
    drawn = {}
    for name, risk in (("with", 0.2), ("without", None)):
        (tmp_path / name).mkdir()
        draw_coverage_risk(tmp_path / name, abstained(risk=risk), split="test")
        with Image.open(tmp_path / name / "coverage_risk.png") as picture:
            drawn[name] = {colour for _, colour in picture.convert("RGB").getcolors(1 << 22) or []}
    assert (0xD5, 0x5E, 0x00) in drawn["with"] - drawn["without"]


def test_a_picture_names_its_split_and_how_many_messages_that_is() -> None:
    assert title("reliability", "gate", 1460).to_dict() == {"text": "Reliability", "subtitle": "split gate, n = 1,460"}
