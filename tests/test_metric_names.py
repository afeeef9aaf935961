"""eval/metric_names.py: whatever a table calls a language, its figures can be logged."""

from dataclasses import replace

import pytest
from conftest import TinyRun

from eval.criterion import Criterion
from eval.figures import MACRO, Figure
from eval.metric_names import metric_name
from eval.records import flat_name
from eval.shortcuts import F1, Masking, ShortcutReport
from segmenter.tracking import log_metrics, logged_metrics, tracked_run

FREE_TEXT = ["pt (BR)", "en,US", "en/GB", "zh|Hant", "ελ", ".", "..", "", "x" * 300]


@pytest.mark.parametrize(
    ("part", "name"),
    [("pt (BR)", "pt _BR_"), ("en,US", "enUS"), ("en/GB", "en_GB"), ("..", "_"), ("", "_"), ("x" * 101, "x" * 100)],
)
def test_a_part_has_letters_that_mlflow_takes(part: str, name: str) -> None:
    assert metric_name("within", part, "f1") == f"within/{name}/f1"


def named_after(language: str) -> list[str]:
    """Names of a slice's figure, of the shortcut report's and of a criterion of the gate."""
    slice_f1 = Figure("model", f"lang={language}", MACRO, F1, 0.5, 0.4, 0.6, 100, 50)
    report = ShortcutReport([replace(slice_f1, part=language)], Masking(1, 0, 0, 0, 0, 0, {}))
    gate = Criterion(f"within/{language}/gardeners", "pass", "", "", 0.1, 0.0, 0.2)
    return [flat_name(slice_f1), *report.metrics(), *gate.metrics()]


def test_a_store_takes_every_name_that_holds_a_language(tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = {name for language in FREE_TEXT for name in named_after(language)}
    with tracked_run(tiny_run.params.tracking, name="languages", run_id=None) as run_id:
        log_metrics(dict.fromkeys(names, 0.5))
        assert set(logged_metrics(run_id)) == names
