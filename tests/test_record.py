import hashlib
import json
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TinyRun
from jobs import ROWS, job, read_table, run, write_table

from segmenter import __version__
from segmenter.errors import TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.engines import Done, Work, local
from segmenter.scoring.job import score_corpus, work_left
from segmenter.scoring.record import Run, RunRecord, host, record_of
from segmenter.scoring.tally import Effort, Tally

TEXTS = [row["text"] for row in ROWS]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """20 messages, the first five once more, and one row without text."""
    return write_table(tmp_path / "in.csv", [*ROWS, *ROWS[:5], {"id": "bad", "text": ""}])


def read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_it_says_what_was_scored_with_what(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    run(scorer, table, tmp_path / "out.csv", rejects=tmp_path / "aside.csv", prefix="seg_", command="segmenter score")
    found = read(tmp_path / "out.csv.run.json")
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["inputs"] == [{"name": "in.csv", "n_bytes": table.stat().st_size, "sha256": digest}]
    assert found["bundle"] == hashlib.sha256((scorer.bundle.path / "manifest.json").read_bytes()).hexdigest()
    assert (found["segmenter"], found["command"], found["engine"]) == (__version__, "segmenter score", "local")
    assert found["runtime"] == scorer.runtime.key
    assert found["options"]["score"] == scorer.settings.model_dump()
    names = ("source", "text_column", "columns", "prefix", "rejecting", "cache")
    assert [found["options"][name] for name in names] == ["table", "text", None, "seg_", True, None]


def test_it_counts_every_row(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    run(scorer, table, tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    found, rows = read(tmp_path / "out.csv.run.json"), read_table(tmp_path / "out.csv")
    verdicts = [row["verdict"] for row in rows]
    assert found["counts"]["verdicts"] == {name: verdicts.count(name) for name in sorted(set(verdicts))}
    assert (found["counts"]["n_rows"], found["counts"]["n_rejects"], found["n_messages"]) == (26, 1, 25)
    assert np.sum(found["counts"]["score_bins"], axis=1).tolist() == [25, 25, 25]
    # 25 messages are 20 texts; all of one part, so each is asked for once
    assert (found["n_texts"], found["n_run"], found["n_known"], found["n_before"]) == (20, 20, 0, 0)
    assert 0 < found["padding_share"] < 1


def test_texts_that_the_store_knew_are_not_counted_as_run(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        out = tmp_path / f"{name}.csv"
        run(scorer, table, out, rejects=tmp_path / "aside.csv", cache=tmp_path / "cache")
    found = read(tmp_path / "second.csv.run.json")
    assert (found["n_texts"], found["n_run"], found["n_known"], found["padding_share"]) == (20, 0, 20, 0.0)
    assert found["options"]["cache"] == str(tmp_path / "cache")


def test_times_are_utc_and_what_they_say_adds_up(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    run(scorer, table, tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    found = read(tmp_path / "out.csv.run.json")
    assert found["started"].endswith("Z")
    started, ended = (datetime.fromisoformat(found[name]) for name in ("started", "ended"))
    assert before <= started < ended <= datetime.now(UTC)
    assert found["seconds"] == pytest.approx((ended - started).total_seconds())
    assert found["messages_per_second"] == pytest.approx(25 / found["seconds"])


def test_a_record_reads_back_as_it_was(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    run(scorer, table, tmp_path / "out", rejects=tmp_path / "aside.csv")
    text = (tmp_path / "out" / "run.json").read_text("utf-8")
    assert RunRecord.model_validate_json(text).model_dump_json(indent=1) + "\n" == text


def test_the_host_is_this_machine() -> None:
    found = host()
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.n_cores >= 1
    assert found.peak_megabytes is None or 50 < found.peak_megabytes < 50_000  # this process with all it has imported


def made(scorer: Scorer, table: Path, scores: list[float], **changes: Any) -> RunRecord:  # noqa: ANN401
    """The record of a run that gave so many messages these scores; `changes` are of the run."""
    whole = Tally.none(3)
    bins = np.zeros_like(whole.score_bins)
    bins[:, 0], bins[:, -1] = scores
    whole.verdicts.update(none=int(sum(scores)))
    tally = Tally(int(sum(scores)), 0, whole.verdicts, 0, whole.shattered, bins)
    noon = datetime(2026, 1, 2, 12, tzinfo=timezone(timedelta(hours=3)))
    facts = {"command": "", "engine": "local", "before": Tally.none(3), "effort": Effort()}
    facts |= {"started": noon, "ended": noon + timedelta(seconds=8), "tally": tally}
    with work_left(job(table, "-", rejects=Path("aside.csv")), scorer) as work:
        return record_of(work, scorer, Run(**(facts | changes)))


def test_speed_is_of_the_messages_of_this_run_alone(scorer: Scorer, table: Path) -> None:
    before = Tally.none(3)
    before.verdicts.update(none=60)
    found = made(
        scorer, table, [50, 50], before=before, effort=Effort(n_texts=40, n_run=30, n_tokens=400, n_padding=100)
    )
    # 100 messages, 60 of them scored before: 40 in 8 seconds
    assert (found.n_messages, found.n_before, found.messages_per_second) == (40, 60, 5.0)
    assert (found.n_texts, found.n_run, found.n_known, found.padding_share) == (40, 30, 10, 0.25)
    assert found.started == datetime(2026, 1, 2, 9, tzinfo=UTC)  # noon three hours east of Greenwich


def test_a_corpus_of_other_scores_is_warned_of(scorer: Scorer, table: Path) -> None:
    found = made(scorer, table, [0, 5000])  # every message above log-odds 8 for every audience
    assert found.drift is not None
    assert [found.drift.warning(scorer.settings.drift_at_most)] == found.warnings
    assert "the scores of this corpus are unlike those the model was calibrated on" in found.warnings[0]


def test_what_is_warned_of_is_said_at_the_end_of_a_run(scorer: Scorer, tmp_path: Path) -> None:
    # one text two hundred times
    table = write_table(tmp_path / "in.csv", [{"id": str(number), "text": TEXTS[0]} for number in range(200)])
    result = run(scorer, table, tmp_path / "out.csv")
    (warning,) = read(tmp_path / "out.csv.run.json")["warnings"]
    assert "unlike those" in warning
    assert warning in result.warnings()


def test_a_run_that_failed_leaves_no_record(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    for out in ("out", "out.csv"):
        with pytest.raises(TableError, match="is empty"):
            run(scorer, table, tmp_path / out)
    assert not list(tmp_path.rglob("*run.json"))


def test_standard_output_has_no_record(
    scorer: Scorer, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(scorer, table, "-", rejects=tmp_path / "aside.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside.csv", "in.csv"]


def test_a_resumed_run_tells_what_was_there_before(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 8}))
    wanted = job(table, tmp_path / "out", rejects=tmp_path / "aside.csv")

    def broken_off(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        for number, done in enumerate(local(work, scorer)):
            if number == 2:
                raise TableError("out", "the disk is full", "make room")
            yield done

    with pytest.raises(TableError, match="the disk is full"):
        score_corpus(wanted, small, broken_off, lambda done_share, n_messages: None)
    score_corpus(wanted, small, local, lambda done_share, n_messages: None)
    found = read(tmp_path / "out" / "run.json")
    # two parts of eight rows stood; 25 messages in all
    assert (found["n_before"], found["n_messages"]) == (16, 9)
    assert sum(found["counts"]["verdicts"].values()) == 25


def test_a_run_that_finds_nothing_to_do_leaves_the_earlier_record(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    wanted = {"rejects": tmp_path / "aside.csv"}
    run(scorer, table, tmp_path / "out", **wanted)
    before = (tmp_path / "out" / "run.json").read_bytes()
    run(scorer, table, tmp_path / "out", **wanted)
    assert (tmp_path / "out" / "run.json").read_bytes() == before


def test_a_record_holds_no_text_of_a_message(scorer: Scorer, table: Path, tmp_path: Path) -> None:
    run(scorer, table, tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    found = (tmp_path / "out.csv.run.json").read_text("utf-8")
    assert not [text for text in TEXTS if text in found]
