"""What the tests of sampling share: a small corpus, settings, and the two ways to draw from it."""

import json
from pathlib import Path
from typing import Any

from conftest import tiny_messages

from segmenter.params import Settings, load_settings
from segmenter.sampling.sample import SampleJob, Written, sample
from segmenter.sampling.strategies import Draw, Strategy, Wish, draw
from segmenter.score import Scorer
from segmenter.tables import TableReader

# 40 tiny messages, each text once, and what the tiny bundle (English and German) cannot judge
TEXTS = [row["text"] for row in tiny_messages()[::6]]
FRENCH = "Les boulangers du quartier ferment leurs boutiques pendant la semaine prochaine."


def settings(*, seed: int = 17, candidates: int = 1_000, similarity: float = 1.0) -> Settings:
    """The packaged settings, exact duplicates alone unless said otherwise: tiny messages are much alike."""
    packaged = load_settings(None)
    return packaged.model_copy(
        update={
            "sample": packaged.sample.model_copy(update={"seed": seed, "candidates": candidates}),
            "duplicates": packaged.duplicates.model_copy(update={"similarity_at_least": similarity}),
        }
    )


def corpus(folder: Path, texts: list[str], **columns: str) -> Path:
    """A JSONL table of texts, numbered, with more columns of one value each."""
    rows = [{"id": f"m{number}", "text": text, **columns} for number, text in enumerate(texts, 1)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def drawn(path: Path, strategy: Strategy, n: int, scorer: Scorer, chosen: Settings | None = None) -> Draw:
    reader = TableReader(path, text_column="text")
    return draw(reader, Wish(path, strategy, n), scorer, chosen or settings(), lambda done_share, n_messages: None)


def written(path: Path, out: Path, strategy: Strategy, n: int, scorer: Scorer, **changes: Any) -> Written:  # noqa: ANN401
    """Run a job; `changes` are of the job, `settings` of the settings."""
    chosen = changes.pop("settings", settings())
    job = {"text_column": "text", "rejects": None} | changes
    return sample(SampleJob(Wish(path, strategy, n), out=out, **job), scorer, chosen, lambda share, n: None)


def tasks_of(path: Path, strategy: Strategy, n: int, scorer: Scorer, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    out = path.parent / "tasks.json"
    written(path, out, strategy, n, scorer, **changes)
    return list(json.loads(out.read_text("utf-8")))


def texts_of(found: Draw) -> list[str]:
    return [message.text for message in found.messages]


def rows_of(found: Draw) -> list[int]:
    return [message.row for message in found.messages]
