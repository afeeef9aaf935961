import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from segmenter.errors import ParamsError
from segmenter.messages import scored_fields
from segmenter.params import Params, load_params, load_settings

REPOSITORY = Path(__file__).parents[1]
SHIPPED = [
    "params.yaml",
    "training/example/params.yaml",
    *(f"training/recipes/{name}.yaml" for name in ("audience", "ira_tweets")),
]

Write = Callable[[dict[str, Any]], Path]


@pytest.fixture
def whole() -> dict[str, Any]:
    """The shipped params.yaml, to be changed by a test."""
    raw: dict[str, Any] = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    return raw


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(raw: dict[str, Any]) -> Path:
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(raw), "utf-8")
        return path

    return to_file


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_params_files_load(name: str) -> None:
    assert load_params(REPOSITORY / name).audience_ids


@pytest.mark.parametrize("name", SHIPPED)
def test_a_whole_params_file_serves_as_settings(name: str) -> None:
    path = REPOSITORY / name
    assert load_settings(path).score == load_params(path).score


def test_packaged_settings_have_the_keys_that_a_params_file_may_replace(whole: dict[str, Any]) -> None:
    packaged = load_settings(None).model_dump()
    assert {section: set(keys) for section, keys in packaged.items()} == {
        section: set(whole[section]) for section in ("score", "duplicates", "sample", "explain", "summary")
    }


def test_settings_of_their_own_file_replace_the_packaged_ones(write: Write) -> None:
    packaged = load_settings(None).model_dump()
    packaged["score"]["part_rows"] = 17
    assert load_settings(write(packaged)).score.part_rows == 17


def test_a_misspelt_section_is_named_when_a_whole_params_file_serves_as_settings(
    whole: dict[str, Any], write: Write
) -> None:
    whole["trane"] = whole.pop("train")
    with pytest.raises(ParamsError, match=r"params\.yaml: trane: unknown key; take it out"):
        load_settings(write(whole))


def test_an_extra_key_is_refused_with_the_key_it_resembles(whole: dict[str, Any], write: Write) -> None:
    whole["train"]["learning_rat"] = 0.1
    with pytest.raises(ParamsError, match=r"train\.learning_rat: unknown key; did you mean 'learning_rate'\?"):
        load_params(write(whole))


def test_a_misspelt_key_is_called_unknown_not_missing(whole: dict[str, Any], write: Write) -> None:
    whole["train"]["learning_rat"] = whole["train"].pop("learning_rate")
    with pytest.raises(ParamsError, match=r"train\.learning_rat: unknown key; did you mean 'learning_rate'\?"):
        load_params(write(whole))


def test_a_key_unlike_any_other_is_to_be_taken_out(whole: dict[str, Any], write: Write) -> None:
    whole["train"]["zzz"] = 1
    with pytest.raises(ParamsError, match=r"train\.zzz: unknown key; take it out"):
        load_params(write(whole))


def test_a_missing_key_is_named(whole: dict[str, Any], write: Write) -> None:
    del whole["train"]["epochs"]
    with pytest.raises(ParamsError, match=r"train\.epochs: missing; every key must be given"):
        load_params(write(whole))


def test_a_missing_section_is_named(whole: dict[str, Any], write: Write) -> None:
    del whole["calibrate"]
    with pytest.raises(ParamsError, match=r"params\.yaml: calibrate: missing"):
        load_params(write(whole))


def test_an_exponent_that_yaml_reads_as_text_is_explained(whole: dict[str, Any], write: Write) -> None:
    whole["train"]["learning_rate"] = yaml.safe_load("2e-5")  # PyYAML: a string
    with pytest.raises(ParamsError, match=r"'2e-5' is a string; write the number with a decimal point and no exponent"):
        load_params(write(whole))


def test_a_value_out_of_range_is_shown(whole: dict[str, Any], write: Write) -> None:
    whole["train"]["warmup_share"] = 1.5
    with pytest.raises(ParamsError, match=r"train\.warmup_share: input should be less than 1, found 1\.5"):
        load_params(write(whole))


def test_two_audiences_of_one_id_are_refused(whole: dict[str, Any], write: Write) -> None:
    whole["audiences"] = [{"id": name, "name": name, "definition": name} for name in ("coast", "hills", "coast")]
    sentence = "params.yaml: audiences: ids must differ, found coast, hills, coast; mend that value"
    with pytest.raises(ParamsError, match=re.escape(sentence) + "$"):
        load_params(write(whole))


def test_an_audience_id_is_a_word_that_can_be_a_column(whole: dict[str, Any], write: Write) -> None:
    whole["audiences"][0]["id"] = "Coast People"
    with pytest.raises(ParamsError, match=r"audiences\.0\.id: string should match .*'Coast People'"):
        load_params(write(whole))


def test_a_mapping_for_an_unknown_column_is_refused(whole: dict[str, Any], write: Write) -> None:
    whole["data"]["tables"][0]["columns"] = {"txt": "body"}
    with pytest.raises(ParamsError, match=r"data\.tables\.0: columns: 'txt' is not a column of the data contract"):
        load_params(write(whole))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("author", "keep: 'author' is a name of our own, which no further column can have"),
        ("period", "keep: 'period' is a name of our own, which no further column can have"),
        ("handle", "keep: 'handle' is read as 'author' already"),
    ],
)
def test_what_is_a_column_of_ours_cannot_be_kept(whole: dict[str, Any], write: Write, name: str, sentence: str) -> None:
    whole["data"]["tables"][0] |= {"columns": {"author": "handle"}, "keep": ["stratum", name]}
    with pytest.raises(ParamsError, match=rf"data\.tables\.0: {sentence}; mend that value"):
        load_params(write(whole))


def test_a_fourth_audience_needs_no_code_change(whole: dict[str, Any], write: Write) -> None:
    whole["audiences"].append({"id": "islanders", "name": "Islanders", "definition": "Speaks to people on islands."})
    params = load_params(write(whole))
    assert params.audience_ids[3] == "islanders"
    assert scored_fields(params.audience_ids, "")[3].name == "score_islanders"


def test_params_cannot_be_changed_after_loading() -> None:
    params = load_params(REPOSITORY / "params.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 1  # type: ignore[misc]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        ParamsError, match=r"cannot be read \(No such file or directory\); name an existing params file"
    ):
        load_params(tmp_path / "none.yaml")


def test_a_file_that_is_not_yaml_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: [1,\n", "utf-8")
    with pytest.raises(ParamsError, match=r"params\.yaml: is not YAML \(.*line 2.*\); mend that line"):
        load_params(path)


def test_a_file_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes("seed: 1  # größe".encode("latin-1"))
    with pytest.raises(ParamsError, match=r"is not YAML \('utf-8' codec can't decode"):
        load_params(path)


def test_a_file_without_sections_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("", "utf-8")
    with pytest.raises(ParamsError, match="holds NoneType, not sections"):
        load_params(path)


def test_sections_allow_no_defaults() -> None:
    assert all(field.is_required() for field in Params.model_fields.values())


@pytest.mark.parametrize("written", ["1 March", "2025-13-01", "2025"])
def test_a_time_cut_that_is_no_date_is_refused(whole: dict[str, Any], write: Write, written: str) -> None:
    whole["data"]["test_from"] = written
    with pytest.raises(ParamsError, match=rf"data: test_from: '{written}' is not an ISO date such as '2025-01-01'"):
        load_params(write(whole))


def test_windows_that_overlap_by_more_than_half_are_refused(whole: dict[str, Any], write: Write) -> None:
    whole["text"] |= {"max_tokens": 40, "window_overlap_tokens": 21}
    wanted = r"text: window_overlap_tokens: 21, more than half of max_tokens \(40\); mend that value"
    with pytest.raises(ParamsError, match=wanted):
        load_params(write(whole))
