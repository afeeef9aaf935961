import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_training import tiny_base, trusted_and_weak, with_train

from segmenter.errors import ParamsError
from segmenter.prepared import read_split
from training.examples import read_frames, to_examples
from training.prepare import prepare


@pytest.fixture(scope="module")
def mixed(tiny_params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return trusted_and_weak(tiny_params, tmp_path_factory.mktemp("mixed"))


def test_weak_messages_are_left_out_where_params_say_so(mixed: dict[str, Any]) -> None:
    frames = read_frames(with_train(mixed, weak="leave_out"))
    assert (len(frames.weak), set(frames.learned["label_kind"])) == (0, {"gold"})


def test_weak_messages_stand_after_the_trusted_ones(mixed: dict[str, Any]) -> None:
    params = with_train(mixed, weak="together")
    frames = read_frames(params)
    kinds = frames.learned["label_kind"].tolist()
    assert kinds == sorted(kinds) and set(kinds) == {"gold", "weak"}
    assert len(kinds) == len(read_split(params, "train"))


def test_no_weak_message_stops_a_training(mixed: dict[str, Any]) -> None:
    assert set(read_frames(with_train(mixed, weak="together")).dev["label_kind"]) == {"gold"}


def test_no_more_weak_messages_are_drawn_than_params_say(mixed: dict[str, Any]) -> None:
    first, again = (read_frames(with_train(mixed, weak="first", weak_messages_at_most=7)).weak for _ in range(2))
    assert len(first) == 7
    assert first["id"].tolist() == again["id"].tolist()


def test_another_seed_draws_other_weak_messages(mixed: dict[str, Any]) -> None:
    drawn = [
        read_frames(with_train(mixed | {"seed": seed}, weak="first", weak_messages_at_most=7)).weak["id"].tolist()
        for seed in (1, 2)
    ]
    assert drawn[0] != drawn[1]


def test_keys_are_those_of_the_messages_that_are_used_and_no_others(mixed: dict[str, Any]) -> None:
    frames = read_frames(with_train(mixed, weak="first", weak_messages_at_most=7))
    assert len(frames.keys) == len(frames.train) + 7 + len(frames.dev)
    assert frames.keys == {key for part in (frames.train, frames.weak, frames.dev) for key in part["key"]}


def test_weak_labels_that_are_not_there_are_one_sentence(mixed: dict[str, Any], tmp_path: Path) -> None:
    sections = json.loads(json.dumps(mixed))
    sections["data"]["tables"] = sections["data"]["tables"][:1]
    sections["tracking"]["run_folder"] = str(tmp_path)
    params = with_train(sections, weak="first")
    prepare(params)
    wanted = "params: train.weak: first, and no training message is weak beside trusted ones; write leave_out, or bring"
    with pytest.raises(ParamsError, match=wanted):
        read_frames(params)


def test_where_every_label_is_weak_they_count_as_trusted(mixed: dict[str, Any], tmp_path: Path) -> None:
    sections = json.loads(json.dumps(mixed))
    sections["data"]["tables"] = sections["data"]["tables"][1:]
    sections["tracking"]["run_folder"] = str(tmp_path)
    params = with_train(sections, weak="leave_out")
    prepare(params)
    frames = read_frames(params)
    assert set(frames.train["label_kind"]) == set(frames.dev["label_kind"]) == {"weak"}


def test_examples_carry_what_the_split_says(mixed: dict[str, Any], tiny_bert: Path) -> None:
    params = with_train(mixed, weak="together")
    frame = read_frames(params).weak
    examples = to_examples(frame, tiny_base(tiny_bert), params)
    assert examples.weights.tolist() == [0.25] * len(frame)
    assert examples.languages.tolist() == frame["lang"].tolist()
    chosen = [[name for name, own in zip(params.audience_ids, row, strict=True) if own] for row in examples.labels]
    assert chosen == [list(audiences) for audiences in frame["audiences"]]


def test_a_part_of_the_examples_is_in_its_own_order(mixed: dict[str, Any], tiny_bert: Path) -> None:
    params = with_train(mixed, weak="together")
    examples = to_examples(read_frames(params).train, tiny_base(tiny_bert), params)
    part = examples.part(np.array([5, 2]))
    assert part.tokens.ids == [examples.tokens.ids[5], examples.tokens.ids[2]]
    assert part.labels.tolist() == examples.labels[[5, 2]].tolist()
    assert part.languages.tolist() == examples.languages[[5, 2]].tolist()
