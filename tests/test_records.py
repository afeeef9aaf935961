"""eval/records.py: metrics.json and flat MLflow names."""

import json
import re
from dataclasses import replace

import pytest
from conftest import TinyVersion

from eval.figures import Figure, value_of
from eval.records import flat_metrics, flat_name, worst_slice


def f1(part: str, audience: str, value: float | None, *, n: int = 100, n_true: int = 50) -> Figure:
    return Figure("model", part, audience, "f1", value, None, None, n, n_true)


def test_the_worst_slice_is_the_lowest_f1_of_an_audience() -> None:
    found = [f1("all", "gardeners", 0.1), f1("lang=en", "gardeners", 0.7), f1("lang=de", "cyclists", 0.4)]
    assert worst_slice(found, 50) == found[2]


def test_the_worst_slice_has_messages_enough_with_and_without_the_audience() -> None:
    found = [
        f1("lang=en", "gardeners", 0.7),
        f1("lang=de", "gardeners", 0.3, n_true=49),
        f1("lang=it", "gardeners", 0.2, n=99),  # 49 without
        f1("lang=fr", "gardeners", None),
    ]
    assert worst_slice(found[:3], 50) == found[0]


def test_the_worst_slice_is_the_models_own() -> None:
    found = [f1("lang=en", "gardeners", 0.7), replace(f1("lang=de", "gardeners", 0.2), model="tfidf")]
    assert worst_slice(found, 50) == found[0]


def test_there_is_no_worst_slice_where_none_has_messages_enough() -> None:
    assert worst_slice([f1("lang=en", "gardeners", 0.7)], 51) is None


@pytest.mark.parametrize(
    ("figure", "name"),
    [
        (f1("all", "gardeners", 0.5), "f1/gardeners"),
        (f1("lang=en", "macro", 0.5), "lang/en/f1/macro"),
        (f1("lang, rest", "macro", 0.5), "lang rest/f1/macro"),
        (f1("source=gazette/sport (2)", "macro", 0.5), "source/gazette_sport _2_/f1/macro"),
        (f1(f"note={'x' * 300}", "macro", 0.5), f"note/{'x' * 100}/f1/macro"),
        (replace(f1("words=40 and more", "macro", 0.5), model="tfidf"), "tfidf/words/40 and more/f1/macro"),
        (replace(f1("all", "macro", 0.1), model="model-earlier 3", metric="f1_gain"), "model-earlier 3/f1_gain/macro"),
    ],
)
def test_a_flat_name_is_plain_for_the_model_and_all_and_prefixed_for_the_rest(figure: Figure, name: str) -> None:
    assert flat_name(figure) == name


def test_every_figure_of_all_messages_is_flat_with_its_interval(tiny_version: TinyVersion) -> None:
    flat = flat_metrics(tiny_version.evaluation)
    for figure in tiny_version.evaluation.found:
        if figure.part == "all":
            name = flat_name(figure)
            assert (flat[name], flat[f"{name}/low"], flat[f"{name}/high"]) == (figure.value, figure.low, figure.high)


def test_of_a_slice_f1_has_its_interval_and_the_rest_is_the_models(tiny_version: TinyVersion) -> None:
    flat, found = flat_metrics(tiny_version.evaluation), tiny_version.evaluation.found
    assert flat["lang/de/f1/macro/low"] == value_of(found, "model", "lang=de", "macro", "f1").low
    assert flat["tfidf/lang/de/f1/readers"] == value_of(found, "tfidf", "lang=de", "readers", "f1").value
    assert flat["lang/de/brier/macro"] == value_of(found, "model", "lang=de", "macro", "brier").value
    assert {"lang/de/brier/macro/low", "tfidf/lang/de/brier/macro"} & set(flat) == set()


def test_coverage_and_error_of_the_certain_are_flat(tiny_version: TinyVersion) -> None:
    assert {"coverage", "error_of_the_certain"} <= set(flat_metrics(tiny_version.evaluation))


def test_the_worst_slice_is_flat(tiny_version: TinyVersion) -> None:
    found = replace(tiny_version.evaluation, worst=f1("lang=en", "gardeners", 0.7))
    assert flat_metrics(found)["worst_slice/f1"] == 0.7


def test_what_is_not_evaluable_has_no_flat_figure(tiny_version: TinyVersion) -> None:
    found = replace(tiny_version.evaluation, found=[f1("all", "gardeners", None)])
    assert [name for name in flat_metrics(found) if name.startswith("f1/")] == []


def test_flat_names_have_only_letters_mlflow_takes(tiny_version: TinyVersion) -> None:
    names = flat_metrics(tiny_version.evaluation)
    assert [name for name in names if not re.fullmatch(r"[\w./ :-]+", name)] == []


def test_flat_names_of_another_split_begin_with_it(tiny_version: TinyVersion) -> None:
    names = set(flat_metrics(replace(tiny_version.evaluation, split="gate")))
    assert names == {f"gate/{name}" for name in flat_metrics(tiny_version.evaluation)}


def test_metrics_hold_one_figure_a_line(tiny_version: TinyVersion) -> None:
    lines = (tiny_version.evaluation.folder / "metrics.json").read_text("utf-8").splitlines()
    shown = [json.loads(line.strip().removesuffix(",")) for line in lines if line.strip().startswith('{"model":')]
    assert len(shown) == len(tiny_version.evaluation.found)
