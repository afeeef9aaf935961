from pathlib import Path

import pytest

from eval.suite_files import InvarianceFile, MinimumFile, SuiteError, read_file

MINIMUM = """
capability: minimum
written_by: the tests
audiences: [gardeners, cyclists]
groups:
  for_one_public:
    - id: en-1
      language: en
      text: "gardeners, water the beds"
      expect: [gardeners]
      why: Addresses gardeners.
"""


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "cases.yaml"
    path.write_text(content, "utf-8")
    return path


def test_a_file_is_read_as_its_capability(tmp_path: Path) -> None:
    found = read_file(written(tmp_path, MINIMUM))
    assert isinstance(found, MinimumFile)
    assert [message.id for message in found.written] == ["en-1"]


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert read_file(written(tmp_path, "\ufeff" + MINIMUM.lstrip())).capability == "minimum"


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        ("expect:", "expects:", r"cases.yaml: case 'en-1': expects: unknown key; did you mean 'expect'\?$"),
        ("      why: Addresses gardeners.\n", "", "case 'en-1': why: missing; write that line"),
        (
            "language: en",
            "language: no",
            "case 'en-1': language: input should be a valid string, found False; write it",
        ),
        ("[gardeners]\n", "gardeners\n", "case 'en-1': expect: input should be a valid list, found 'gardeners'"),
        ("- id: en-1", "- id: EN 1", r"case 'EN 1': id: string should match pattern .*, found 'EN 1'"),
        ("id: en-1", "ids: en-1", r"groups.for_one_public.0.ids: unknown key; did you mean 'id'\?"),
        ("audiences: [gardeners, cyclists]", "audience: [gardeners]", "audience: unknown key; did you mean 'audience"),
        ("for_one_public", "For One", "groups.For One: string should match pattern"),
        ("minimum", "minima", "its capability is 'minima'; write a line 'capability:' with one of minimum, invariance"),
        ('"gardeners, water', "gardeners: water", r"is not YAML \(.*\); mend that line; put texts in quotation marks"),
        ("      why:", "      text: other\n      why:", r"is not YAML \(key 'text' is given twice in .* line 11"),
    ],
)
def test_a_fault_names_the_case_and_what_would_do(tmp_path: Path, line: str, instead: str, sentence: str) -> None:
    with pytest.raises(SuiteError, match=sentence):
        read_file(written(tmp_path, MINIMUM.replace(line, instead)))


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "capability: [minimum]\n"])
def test_a_file_that_is_no_suite_says_what_it_lacks(tmp_path: Path, content: str) -> None:
    with pytest.raises(SuiteError, match="write a line 'capability:'"):
        read_file(written(tmp_path, content))


def test_a_perturbation_without_a_reason_is_refused(tmp_path: Path) -> None:
    content = "capability: invariance\nwritten_by: t\nscore_within: 0.1\nperturbations: {url: }\nmessages:\n"
    message = "  - {id: a, language: en, text: b, why: c}\n"
    with pytest.raises(SuiteError, match="perturbations.url: input should be a valid string, found None"):
        read_file(written(tmp_path, content + message))
    assert isinstance(read_file(written(tmp_path, content.replace("{url: }", "{url: d}") + message)), InvarianceFile)
