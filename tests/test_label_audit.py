import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conftest import tiny_messages

from segmenter.errors import TableError
from segmenter.params import Params
from training.label_audit import LabelAudit, as_json, audit, files, reference

Audit = Callable[..., LabelAudit]
COPIED = "gardeners, water the red beds before noon"  # stands in the tiny messages, labelled gardeners


@pytest.fixture(scope="module")
def audited(tiny_params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """A function that audits rows with the tiny run's audiences."""

    def of(rows: list[dict[str, Any]], **table: object) -> LabelAudit:
        path = tmp_path_factory.mktemp("audit") / "letters.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        tables = [tiny_params["data"]["tables"][0] | {"path": str(path)} | table]
        return audit(Params.model_validate(tiny_params | {"data": tiny_params["data"] | {"tables": tables}}))

    return of


@pytest.fixture(scope="module")
def planted(audited: Audit) -> LabelAudit:
    """The tiny messages by two annotators, a copy labelled otherwise (line 241) and one flipped label (line 20)."""
    rows: list[dict[str, Any]] = list(tiny_messages())
    rows[19] = rows[19] | {"audiences": "", "split": "test"}
    rows.append({"text": COPIED.upper(), "audiences": "readers", "lang": "en", "author": "copyist"})
    for number, row in enumerate(rows):
        row |= {"first": row["audiences"], "second": "" if number == 0 else row["audiences"]}
    return audited(rows, annotators=["first", "second"])


def test_a_copy_with_another_label_is_a_conflict(planted: LabelAudit) -> None:
    [found] = as_json(planted)["conflicts"]  # type: ignore[misc]
    assert found["exact"]
    assert [(part["line"], part["audiences"]) for part in found["messages"]] == [(1, ["gardeners"]), (241, ["readers"])]


def test_a_flipped_label_is_suspected_and_turned_back(planted: LabelAudit) -> None:
    errors: Any = as_json(planted)["label_errors"]
    [found] = [part for part in errors[:3] if part["line"] == 20]
    assert (found["audiences"], found["suggested"], found["split"]) == ([], ["gardeners"], "test")


def test_the_list_is_cut_and_the_rest_counted(planted: LabelAudit) -> None:
    one = planted.params.audit.model_copy(update={"label_errors": 1})
    short = replace(planted, params=planted.params.model_copy(update={"audit": one}))
    shown: Any = as_json(short)
    assert (len(shown["label_errors"]), shown["n_label_errors"]) == (1, len(planted.suspicions))


def test_agreement_is_that_of_the_annotators(planted: LabelAudit) -> None:
    # 241 messages, two values each: gardeners marked 59 times by the first (60, one flipped to none), 58 by the second:
    # one message disagrees; alpha = 1 - 481 * 1 / (117 * 365)
    [gardeners] = [one for one in planted.agreement if one.audience == "gardeners"]
    assert gardeners.n == 241
    assert gardeners.alpha == pytest.approx(1 - 481 / (117 * 365))


def test_nothing_is_loud_where_every_language_has_every_label(planted: LabelAudit) -> None:
    assert planted.warnings == []


def test_a_label_that_equals_the_language_is_loud(audited: Audit) -> None:
    # no German cyclist but only they: of 210 messages, the 30 cyclists are the German ones
    rows = [row for row in tiny_messages() if (row["audiences"] == "cyclists") == (row["lang"] == "de")]
    found = audited(rows)
    assert [one.audience for one in found.shortcuts if found.is_loud(one)] == ["cyclists"]
    [warning] = found.warnings
    assert warning.startswith("the language alone predicts cyclists with a balanced accuracy of 1.00 (loud above 0.90)")


def test_without_annotators_agreement_is_not_evaluable(audited: Audit) -> None:
    found = audited(tiny_messages())
    assert [(one.alpha, one.n) for one in found.agreement] == [(None, 0)] * 3


def test_counts_are_by_label_language_table_and_split(planted: LabelAudit) -> None:
    counts: Any = as_json(planted)["counts"]
    # of 30 English gardeners one is flipped to none and stands in test; 30 English messages are for none besides
    found = {(row["audiences"], row["lang"], row["split"]): row["n"] for row in counts}
    assert (found["gardeners", "en", "free"], found["none", "en", "free"], found["none", "en", "test"]) == (29, 30, 1)
    assert sum(found.values()) == 241


def test_no_text_and_no_author_is_in_the_json(planted: LabelAudit) -> None:
    written = json.dumps(as_json(planted), ensure_ascii=False)
    assert "beds" not in written and "copyist" not in written


def test_a_message_is_named_by_its_place(planted: LabelAudit) -> None:
    found = reference(planted.frame, 19)
    assert (found["id"], found["line"], found["split"], found["label_kind"]) == ("letters:20", 20, "test", "gold")


def test_lengths_are_counted_in_characters(audited: Audit) -> None:
    [file] = files(audited(tiny_messages()).frame)
    lengths: Any = file["characters"]
    assert lengths["longest"] == max(len(row["text"]) for row in tiny_messages())
    assert (file["n"], file["label_kinds"]) == (240, {"gold": 240})


def test_fewer_authors_than_folds_are_one_sentence(audited: Audit) -> None:
    with pytest.raises(TableError, match="3 authors or texts for 5 folds; bring more labelled messages"):
        audited([row for row in tiny_messages() if row["audiences"] == "readers"][:3])
