import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset15 as opset

from segmenter.batches import TokenBatch, canonical_batches
from segmenter.runtimes.cpu import CpuRuntime
from segmenter.runtimes.kept_graphs import FOLDER, GRAPHS_AT_MOST, graphs_folder

BATCHES = canonical_batches([[3, 5], [2] * 7], batch_tokens=8, pad_id=0)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A graph of the inputs and outputs of a bundle's: token ids by token, and their sum."""
    ids, mask = (opset.parameter([-1, -1], np.int64, name) for name in ("input_ids", "attention_mask"))
    for part, name in ((ids, "input_ids"), (mask, "attention_mask")):
        part.output(0).get_tensor().set_names({name})
    tokens = opset.convert(opset.multiply(ids, mask), "f32")
    whole = opset.reduce_sum(tokens, opset.constant([1]), keep_dims=True)
    ov.save_model(ov.Model([opset.result(tokens), opset.result(whole)], [ids, mask]), tmp_path / "graph.xml", False)
    return tmp_path / "graph.xml"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where graphs are kept during a test."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache" / "graphs"


def sums(graph: Path, digest: str, batches: list[TokenBatch] = BATCHES) -> list[list[float]]:
    """The second output of each batch."""
    return [output.pooled.ravel().tolist() for output in CpuRuntime(graph, digest).run(batches)]


# the longer message alone in its bucket of 8; then 3 + 5 = 8, and an empty row that attends to the padding token 0
SUMS = [[14.0], [8.0, 0.0]]


def test_the_first_start_keeps_the_graph_it_compiled(graph: Path, kept: Path) -> None:
    assert sums(graph, "a") == SUMS
    assert len(list(kept.glob("*.graph"))) == len(list(kept.iterdir())) == 1


def test_a_later_start_reads_what_was_kept(graph: Path, kept: Path) -> None:
    first = sums(graph, "a")
    assert sums(graph.with_name("gone.xml"), "a") == first == SUMS


def test_another_graph_is_not_taken_for_a_kept_one(graph: Path, kept: Path) -> None:
    sums(graph, "a")
    with pytest.raises(RuntimeError, match=r"gone\.xml"):
        sums(graph.with_name("gone.xml"), "b")


def test_a_graph_without_a_digest_is_not_kept(graph: Path, kept: Path) -> None:
    assert sums(graph, "") == SUMS
    assert not kept.exists()


@pytest.mark.parametrize("spoil", [lambda whole: whole[: len(whole) // 2], lambda whole: bytes(32), lambda whole: b""])
def test_a_spoilt_kept_graph_is_compiled_anew(graph: Path, kept: Path, spoil: Callable[[bytes], bytes]) -> None:
    sums(graph, "a")
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
    assert sums(graph, "a") == SUMS
    assert len(file.read_bytes()) == len(whole)


def test_a_folder_that_cannot_be_written_keeps_nothing(graph: Path, kept: Path) -> None:
    kept.parent.write_text("a file stands there", "utf-8")
    assert sums(graph, "a") == SUMS


def test_an_empty_name_of_a_folder_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "")
    assert graphs_folder() is None


def test_the_graphs_used_least_recently_go(graph: Path, kept: Path) -> None:
    for number in range(GRAPHS_AT_MOST):
        sums(graph, f"{number}")
    old = sorted(kept.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    for age, file in enumerate(reversed(old)):
        os.utime(file, (1000.0 - age, 1000.0 - age))
    sums(graph, "0")  # the oldest is used again: now the second goes
    sums(graph, "one more")
    assert [file.exists() for file in old] == [True, False, *[True] * (GRAPHS_AT_MOST - 2)]
    assert len(list(kept.iterdir())) == GRAPHS_AT_MOST


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/x", "/x/segmenter/graphs"),
        ("linux", "XDG_CACHE_HOME", "", "/home/anna/.cache/segmenter/graphs"),
        ("darwin", "XDG_CACHE_HOME", "/x", "/home/anna/Library/Caches/segmenter/graphs"),
        ("win32", "LOCALAPPDATA", "/l", "/l/segmenter/graphs"),
        ("win32", "LOCALAPPDATA", "", "/home/anna/AppData/Local/segmenter/graphs"),
    ],
)
def test_graphs_are_kept_where_the_platform_has_its_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, value: str, expected: str
) -> None:
    monkeypatch.delenv(FOLDER)
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert graphs_folder() == Path(expected)


def test_what_was_kept_gives_the_same_bits(graph: Path, kept: Path) -> None:
    ids = np.random.default_rng(1).integers(1, 40, (30, 9)).tolist()
    many = canonical_batches(ids, batch_tokens=64, pad_id=0)
    assert sums(graph, "a", many) == sums(graph, "a", many)
