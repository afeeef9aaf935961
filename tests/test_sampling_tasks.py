import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import REPOSITORY, TinyRun
from draws import FRENCH, TEXTS, corpus, settings, tasks_of, written

from segmenter.bundle import Bundle
from segmenter.errors import TableError
from segmenter.params import load_params, load_settings
from segmenter.sampling.strategies import Strategy
from segmenter.score import Scorer, open_scorer
from segmenter.sources import open_source
from segmenter.tables import TableReader
from segmenter.text import text_key

INTERFACE = REPOSITORY / "training" / "label_studio.xml"


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


def choices_in(interface: Path) -> dict[tuple[str, str], list[str]]:
    """Control and object names of each Choices to the values of its choices."""
    root = ElementTree.parse(interface).getroot()
    assert [text.get("value") for text in root.iter("Text")] == ["$text"]
    return {
        (part.attrib["name"], part.attrib["toName"]): [choice.attrib["value"] for choice in part.iter("Choice")]
        for part in root.iter("Choices")
    }


def test_the_interface_offers_the_audiences_of_params_and_none() -> None:
    wanted = [*load_params(REPOSITORY / "params.yaml").audience_ids, "none"]
    assert choices_in(INTERFACE)["audience", "text"] == wanted
    assert choices_in(INTERFACE)["confidence", "text"] == ["3", "2", "1"]


def test_the_interface_and_the_codebook_page_define_each_audience_in_the_same_words() -> None:
    said = " ".join(part.attrib["value"] for part in ElementTree.parse(INTERFACE).getroot().iter("Header"))
    page = (REPOSITORY / "docs" / "codebook.md").read_text("utf-8")
    definitions = [line.split(" | ")[2].removesuffix(" |") for line in page.splitlines() if line.startswith("| `")][:4]
    assert len(definitions) == 4
    said = said.replace("“", '"').replace("”", '"')
    assert [text for text in definitions if text not in said] == []


@pytest.fixture(scope="module")
def renamed(tiny_run: TinyRun, reseal: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """The tiny bundle with the audiences of params.yaml, which the interface offers."""
    audiences = [part.model_dump() for part in load_params(REPOSITORY / "params.yaml").audiences]
    path = tmp_path_factory.mktemp("renamed") / "bundle"
    reseal(tiny_run.bundle, path, {"audiences": audiences})
    return open_scorer(path, load_settings(None).score)


@pytest.mark.parametrize("strategy", ["uncertain", "diverse", "random"])
def test_tasks_fit_the_labelling_interface(renamed: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    offered = choices_in(INTERFACE)
    found = tasks_of(corpus(tmp_path, TEXTS), strategy, 10, renamed)
    assert len(found) == 10
    for task in found:
        [prediction] = task["predictions"]
        [result] = prediction["result"]
        assert result["type"] == "choices"
        assert set(result["value"]["choices"]) <= set(offered[result["from_name"], result["to_name"]])
        assert 0 <= prediction["score"] <= 1
        assert prediction["model_version"] == renamed.bundle.name


def test_a_task_suggests_what_is_chosen_and_none_by_name(scorer: Scorer, tmp_path: Path) -> None:
    verdicts = scorer.score(TEXTS).verdicts.chosen
    ids = np.array(scorer.bundle.audience_ids)
    wanted = {text: list(ids[row]) or ["none"] for text, row in zip(TEXTS, verdicts, strict=True)}
    found = tasks_of(corpus(tmp_path, TEXTS), "random", len(TEXTS), scorer)
    suggested = {task["data"]["text"]: task["predictions"][0]["result"][0]["value"]["choices"] for task in found}
    assert suggested == wanted
    assert ["none"] in suggested.values()


def test_a_message_out_of_scope_is_drawn_without_a_suggestion(scorer: Scorer, tmp_path: Path) -> None:
    [task] = tasks_of(corpus(tmp_path, [FRENCH]), "random", 1, scorer)
    assert task["predictions"] == []
    assert task["data"]["verdict"] == "uncertain"


def test_the_score_of_a_task_is_that_of_its_least_sure_decision(scorer: Scorer, tmp_path: Path) -> None:
    [task] = tasks_of(corpus(tmp_path, TEXTS[:1]), "random", 1, scorer)
    scored = scorer.score(TEXTS[:1])
    right = [
        score if chosen else 1 - score
        for score, chosen in zip(scored.scores[0], scored.verdicts.chosen[0], strict=True)
    ]
    assert task["predictions"][0]["score"] == pytest.approx(min(right), abs=1e-6)


def test_scores_and_verdict_travel_in_the_data(scorer: Scorer, tmp_path: Path) -> None:
    [task] = tasks_of(corpus(tmp_path, TEXTS[:1]), "random", 1, scorer)
    added = scorer.columns(scorer.score(TEXTS[:1]), "")
    for name in ("verdict", "reason", "language", "model"):
        assert task["data"][name] == added[name][0].as_py()
    for name in scorer.bundle.audience_ids:
        assert task["data"][f"score_{name}"] == pytest.approx(added[f"score_{name}"][0].as_py(), abs=1e-6)


@pytest.mark.parametrize("ending", ["json", "csv", "jsonl"])
def test_authors_are_never_written_and_context_is(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    columns = {
        "author": "ANNA",
        "external_author_id": "no-4711",
        "username": "ANNA",
        "source": "harbour-post",
        "lang": "en",
    }
    path = corpus(tmp_path, TEXTS, **columns)
    out = tmp_path / f"out.{ending}"
    written(path, out, "random", 5, scorer)
    text = out.read_text("utf-8")
    assert ("ANNA" in text, "no-4711" in text, text.count("harbour-post")) == (False, False, 5)


def test_a_task_says_where_its_message_stands(scorer: Scorer, tmp_path: Path) -> None:
    [task] = tasks_of(corpus(tmp_path, TEXTS[:1]), "random", 1, scorer)
    assert (task["data"]["id"], task["data"]["place"], task["data"]["row"]) == ("m1", "corpus.jsonl line 1", 1)


def test_every_random_task_carries_its_chance_and_frame(scorer: Scorer, tmp_path: Path) -> None:
    # 10 of 40
    found = tasks_of(corpus(tmp_path, TEXTS), "random", 10, scorer)
    said = ("estimation", "inclusion_probability", "frame_messages", "drawn_messages", "seed")
    assert {tuple(task["data"][name] for name in said) for task in found} == {(True, 0.25, 40, 10, 17)}


def test_the_record_tells_what_was_drawn_from_what(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    tasks = tasks_of(path, "random", 10, scorer)
    record = json.loads((tmp_path / "tasks.json.sample.json").read_text("utf-8"))
    assert record["frame"]["files"] == {str(path): hashlib.sha256(path.read_bytes()).hexdigest()}
    assert record["frame"]["digest"] == tasks[0]["data"]["frame"]
    assert [message["row"] for message in record["messages"]] == [task["data"]["row"] for task in tasks]
    assert [message["key"] for message in record["messages"]] == [text_key(task["data"]["text"]) for task in tasks]
    assert (record["estimation"], record["inclusion_probability"], record["seed"]) == (True, 0.25, 17)
    assert record["model"] == scorer.bundle.digest


@pytest.mark.parametrize("strategy", ["uncertain", "diverse"])
def test_only_a_random_draw_is_fit_for_estimation(scorer: Scorer, tmp_path: Path, strategy: Strategy) -> None:
    [task] = tasks_of(corpus(tmp_path, TEXTS), strategy, 1, scorer)
    record = json.loads((tmp_path / "tasks.json.sample.json").read_text("utf-8"))
    for said in (task["data"], record):
        assert (said["estimation"], said["inclusion_probability"]) == (False, None)


@pytest.mark.parametrize("ending", ["csv", "jsonl.gz", "parquet"])
def test_another_ending_writes_a_table_without_labels_of_its_own(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"drawn.{ending}"
    written(corpus(tmp_path, TEXTS), out, "random", 4, scorer)
    [batch] = TableReader(out, text_column="text").batches(10)
    assert len(batch.lines) == 4
    assert "audiences" not in batch.rows.schema.names
    suggested = {name for found in batch.column("suggested") for name in (found or "").split(";")}
    assert suggested <= {*scorer.bundle.audience_ids, "none"}
    assert (tmp_path / f"drawn.{ending}.sample.json").is_file()


def test_tasks_come_back_as_labels_once_people_have_annotated_them(renamed: Scorer, tmp_path: Path) -> None:
    found = tasks_of(corpus(tmp_path, TEXTS), "random", 4, renamed)
    labels = [["none"], ["maga_isolationist", "european_publics"], ["domestic_russian"]]
    for number, task in enumerate(found):  # as Label Studio exports: numbered, and the last one cancelled
        audience, confidence = (
            {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": choices}}
            for name, choices in (("audience", (labels + [["none"]])[number]), ("confidence", ["2"]))
        )
        annotation = {"id": number, "completed_by": 1, "was_cancelled": number == 3, "result": [audience, confidence]}
        task |= {"id": 900 + number, "annotations": [annotation]}
    export = tmp_path / "export.json"
    export.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    rejects: list[str] = []
    reader = open_source(export, format="label-studio", on_reject=lambda reject: rejects.append(reject.reason))
    [batch] = reader.batches(10)
    assert [json.loads(part or "") for part in batch.column("audiences")] == labels
    assert batch.column("text") == [task["data"]["text"] for task in found[:3]]
    assert batch.column("id") == [task["data"]["id"] for task in found[:3]]
    assert rejects == ["the annotation was cancelled"]


def test_a_former_file_is_replaced(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    tasks_of(path, "random", 5, scorer)
    assert len(tasks_of(path, "random", 2, scorer)) == 2


def test_a_job_that_fails_leaves_the_former_files_alone(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    tasks_of(path, "random", 5, scorer)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(TableError, match="41 asked for"):
        tasks_of(path, "random", 41, scorer)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_unusable_rows_are_set_aside_and_are_no_part_of_the_frame(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, [TEXTS[0], "", TEXTS[1]])
    done = written(path, tmp_path / "tasks.json", "random", 2, scorer, rejects=tmp_path / "aside.csv")
    assert done.sentence().startswith("3 rows in = 2 messages + 1 rejects; 2 written, each drawn with a chance of 1; ")
    [row] = csv.DictReader((tmp_path / "aside.csv").open(encoding="utf-8"))
    assert (row["line"], row["reason"]) == ("2", "column 'text' is empty")


def test_the_last_line_accounts_for_what_was_left_out_and_collapsed(scorer: Scorer, tmp_path: Path) -> None:
    # five messages: one out of scope, two copies; three texts, one of them a near-copy
    long = "the quiet bakery by the old harbour sells its rolls until six and then it shuts the green door again"
    path = corpus(tmp_path, [FRENCH, long, long, f"{long}s", TEXTS[0]])
    done = written(path, tmp_path / "t.json", "uncertain", 2, scorer, settings=settings(similarity=0.8))
    assert done.sentence() == (
        "5 rows in = 5 messages + 0 rejects; 1 out of scope left out; 3 candidates, 1 near-duplicates collapsed; "
        f"2 written, standing for 4 messages; {tmp_path / 't.json.sample.json'}"
    )


def test_the_corpus_is_never_overwritten(scorer: Scorer, tmp_path: Path) -> None:
    path = corpus(tmp_path, TEXTS)
    with pytest.raises(TableError, match="is the input and cannot be --out too"):
        written(path, path, "random", 2, scorer)


def test_a_name_that_is_neither_tasks_nor_a_table_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"tasks\.xml: is neither Label Studio tasks nor a table by its name; name it"):
        written(corpus(tmp_path, TEXTS), tmp_path / "tasks.xml", "random", 2, scorer)


def test_a_corpus_that_is_no_table_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "corpus.docx").write_text("not a table", "utf-8")
    with pytest.raises(TableError, match="is not a table by its name"):
        written(tmp_path / "corpus.docx", tmp_path / "tasks.json", "random", 2, scorer)


def test_a_missing_text_column_is_named(scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no column 'body' among 'id', 'text'; name the text column"):
        written(corpus(tmp_path, TEXTS), tmp_path / "tasks.json", "random", 2, scorer, text_column="body")
