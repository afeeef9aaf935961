from pathlib import Path

from PIL import Image

from training.curve import draw_curve
from training.loop import Epoch


def test_the_curve_is_a_picture_with_something_on_it(tmp_path: Path) -> None:
    draw_curve([Epoch(1, 0.7, 0.2), Epoch(2, 0.4, 0.6)], tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10


def test_a_single_epoch_can_be_drawn(tmp_path: Path) -> None:
    draw_curve([Epoch(1, 0.7, 0.2)], tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 0


def test_other_epochs_are_another_picture(tmp_path: Path) -> None:
    for name, score in (("a", 0.2), ("b", 0.6)):
        draw_curve([Epoch(1, 0.7, 0.1), Epoch(2, 0.4, score)], tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
