"""The contenders, each in this process: every one of them reads the same messages with the tiny bundle's network."""

from pathlib import Path

import numpy as np
import pytest
from conftest import TinyRun, tiny_messages

from eval.scoring_bench import linear, onnx_engines, ours, torch_engines
from eval.scoring_bench.onnx_graph import write_graph
from eval.scoring_bench.timing import Engine, Logits, Order, tried
from segmenter.batches import BATCH_TOKENS
from segmenter.bundle import audit
from segmenter.score import open_scorer
from segmenter.sections import Score
from segmenter.text import clean

SHORT = [row["text"] for row in tiny_messages()][:40]
LONG = " and ".join(SHORT[:8])  # of several windows
OPENED = {
    "segmenter": ours.Ours,
    "pipeline-1": torch_engines.opened,
    "pipeline-32": torch_engines.opened,
    "pipeline-32-whole": torch_engines.opened,
    "torch-sorted": torch_engines.opened,
    "onnx-sorted": onnx_engines.Onnx,
    "onnx-input-order": onnx_engines.Onnx,
    "tfidf": linear.Linear,
}
INT8 = {"segmenter", "onnx-sorted", "onnx-input-order"}
WINDOWS = {"torch-sorted", "onnx-sorted", "onnx-input-order", "segmenter"}  # read long messages as scoring does


@pytest.fixture(scope="module")
def texts_file(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the texts would stand, the graph of ONNX Runtime beside them."""
    folder = tmp_path_factory.mktemp("bench")
    write_graph(audit(tiny_run.bundle), folder / onnx_engines.GRAPH)
    return folder / "cleaned.json"


@pytest.fixture(scope="module")
def reference(tiny_run: TinyRun) -> dict[str, Logits]:
    """What the torch runtime says of each message."""
    settings = {"runtime": "torch", "device": "cpu", "part_rows": 100, "cache_megabytes": 1, "drift_at_most": 1.0}
    texts = [*SHORT, LONG]
    logits = open_scorer(tiny_run.bundle, Score.model_validate(settings)).score(texts).logits
    return dict(zip(texts, logits, strict=True))


def engine(name: str, run: TinyRun, texts_file: Path) -> Engine:
    warm_up = [clean(text) for text in SHORT]
    return OPENED[name](Order(name, audit(run.bundle), texts_file, warm_up, []))


@pytest.mark.parametrize("name", [name for name in OPENED if name != "tfidf"])
def test_logits_are_those_of_the_bundle(
    name: str, tiny_run: TinyRun, texts_file: Path, reference: dict[str, Logits]
) -> None:
    texts = [*SHORT, LONG] if name in WINDOWS else SHORT
    found = engine(name, tiny_run, texts_file).logits([clean(text) for text in texts])
    wanted = np.array([reference[text] for text in texts])
    assert np.abs(found - wanted).max() < (0.5 if name in INT8 else 1e-3)


@pytest.mark.parametrize("name", [name for name in OPENED if name != "tfidf"])
def test_every_token_is_counted(name: str, tiny_run: TinyRun, texts_file: Path) -> None:
    one = engine(name, tiny_run, texts_file)
    one.logits(["the red bakery", "a red cloud passed"])
    # [CLS] three words [SEP], and [CLS] four words [SEP]: every word is in the vocabulary
    assert one.count.n_real == 11
    # each alone; both in one canonical batch, filled up with empty rows; both padded to 6
    assert one.count.n_tokens == {"pipeline-1": 11, "segmenter": BATCH_TOKENS}.get(name, 12)


def test_our_own_stages_are_timed(tiny_run: TinyRun, texts_file: Path) -> None:
    one = engine("segmenter", tiny_run, texts_file)
    one.logits(SHORT)
    assert set(one.stages) == {"prepare", "network", "judge"}
    assert all(seconds > 0 for seconds in one.stages.values())


def test_equal_messages_are_refused_where_each_is_to_be_run(tiny_run: TinyRun, texts_file: Path) -> None:
    with pytest.raises(ValueError, match="two texts are equal once cleaned"):
        engine("segmenter", tiny_run, texts_file).logits(["a cloud", "a  cloud"])


def test_a_trial_counts_what_is_timed_alone(tiny_run: TinyRun, texts_file: Path) -> None:
    order = Order("torch-sorted", audit(tiny_run.bundle), texts_file, SHORT, ["the red bakery", "a cloud"])
    trial, logits = tried(torch_engines.Sorted(order), order)
    assert (trial.n_messages, trial.n_real, trial.n_tokens) == (2, 9, 10)
    assert trial.seconds > 0
    assert trial.gemm_per_second > 0
    assert logits.shape == (2, 3)


def test_a_linear_model_says_something_of_every_message(tiny_run: TinyRun, texts_file: Path) -> None:
    assert engine("tfidf", tiny_run, texts_file).logits(SHORT).shape == (40, 3)
