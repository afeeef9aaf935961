import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from conftest import Outcome, ServedRun, TinyRun, TinyVersion, free_port

from segmenter.bundle import audit
from segmenter.cli import app
from segmenter.errors import BundleError, TrackingError
from segmenter.named import EMBEDDED_STORE
from segmenter.registry import (
    Version,
    fetched,
    logged_model_uri,
    promote,
    register,
    rollback,
    tag_version,
    version_of,
)
from segmenter.sections import Tracking
from segmenter.tracking import log_bundle, store, tracked_run

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


@pytest.mark.usefixtures("tiny_store")
def test_a_bundle_is_fetched_whatever_its_folder_was_called(tiny_run: TinyRun, tmp_path: Path) -> None:
    shutil.copytree(tiny_run.bundle, tmp_path / "renamed")
    bundle, settings = (
        audit(tmp_path / "renamed"),
        tiny_run.params.tracking.model_copy(update={"model_name": "renamed"}),
    )
    with tracked_run(settings, name="renamed", run_id=None):
        uri = log_bundle(bundle)
    register(settings, model_uri=uri, digest=bundle.digest, tags={}, alias="challenger")
    with fetched("models:/renamed@challenger", EMBEDDED_STORE) as found:
        assert found.digest == bundle.digest


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


# Aliases: a model of three versions of its own in the tiny store, by a name of its own.


@pytest.fixture
def versions(
    tiny_run: TinyRun, tiny_version: TinyVersion, tiny_store: str, request: pytest.FixtureRequest
) -> tuple[Tracking, list[Version]]:
    """The tracking settings of a model, and its versions 1 to 3; `third` is an alias of the last."""
    settings = tiny_run.params.tracking.model_copy(update={"model_name": request.node.name})
    uri = logged_model_uri(settings, tiny_version.run_id)
    for digest in ("first", "second", "third"):
        register(settings, model_uri=uri, digest=digest, tags={}, alias="third")
    found = [version_of(settings, f"models:/{settings.model_name}/{number}") for number in (1, 2, 3)]
    return settings, [version for version in found if version is not None]


def aliases(settings: Tracking) -> dict[str, int]:
    with store(settings.uri):
        found = mlflow.MlflowClient().get_registered_model(settings.model_name).aliases
    return {alias: int(number) for alias, number in found.items() if alias != "third"}


def test_a_version_is_known_by_alias_and_by_number(
    tiny_version: TinyVersion, versions: tuple[Tracking, list[Version]]
) -> None:
    settings, found = versions
    assert found[2] == Version(settings.model_name, 3, tiny_version.run_id, "third")
    assert version_of(settings, f"models:/{settings.model_name}@third") == found[2]
    assert found[2].uri == f"models:/{settings.model_name}/3"


@pytest.mark.parametrize("name", ["audience", "never-registered"])
def test_no_version_has_an_alias_that_nobody_gave(tiny_run: TinyRun, tiny_version: TinyVersion, name: str) -> None:
    assert version_of(tiny_run.params.tracking, f"models:/{name}@champion") is None


def test_the_first_champion_replaces_nobody(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    promote(settings, found[0], None)
    assert aliases(settings) == {"champion": 1}


def test_a_new_champion_leaves_the_former_as_previous(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    promote(settings, found[0], None)
    promote(settings, found[2], found[0])
    assert aliases(settings) == {"champion": 3, "previous": 1}


def test_a_champion_that_came_since_is_not_replaced(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    promote(settings, found[0], None)
    promote(settings, found[1], found[0])
    with pytest.raises(
        TrackingError, match=r"@champion: is version 2 by now, which models:/.*/3 was not compared with"
    ):
        promote(settings, found[2], found[0])
    with pytest.raises(TrackingError, match="is version 2 by now"):
        promote(settings, found[2], None)
    assert aliases(settings) == {"champion": 2, "previous": 1}


def test_a_champion_that_went_is_not_replaced(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    with pytest.raises(TrackingError, match="is nobody by now, .*; run the gate again"):
        promote(settings, found[1], found[0])
    assert aliases(settings) == {}


def test_rollback_puts_the_previous_champion_back_and_again_undoes_it(
    versions: tuple[Tracking, list[Version]],
) -> None:
    settings, found = versions
    promote(settings, found[0], None)
    promote(settings, found[2], found[0])
    assert rollback(settings, settings.model_name) == found[0]
    assert aliases(settings) == {"champion": 1, "previous": 3}
    assert rollback(settings, settings.model_name) == found[2]
    assert aliases(settings) == {"champion": 3, "previous": 1}


def test_rollback_without_a_previous_champion_is_one_sentence(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    promote(settings, found[0], None)
    with pytest.raises(TrackingError, match="@previous: is no version; there is nothing to go back to before a second"):
        rollback(settings, settings.model_name)
    assert aliases(settings) == {"champion": 1}


def test_a_rollback_that_broke_off_is_not_taken_for_one_to_undo(versions: tuple[Tracking, list[Version]]) -> None:
    # the champion had moved back, `previous` not yet
    settings, found = versions
    promote(settings, found[0], None)
    promote(settings, found[2], found[0])
    with store(settings.uri):
        mlflow.MlflowClient().set_registered_model_alias(settings.model_name, "champion", "1")
    with pytest.raises(
        TrackingError, match="@previous: is version 1, the champion itself, since a promotion or rollback"
    ):
        rollback(settings, settings.model_name)
    assert aliases(settings) == {"champion": 1, "previous": 1}


def test_a_version_is_tagged(versions: tuple[Tracking, list[Version]]) -> None:
    settings, found = versions
    tag_version(settings, found[1], {"gate": "missed"})
    with store(settings.uri):
        assert mlflow.MlflowClient().get_model_version(settings.model_name, "2").tags["gate"] == "missed"


CLIENT = """
import sys, time
from pathlib import Path
from segmenter.registry import register
from segmenter.sections import Tracking
uri, model_uri, start = sys.argv[1:]
settings = Tracking(uri=uri, experiment="served", model_name="raced", run_folder="none")
Path(start, str(time.monotonic_ns())).touch()
while len(list(Path(start).iterdir())) < 2:
    time.sleep(0.001)
for digest in ("one", "two", "three", "four"):
    print(register(settings, model_uri=model_uri, digest=digest, tags={}, alias="challenger"))
"""


def test_two_clients_that_register_at_once_make_one_version_of_a_digest(
    served_run: ServedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served_run.uri)
    run_id = audit(served_run.run.bundle).manifest.mlflow_run_id
    model_uri = logged_model_uri(served_run.run.params.tracking, run_id)
    words = [sys.executable, "-c", CLIENT, served_run.uri, model_uri, str(tmp_path)]
    clients = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    numbers = [client.communicate(timeout=120)[0].split() for client in clients]
    with store(served_run.uri):
        found = mlflow.MlflowClient().search_model_versions("name='raced'")
        newest = mlflow.MlflowClient().get_model_version_by_alias("raced", "challenger")
    assert [client.returncode for client in clients] == [0, 0]
    assert sorted(version.tags["digest"] for version in found) == ["four", "one", "three", "two"]
    assert numbers[0] == numbers[1] == sorted((str(version.version) for version in found), key=int)
    assert newest.tags["digest"] == "four"
