"""A real Ray of this machine, started once, as small as it goes."""

import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Outcome, TinyRun
from jobs import ROWS, content, job, read_table, run, silent, write_table

from segmenter.errors import BundleError, EngineError, TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring import ray_engine
from segmenter.scoring.engines import Done, Work, local
from segmenter.scoring.job import Result, score_corpus
from segmenter.scoring.ray_cluster import joined


@pytest.fixture(scope="module", autouse=True)
def own_ray() -> Iterator[None]:
    with joined(None):
        yield


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    """Three rows a part."""
    settings = load_settings(None).score
    return open_scorer(tiny_run.bundle, settings.model_copy(update={"part_rows": 3}))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Tables of 8, 12 and 5 messages; a bad row in the second, the third repeats the first."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    write_table(folder / "a.csv", ROWS[:8])
    write_table(folder / "b.jsonl.gz", [*ROWS[8:], {"id": "late", "text": ""}])
    write_table(folder / "c.parquet", ROWS[:5])
    return folder


def on_ray(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
    yield from ray_engine.run(work, address=None, n_workers=None)


def run_on_ray(scorer: Scorer, inbox: Path, out: Path | str, rejects: Path | None = None) -> Result:
    return score_corpus(job(inbox, out, rejects=rejects, engine="ray"), scorer, on_ray, silent)


def test_workers_write_what_one_process_writes(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    alone = run(scorer, inbox, tmp_path / "alone", rejects=tmp_path / "alone.csv")
    spread = run_on_ray(scorer, inbox, tmp_path / "spread", tmp_path / "spread.csv")
    assert (spread.tally.n_rows, spread.tally.n_rejects) == (26, 1)
    assert spread.tally.as_json() == alone.tally.as_json()
    assert content(tmp_path / "spread") == content(tmp_path / "alone")
    assert (tmp_path / "spread.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_parts_that_are_there_are_not_written_again(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    run(scorer, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    whole = content(tmp_path / "out")
    lost = tmp_path / "out" / "part-00001-000002.parquet"
    lost.unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("part-*")}
    assert run_on_ray(scorer, inbox, tmp_path / "out", tmp_path / "aside.csv").n_before == 22
    assert content(tmp_path / "out") == whole
    assert {path for path in (tmp_path / "out").glob("part-*") if path.stat().st_mtime_ns != before.get(path)} == {lost}
    assert len(read_table(tmp_path / "aside.csv")) == 1


def test_a_bad_row_stops_the_job_as_in_one_process(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"^b\.jsonl\.gz line 13: column 'text' is empty; mend it") as spread:
        run_on_ray(scorer, inbox, tmp_path / "spread")
    with pytest.raises(TableError) as alone:
        run(scorer, inbox, tmp_path / "alone")
    assert str(spread.value) == str(alone.value)


def test_a_part_that_cannot_be_written_is_told(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    def obstructed(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        (tmp_path / "out" / "part-00000-000001.parquet").mkdir()
        yield from on_ray(work, scorer)

    refused = r"part-00000-000001\.parquet: cannot be written \(Is a directory\)"
    with pytest.raises(TableError, match=refused):
        score_corpus(job(inbox / "a.csv", tmp_path / "out"), scorer, obstructed, silent)


def test_every_worker_audits_the_bundle(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    shutil.copytree(scorer.bundle.path, tmp_path / "bundle")
    spoilt = open_scorer(tmp_path / "bundle", scorer.settings)
    (tmp_path / "bundle" / "row_keys.txt").write_text("changed", "utf-8")
    with pytest.raises(BundleError, match=r"bundle: 'row_keys\.txt' has changed since it was sealed"):
        run_on_ray(spoilt, inbox / "a.csv", tmp_path / "out")


def test_a_worker_that_would_score_otherwise_is_told(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    def otherwise(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        torch = work.settings.model_copy(update={"runtime": "torch", "device": "cpu"})
        yield from on_ray(replace(work, settings=torch), scorer)

    with pytest.raises(EngineError, match="a worker has runtime 'torch .*', the plan 'cpu .*'; install the same"):
        score_corpus(job(inbox / "a.csv", tmp_path / "out"), scorer, otherwise, silent)


def test_one_table_is_refused(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    refused = "--engine ray: workers write a folder of parts, no single table; name a folder as --out"
    with pytest.raises(EngineError, match=refused):
        run_on_ray(scorer, inbox, tmp_path / "out.csv", tmp_path / "aside.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]


def test_standard_input_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="workers cannot read standard input; name files that they see"):
        score_corpus(job("-", tmp_path / "out", engine="ray"), scorer, on_ray, silent)


def test_a_bundle_that_was_sent_is_whole_after_its_files_are_gone(
    scorer: Scorer, inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTER_CACHE", "")  # a node's first run: nothing compiled is kept
    sent = {}

    def as_sent(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        files = {path: path.read_bytes() for path in work.bundle.rglob("*") if path.is_file()}
        content = {path.relative_to(work.bundle).as_posix(): found for path, found in files.items()}
        assert work.parts is not None
        sent["scorer"] = ray_engine.scorer_of(ray_engine.Order(work, work.parts, content))
        yield from local(work, scorer)

    score_corpus(job(inbox / "a.csv", tmp_path / "out"), scorer, as_sent, silent)
    texts = [row["text"] for row in ROWS]
    assert not sent["scorer"].bundle.path.exists()
    assert sent["scorer"].score(texts).scores.tolist() == scorer.score(texts).scores.tolist()


def test_a_cluster_takes_no_cache(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    def joined_elsewhere(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        yield from ray_engine.run(work, address="auto", n_workers=None)

    wanted = job(inbox, tmp_path / "out", rejects=tmp_path / "aside.csv", cache=tmp_path / "cache")
    with pytest.raises(EngineError, match="--cache: lies on one machine and cannot serve a cluster; leave it out"):
        score_corpus(wanted, scorer, joined_elsewhere, silent)


def test_without_ray_the_extra_is_named(
    tiny_run: TinyRun, inbox: Path, outcome_of: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    from segmenter.cli import app

    monkeypatch.delattr("segmenter.scoring.ray_engine")
    for name in ("ray_engine", "ray_cluster"):
        monkeypatch.delitem(sys.modules, f"segmenter.scoring.{name}")
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ("score", inbox, "--model", tiny_run.bundle, "--out", inbox.parent / "out", "--engine", "ray")
    told = outcome_of(app, *words)
    assert (told.code, told.err.splitlines()[-1]) == (
        2, "segmenter: ray is not installed; pip install 'audience-segmenter[ray]'"
    )  # fmt: skip
