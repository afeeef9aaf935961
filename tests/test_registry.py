import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from conftest import Outcome, ServedRun, TinyRun, TinyVersion, free_port

from segmenter.bundle import audit
from segmenter.cli import EMBEDDED_STORE, app
from segmenter.errors import BundleError, TrackingError
from segmenter.registry import fetched, logged_model_uri, register
from segmenter.tracking import store, tracked_run

CHALLENGER = "models:/audience@challenger"
LETTERS = 'id,text\nl1,"gardeners, water the red beds before noon"\nl2,the old bakery sells rolls until six\n'


@pytest.fixture
def stored_model(tiny_version: TinyVersion, tiny_store: str) -> Path:
    """The folder of the registered version in the embedded store."""
    with store(tiny_store):
        (found,) = mlflow.get_run(tiny_version.run_id).outputs.model_outputs
    home = Path(tiny_store.removeprefix("sqlite:///")).parent
    return home / "mlartifacts" / "models" / found.model_id / "artifacts"


@pytest.fixture
def kept(stored_model: Path) -> Iterator[Callable[[str, bytes], Path]]:
    """A function that overwrites a file of the stored model; every file is as before afterwards."""
    former: dict[Path, bytes | None] = {}

    def write(name: str, content: bytes) -> Path:
        path = stored_model / name
        former[path] = path.read_bytes() if path.exists() else None
        path.write_bytes(content)
        return path

    yield write
    for path, content in former.items():
        path.unlink()
        if content is not None:
            path.write_bytes(content)


@pytest.mark.usefixtures("tiny_store")
@pytest.mark.parametrize("uri", [CHALLENGER, "models:/audience/1"])
def test_a_version_is_fetched_by_alias_and_by_number(tiny_run: TinyRun, tiny_version: TinyVersion, uri: str) -> None:
    with fetched(uri, EMBEDDED_STORE) as bundle:
        assert bundle.digest == audit(tiny_run.bundle).digest


@pytest.mark.usefixtures("tiny_version", "tiny_store")
def test_a_fetched_bundle_is_gone_after_its_use() -> None:
    with fetched(CHALLENGER, EMBEDDED_STORE) as bundle:
        assert bundle.path.is_dir()
    assert not bundle.path.exists()


def test_a_version_carries_digest_figure_and_label_source(
    tiny_run: TinyRun, tiny_version: TinyVersion, tiny_store: str
) -> None:
    with store(tiny_store):
        tags = mlflow.MlflowClient().get_model_version_by_alias("audience", "challenger").tags
    assert tags["digest"] == audit(tiny_run.bundle).digest
    assert tags["reference_labels"] == tiny_run.params.data.reference_labels
    assert 0 < float(tags["macro_f1"]) <= 1


def test_an_alias_moves_to_the_version_registered_last(
    tiny_run: TinyRun, tiny_version: TinyVersion, tiny_store: str
) -> None:
    settings = tiny_run.params.tracking.model_copy(update={"model_name": "moving"})
    uri = logged_model_uri(settings, tiny_version.run_id)
    digests = ("first", "second")
    numbers = [register(settings, model_uri=uri, digest=digest, tags={}, alias="champion") for digest in digests]
    with store(tiny_store):
        found = mlflow.MlflowClient().get_model_version_by_alias("moving", "champion").version
    assert numbers == [1, 2]
    assert int(found) == 2


@pytest.mark.usefixtures("tiny_store")
def test_a_bundle_registered_twice_is_one_version(tiny_run: TinyRun, tiny_version: TinyVersion) -> None:
    settings = tiny_run.params.tracking.model_copy(update={"model_name": "again"})
    uri = logged_model_uri(settings, tiny_version.run_id)
    numbers = [register(settings, model_uri=uri, digest="same", tags={}, alias=name) for name in ("one", "other")]
    assert numbers == [1, 1]


@pytest.mark.usefixtures("tiny_version", "tiny_store")
@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("models:/audience@champion", "alias champion not found"),
        ("models:/gardens@challenger", "gardens"),
        ("models:/audience/99", "99"),
    ],
)
def test_a_version_that_is_not_there_is_one_sentence(uri: str, what: str) -> None:
    with (
        pytest.raises(TrackingError, match=rf"^tracking store sqlite:.*{what}.*; check MLFLOW_TRACKING_URI"),
        fetched(uri, EMBEDDED_STORE),
    ):
        pass


@pytest.mark.parametrize(
    "uri", ["models:/audience", "models:/audience/latest", "models:/audience/1/bundle", "models:/"]
)
def test_an_address_that_names_no_version_is_one_sentence(uri: str) -> None:
    sentence = f"^{uri}: names no version; write models:/NAME@ALIAS or models:/NAME/NUMBER$"
    with pytest.raises(TrackingError, match=sentence), fetched(uri, EMBEDDED_STORE):
        pass


def test_a_run_without_a_bundle_is_one_sentence(tiny_run: TinyRun, tiny_store: str) -> None:
    with tracked_run(tiny_run.params.tracking, name="empty", run_id=None) as run_id:
        pass
    with pytest.raises(TrackingError, match="holds no bundle; train again with this tracking store"):
        logged_model_uri(tiny_run.params.tracking, run_id)


def test_a_byte_changed_in_the_store_is_refused(stored_model: Path, kept: Callable[[str, bytes], Path]) -> None:
    name = "artifacts/bundle/model.safetensors"
    weights = bytearray((stored_model / name).read_bytes())
    weights[-1] ^= 1
    kept(name, bytes(weights))
    with (
        pytest.raises(BundleError, match=r"'model\.safetensors' has changed since it was sealed"),
        fetched(CHALLENGER, EMBEDDED_STORE),
    ):
        pass


def test_a_file_added_in_the_store_is_refused(kept: Callable[[str, bytes], Path]) -> None:
    kept("artifacts/bundle/setup.py", b"print(1)\n")
    with (
        pytest.raises(BundleError, match=r"holds 'setup\.py', which its manifest does not list"),
        fetched(CHALLENGER, EMBEDDED_STORE),
    ):
        pass


def test_fetching_runs_no_code_of_the_registry(
    kept: Callable[[str, bytes], Path], tiny_store: str, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    kept("mlflow_model.py", f"open({str(mark)!r}, 'w').close()\nraise RuntimeError('ran')\n".encode())
    with fetched(CHALLENGER, EMBEDDED_STORE):
        pass
    assert not mark.exists()
    # that it would have run: MLflow's own way does run it
    with pytest.raises(Exception, match="ran"), store(tiny_store):
        mlflow.pyfunc.load_model(CHALLENGER)
    assert mark.exists()


def test_a_server_that_is_down_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with (
        pytest.raises(TrackingError, match=rf"^tracking store {address}: .*; check MLFLOW_TRACKING_URI"),
        fetched(CHALLENGER, EMBEDDED_STORE),
    ):
        pass


def test_a_version_is_fetched_from_a_server(served_run: ServedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served_run.uri)
    with fetched(CHALLENGER, EMBEDDED_STORE) as bundle:
        assert bundle.digest == audit(served_run.run.bundle).digest


def test_a_corpus_is_scored_with_a_version_of_a_server(
    served_run: ServedRun, outcome_of: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served_run.uri)
    (tmp_path / "letters.csv").write_text(LETTERS, "utf-8")
    outcome = outcome_of(
        app, "score", tmp_path / "letters.csv", "--model", CHALLENGER, "--out", tmp_path / "scored.csv"
    )
    assert outcome.code == 0
    with (tmp_path / "scored.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["l1", "l2"]
    assert {row["model"] for row in rows} == {audit(served_run.run.bundle).name}


def test_an_unknown_alias_is_one_sentence_and_exit_2(
    tiny_version: TinyVersion, tiny_store: str, outcome_of: Callable[..., Outcome]
) -> None:
    outcome = outcome_of(app, "inspect", "models:/audience@nobody")
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert "alias nobody not found" in outcome.err
