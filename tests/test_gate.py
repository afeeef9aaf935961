import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from conftest import Outcome, ServedRun, TinyRun
from mlflow.entities import Run
from rich.progress import Progress
from safetensors.numpy import load_file, save_file
from tiny_training import shortcut_rows

from eval.gate import app
from segmenter.bundle import Bundle, audit
from segmenter.params import load_params
from segmenter.prepared import read_split
from segmenter.registry import logged_model_uri, register
from segmenter.sections import Tracking
from segmenter.tracking import log_bundle, store, tracked_run
from training.prepare import prepare
from training.train import train

GARDEN = """
capability: minimum
written_by: the tests
audiences: [gardeners, cyclists]
groups:
  for_one_public:
    - {id: en, language: en, text: "gardeners, water the red beds before noon", expect: [gardeners], why: Clear.}
    - {id: de, language: de, text: "Liebe Radfahrer, der rote Radweg öffnet am Montag", expect: [cyclists], why: Clear.}
"""
LENIENT = {"slice_messages_at_least": 10, "calibration_error_rise_at_most": 1.0, "behaviour_fall_at_most": 0.0}
Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]


@dataclass(frozen=True)
class Logged:
    """A bundle that a store holds, by the address of the logged model."""

    bundle: Bundle
    uri: str


@dataclass(frozen=True)
class Models:
    """Two bundles of one training in the tiny store: `good` reads the messages, `timid` never chooses."""

    good: Logged
    timid: Logged


def timid_of(bundle: Bundle, target: Path, reseal: Reseal) -> Bundle:
    """The same model with a calibration by which every score is 0."""
    shy = [one.model_dump() | {"points": [], "intercept": -1e6} for one in bundle.manifest.calibration]
    return reseal(bundle.path, target, {"calibration": shy, "guarantee": None})


def logged(settings: Tracking, bundle: Bundle) -> Logged:
    with tracked_run(settings, name="timid", run_id=None):
        return Logged(bundle, log_bundle(bundle))


@pytest.fixture(scope="module")
def models(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory, reseal: Reseal) -> Models:
    good, settings = audit(tiny_run.bundle), tiny_run.params.tracking
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        uri = logged_model_uri(settings, good.manifest.mlflow_run_id)
        timid = timid_of(good, tmp_path_factory.mktemp("timid") / "bundle", reseal)
        return Models(Logged(good, uri), logged(settings, timid))


@dataclass(frozen=True)
class Arena:
    """The params of a gate and where it stands: a model name of its own, a run folder, the splits of the tiny run."""

    path: Path
    settings: Tracking

    def alias(self, **named: Logged) -> None:
        """Register bundles under aliases."""
        for alias, one in named.items():
            register(self.settings, model_uri=one.uri, digest=one.bundle.digest, tags={}, alias=alias)

    def aliases(self) -> dict[str, str]:
        """Digests by alias."""
        with store(self.settings.uri):
            client = mlflow.MlflowClient()
            found = client.get_registered_model(self.settings.model_name).aliases
            name = self.settings.model_name
            return {alias: client.get_model_version(name, number).tags["digest"] for alias, number in found.items()}

    def written(self) -> dict[str, Any]:
        """gate.json, of a decision or of a dry run."""
        path = max(self.folder.glob("gate*/gate.json"), key=lambda file: file.stat().st_mtime_ns)  # the latest
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def missed(self) -> list[str]:
        """The criteria that were not met."""
        return [one["name"] for one in self.written()["criteria"] if one["state"] == "miss"]

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.settings.run_folder)


MakeArena = Callable[..., Arena]


@pytest.fixture
def arena(
    tiny_run: TinyRun, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> MakeArena:
    """A function that makes the arena of a test; the tiny test split decides; sections are changed by keyword."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "garden.yaml").write_text(GARDEN, "utf-8")
    shutil.copytree(tiny_run.folder / "data", tmp_path / "run" / "data")

    def make(**changes: dict[str, Any]) -> Arena:
        sections = yaml.safe_load(tiny_run.params_path.read_text("utf-8"))
        sections["gate"] |= {"split": "test", **LENIENT}
        sections["eval"]["behaviour"] = str(tmp_path / "suite")
        sections["tracking"] |= {"run_folder": str(tmp_path / "run"), "model_name": request.node.name}
        for name, part in changes.items():
            sections[name] |= part
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")
        return Arena(path, load_params(path).tracking)

    return make


def run_of(arena: Arena, run_id: str) -> Run:
    with store(arena.settings.uri):
        return mlflow.get_run(run_id)


OutcomeOf = Callable[..., Outcome]


def test_a_challenger_that_passes_is_champion_and_the_former_one_previous(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    here.alias(champion=models.timid, challenger=models.good)
    outcome = outcome_of(app, "--params", here.path)
    assert (outcome.code, here.missed()) == (0, [])
    good, timid = models.good.bundle.digest, models.timid.bundle.digest
    assert here.aliases() == {"challenger": good, "champion": good, "previous": timid}
    assert "gate passed" in outcome.out
    assert f"/2 is models:/{here.settings.model_name}@champion now" in outcome.out


def test_a_passed_gate_stands_in_the_run_folder_and_in_the_challengers_run(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    here.alias(champion=models.timid, challenger=models.good)
    outcome_of(app, "--params", here.path)
    found = here.written()
    n_messages = len(read_split(load_params(here.path), "test"))
    assert (found["gate"], found["split"], found["n"]) == ("passed", "test", n_messages)
    assert found["challenger"]["bundle"] == models.good.bundle.digest
    assert found["champion"]["bundle"] == models.timid.bundle.digest
    run = run_of(here, models.good.bundle.manifest.mlflow_run_id)
    assert run.data.tags["gate"] == "passed"
    assert run.data.metrics["gate/gain/champion/passed"] == 1.0
    assert run.data.metrics["gate/gain/champion/low"] > 0
    with store(here.settings.uri):
        client = mlflow.MlflowClient()
        files = {file.path for file in client.list_artifacts(run.info.run_id, "gate")}
        assert files == {"gate/gate.json", "gate/gate.md"}
        assert client.get_model_version_by_alias(here.settings.model_name, "champion").tags["gate"] == "passed"


def test_the_decisions_on_a_split_are_counted_whoever_is_judged(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    read_split(load_params(here.path), "test").iloc[1:].to_parquet(here.folder / "data" / "test.parquet", index=False)
    here.alias(champion=models.good, challenger=models.timid)  # on a split that no other test judges
    for number in (1, 2):
        assert f"decision number {number} on this split" in outcome_of(app, "--params", here.path).out
    assert "a dry run, not counted" in outcome_of(app, "--params", here.path, "--dry-run").out
    here.alias(champion=models.timid, challenger=models.good)
    assert "decision number 3 on this split" in outcome_of(app, "--params", here.path).out
    assert here.written()["decision"] == 3


def test_an_int8_graph_that_decides_otherwise_is_refused_by_name(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf, tmp_path: Path, reseal: Reseal
) -> None:
    # the weights' head is turned round, the graph is as it was: fp32 chooses what the graph does not
    here, turned = arena(), tmp_path / "turned"
    shutil.copytree(models.good.bundle.path, turned)
    weights = load_file(turned / "model.safetensors")
    flipped = {name: -part if name.startswith("head.") else part for name, part in weights.items()}
    save_file(flipped, turned / "model.safetensors")
    cpu = {"precision": "int8", "int8_agreement": 1.0, "n_decisions": 300}
    bundle = reseal(turned, tmp_path / "sealed", {"cpu": cpu})
    sides = ("--challenger", bundle.path, "--champion", models.timid.bundle.path)
    outcome = outcome_of(app, "--params", here.path, *sides, "--dry-run")
    assert (outcome.code, here.missed()) == (1, ["int8_agreement"])


def test_a_challenger_that_misses_changes_nothing_and_exits_1(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    here.alias(champion=models.good, challenger=models.timid)
    outcome = outcome_of(app, "--params", here.path)
    assert (outcome.code, outcome.err) == (1, "")
    assert here.aliases() == {"champion": models.good.bundle.digest, "challenger": models.timid.bundle.digest}
    assert {"gain/champion", "slices", "behaviour/minimum"} <= set(here.missed())
    assert "MISS" in outcome.out
    assert max(map(len, outcome.out.splitlines()[:20])) <= 80
    with store(here.settings.uri):
        client = mlflow.MlflowClient()
        assert client.get_model_version_by_alias(here.settings.model_name, "challenger").tags["gate"] == "missed"


def test_a_first_champion_has_to_beat_both_baselines(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    # TF-IDF of one word and one letter knows next to nothing; that of the example tells these phrases apart
    here = arena(eval={"tfidf_words": 1, "tfidf_characters": 1})
    here.alias(challenger=models.good)
    outcome = outcome_of(app, "--params", here.path)
    assert (outcome.code, here.written()["champion"]) == (0, None)
    assert [one["name"] for one in here.written()["criteria"]][:2] == ["gain/language", "gain/tfidf"]
    assert "no champion yet" in outcome.out
    assert here.aliases() == {"challenger": models.good.bundle.digest, "champion": models.good.bundle.digest}


def test_a_first_champion_that_is_no_better_than_tfidf_is_refused(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    here.alias(challenger=models.good)
    outcome = outcome_of(app, "--params", here.path)
    assert (outcome.code, "gain/tfidf" in here.missed()) == (1, True)
    assert here.aliases() == {"challenger": models.good.bundle.digest}


def test_a_dry_run_judges_folders_and_changes_nothing(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena()
    sides = ("--challenger", models.good.bundle.path, "--champion", models.timid.bundle.path)
    outcome = outcome_of(app, "--params", here.path, *sides, "--dry-run")
    assert (outcome.code, here.missed()) == (0, [])
    with store(here.settings.uri):
        assert mlflow.MlflowClient().search_registered_models(f"name='{here.settings.model_name}'") == []
    assert not (Path(here.settings.run_folder) / "gate").exists()  # where the record of a decision stands


def test_a_dry_run_of_versions_leaves_the_aliases(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena()
    here.alias(champion=models.timid, challenger=models.good)
    before = here.aliases()
    assert outcome_of(app, "--params", here.path, "--dry-run").code == 0
    assert here.aliases() == before


def test_rollback_puts_the_previous_champion_back(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena()
    here.alias(champion=models.good, previous=models.timid)
    outcome = outcome_of(app, "--params", here.path, "--rollback")
    assert (outcome.code, outcome.err) == (0, "")
    assert here.aliases() == {"champion": models.timid.bundle.digest, "previous": models.good.bundle.digest}
    assert "@champion is version 2 again" in outcome.out


def refused(arena: Arena, outcome: Outcome, sentence: str) -> bool:
    """Exit 2 with one sentence that holds these words, and nothing written."""
    assert (outcome.code, outcome.err.strip().count("\n")) == (2, 0)
    assert sentence in outcome.err
    return not (arena.folder / "gate").exists()


def test_a_version_is_not_compared_with_itself(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena()
    here.alias(champion=models.good, challenger=models.good)
    name, digest = here.settings.model_name, models.good.bundle.name
    sentence = f"models:/{name}@challenger: is bundle {digest}, and so is models:/{name}@champion; train another"
    assert refused(here, outcome_of(app, "--params", here.path), sentence)


def test_messages_that_either_was_trained_on_are_refused(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena(gate={"split": "gate"})
    here.alias(champion=models.timid, challenger=models.good)
    shutil.copy(here.folder / "data" / "dev.parquet", here.folder / "data" / "gate.parquet")
    n = len(read_split(load_params(here.path), "dev"))
    sentence = f"@challenger: was trained on {n} of the {n} messages of split 'gate', such as labelled:"
    assert refused(here, outcome_of(app, "--params", here.path), sentence)


def test_a_champion_trained_on_the_messages_is_refused_too(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf, tmp_path: Path, reseal: Reseal
) -> None:
    here = arena()
    keys = read_split(load_params(here.path), "test")["key"].tolist()
    taught = tmp_path / "taught"
    shutil.copytree(models.timid.bundle.path, taught)
    (taught / "row_keys.txt").write_text(f"{keys[0]}\n", "utf-8")
    champion = reseal(taught, tmp_path / "sealed", {})
    sides = ("--challenger", models.good.bundle.path, "--champion", champion.path)
    outcome = outcome_of(app, "--params", here.path, *sides, "--dry-run")
    assert refused(here, outcome, f"sealed: was trained on 1 of the {len(keys)} messages of split 'test', such as")


def test_other_audiences_are_refused(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf, tmp_path: Path, reseal: Reseal
) -> None:
    here = arena()
    manifest = models.good.bundle.manifest
    turned = [one.model_dump() for one in reversed(manifest.audiences)]
    other = reseal(models.good.bundle.path, tmp_path / "turned", {"audiences": turned})
    outcome = outcome_of(app, "--params", here.path, "--challenger", other.path, "--dry-run")
    assert refused(
        here, outcome, "its audiences are readers, cyclists, gardeners, the params' gardeners, cyclists, readers"
    )


def test_a_gate_without_messages_is_refused(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena(gate={"split": "gate"})
    here.alias(challenger=models.good)
    sentence = "split 'gate': has no messages; cut one by data.gate_share, or bring labelled messages for it"
    assert refused(here, outcome_of(app, "--params", here.path), sentence)


@pytest.mark.usefixtures("models")
def test_a_folder_cannot_be_promoted(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here, folder = arena(), models.good.bundle.path
    outcome = outcome_of(app, "--params", here.path, "--challenger", folder)
    assert refused(here, outcome, f"{folder}: is a folder, and only a registered version can be promoted; register it")


def test_a_challenger_that_nobody_registered_is_refused(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    here = arena()
    sentence = (
        f"models:/{here.settings.model_name}@challenger: is no version; register one with python -m eval.evaluate"
    )
    assert refused(here, outcome_of(app, "--params", here.path), sentence)


def test_another_version_than_the_champion_cannot_be_replaced(
    arena: MakeArena, models: Models, outcome_of: OutcomeOf
) -> None:
    # version 1 is champion; a challenger compared with version 2 alone would replace it unjudged
    here = arena()
    here.alias(champion=models.good, challenger=models.timid, other=models.timid)
    name = here.settings.model_name
    outcome = outcome_of(app, "--params", here.path, "--champion", f"models:/{name}@other")
    sentence = (
        f"models:/{name}@other: is not the champion of '{name}', which is models:/{name}/1; compare the challenger"
    )
    assert refused(here, outcome, sentence)


def test_a_loss_allowed_for_no_slice_is_refused(arena: MakeArena, models: Models, outcome_of: OutcomeOf) -> None:
    here = arena(gate={"slice_losses": {"lang=xx": 0.1}})
    here.alias(challenger=models.good)
    outcome = outcome_of(app, "--params", here.path)
    assert refused(here, outcome, "gate.slice_losses: 'lang=xx' is no slice here; name some of all, lang=de, lang=en")


def test_a_challenger_is_promoted_on_a_server(
    arena: MakeArena, served_run: ServedRun, outcome_of: OutcomeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = arena(eval={"tfidf_words": 1, "tfidf_characters": 1}, tracking={"experiment": "served"})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served_run.uri)
    bundle = audit(served_run.run.bundle)
    uri = logged_model_uri(here.settings, bundle.manifest.mlflow_run_id)
    here.alias(challenger=Logged(bundle, uri))
    assert outcome_of(app, "--params", here.path).code == 0
    with store(served_run.uri):
        champion = mlflow.MlflowClient().get_model_version_by_alias(here.settings.model_name, "champion")
        run = mlflow.get_run(bundle.manifest.mlflow_run_id)
    assert (champion.tags["digest"], champion.tags["gate"]) == (bundle.digest, "passed")
    assert run.data.tags["gate"] == "passed"


# A model that learned the language: trained, by the real pipeline, on labels that follow it.


@pytest.fixture
def shortcut(arena: MakeArena, tmp_path: Path) -> tuple[Arena, Bundle]:
    """A model trained on them, and the arena whose gate split it is judged on."""
    table = tmp_path / "labelled.jsonl"
    table.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in shortcut_rows()), "utf-8")
    here = arena(gate={"split": "gate"}, eval={"conclusion_support_at_least": 10}, train={"epochs": 12})
    sections = yaml.safe_load(here.path.read_text("utf-8"))
    sections["audiences"] = sections["audiences"][:2]
    sections["data"]["tables"][0] |= {"path": str(table), "splits": {"gate": "gate", "free": "free"}}
    here.path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")
    params = load_params(here.path)
    shutil.rmtree(here.folder / "data")
    prepare(params)
    return here, train(params, Progress(disable=True))


def test_a_model_that_learned_the_language_is_caught_by_name(
    shortcut: tuple[Arena, Bundle], outcome_of: OutcomeOf, tmp_path: Path, reseal: Reseal
) -> None:
    # of 40 German gate messages 30 are for gardeners, and it marks all 40: F1 60 / 70 = .857; of English likewise
    here, bundle = shortcut
    timid = logged(here.settings, timid_of(bundle, tmp_path / "timid", reseal))
    uri = logged_model_uri(here.settings, bundle.manifest.mlflow_run_id)
    here.alias(champion=timid, challenger=Logged(bundle, uri))
    outcome = outcome_of(app, "--params", here.path)
    assert outcome.err == ""
    gain, *_ = here.written()["criteria"]
    assert (gain["state"], gain["found"][:27]) == ("pass", "macro-F1 0.857 against 0.00")
    assert here.missed() == ["within/de/gardeners", "within/en/cyclists"]
    assert outcome.code == 1
    assert here.aliases()["champion"] == timid.bundle.digest


def test_a_rollback_is_no_dry_run(arena: MakeArena, outcome_of: OutcomeOf) -> None:
    outcome = outcome_of(app, "--params", arena().path, "--rollback", "--dry-run")
    assert (outcome.code, "--rollback: moves aliases, and --dry-run moves none" in outcome.err) == (2, True)
