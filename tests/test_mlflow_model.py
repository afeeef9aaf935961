import json
import sys
import urllib.request
from pathlib import Path

import mlflow
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from conftest import TinyRun, TinyVersion, free_port, serving

from segmenter import __version__
from segmenter.score import open_scorer
from segmenter.tracking import store

URI = "models:/audience/1"
TEXTS = ["gardeners, water the red beds before noon", "cyclists, the old lane opens on Monday", "", "rolls until six"]


@pytest.fixture(scope="module")
def expected(tiny_run: TinyRun) -> pd.DataFrame:
    """What our own scorer says of the texts."""
    scorer = open_scorer(tiny_run.bundle, tiny_run.params.score)
    return pa.table(scorer.columns(scorer.score(TEXTS), prefix="")).to_pandas()


@pytest.fixture
def logged(tiny_version: TinyVersion, tiny_store: str, tmp_path: Path) -> Path:
    """The files of the registered version."""
    with store(tiny_store):
        return Path(mlflow.artifacts.download_artifacts(URI, dst_path=str(tmp_path)))


@pytest.fixture
def same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a model puts its code first on the path; not after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("tiny_version", "same_path")
def test_a_loaded_model_says_what_our_scorer_says(expected: pd.DataFrame, tiny_store: str) -> None:
    with store(tiny_store):
        model = mlflow.pyfunc.load_model(URI)
    pd.testing.assert_frame_equal(model.predict(pd.DataFrame({"text": TEXTS})), expected)


@pytest.mark.usefixtures("tiny_version", "same_path")
def test_rows_keep_the_index_of_the_frame(tiny_store: str) -> None:
    with store(tiny_store):
        model = mlflow.pyfunc.load_model(URI)
    assert model.predict(pd.DataFrame({"text": TEXTS[:2]}, index=["x", "y"])).index.tolist() == ["x", "y"]


def test_no_pickle_is_among_the_files(logged: Path) -> None:
    files = [path for path in logged.rglob("*") if path.is_file()]
    # a pickle of protocol 2 or later begins with 0x80 and its number, and ends with a stop
    pickles = [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib"} or _is_pickle(path)]
    assert pickles == []
    assert any(path.name == "mlflow_model.py" for path in files)


def _is_pickle(path: Path) -> bool:
    content = path.read_bytes()
    return content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and content[-1:] == b"."


def test_the_model_is_made_from_code(logged: Path) -> None:
    flavour = yaml.safe_load((logged / "MLmodel").read_text("utf-8"))["flavors"]["python_function"]
    assert Path(flavour["model_code_path"]).name == "mlflow_model.py"
    assert "python_model" not in flavour


def test_our_wheel_is_logged_and_required_by_its_file(logged: Path) -> None:
    wheel = f"code/audience_segmenter-{__version__}-py3-none-any.whl"
    assert (logged / wheel).is_file()
    assert wheel in (logged / "requirements.txt").read_text("utf-8").splitlines()


def test_no_bare_name_of_ours_is_required(logged: Path) -> None:
    lines = (logged / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith(("segmenter", "audience-segmenter", "audience_segmenter"))] == []


def test_the_signature_wants_a_text_column(tiny_version: TinyVersion, tiny_store: str) -> None:
    with store(tiny_store):
        signature = mlflow.models.get_model_info(URI).signature
    assert signature.inputs.to_dict() == [{"type": "string", "name": "text", "required": True}]


def test_the_signature_tells_spark_which_columns_come_back(tiny_version: TinyVersion, tiny_store: str) -> None:
    # without it mlflow.pyfunc.spark_udf keeps one number alone
    with store(tiny_store):
        signature = mlflow.models.get_model_info(URI).signature
    names = (
        "score_gardeners",
        "score_cyclists",
        "score_readers",
        "audiences",
        "verdict",
        "reason",
        "language",
        "model",
    )
    assert signature.outputs.input_names() == list(names)
    assert [kind.name for kind in signature.outputs.input_types()] == ["float"] * 3 + ["string"] * 5


def test_a_served_model_answers_what_our_scorer_says(
    tiny_version: TinyVersion, tiny_store: str, expected: pd.DataFrame, tmp_path: Path
) -> None:
    words = ["models", "serve", "--model-uri", URI, "--env-manager", "local"]
    body = json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}}).encode()
    with serving(words, port=free_port(), health="/ping", folder=tmp_path, store_uri=tiny_store) as address:
        request = urllib.request.Request(address + "/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)["predictions"]
    assert [row["audiences"] for row in found] == expected["audiences"].tolist()
    assert [row["score_gardeners"] for row in found] == pytest.approx(expected["score_gardeners"].tolist(), abs=1e-6)
