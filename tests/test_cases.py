from collections import Counter
from pathlib import Path

import pytest
from conftest import REPOSITORY

from eval.cases import read_suite
from eval.expectations import Chosen, Direction, Unchanged
from eval.suite_files import SuiteError

SUITE = REPOSITORY / "eval" / "behaviour"
MINIMUM = """
capability: minimum
written_by: the tests
audiences: [gardeners, cyclists]
groups:
  for_one_public:
    - {id: one, language: en, text: "gardeners, water the beds", expect: [gardeners], why: Addresses gardeners.}
    - {id: two, language: de, text: Eine Wolke, expect: [], why: Weather.}
"""
INVARIANCE = """
capability: invariance
written_by: the tests
score_within: 0.2
perturbations: {url: A link., name: A name.}
messages:
  - {id: three, language: en, text: Anna rides, why: With a name.}
  - {id: four, language: en, text: It rains, why: Without a name.}
"""
DIRECTION = """
capability: direction
written_by: somebody else
audiences: [cyclists]
groups:
  address:
    rule: rises_at_least
    amount: 0.3
    cases:
      - {id: five, language: en, audience: cyclists, text: The lane, changed: "Cyclists, the lane", why: An address.}
"""


def suite_folder(tmp_path: Path, *contents: str) -> Path:
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.yaml").write_text(content, "utf-8")
    return tmp_path


def test_files_become_cases_in_the_order_of_their_lines(tmp_path: Path) -> None:
    suite = read_suite(suite_folder(tmp_path, MINIMUM, INVARIANCE, DIRECTION))
    # "It rains" has no name to swap: no case four/name
    assert [case.id for case in suite.cases] == ["one", "two", "three/url", "three/name", "four/url", "five"]
    assert [case.message for case in suite.cases] == ["one", "two", "three", "three", "four", "five"]
    assert [case.group for case in suite.cases] == ["for_one_public"] * 2 + ["url", "name", "url", "address"]
    assert suite.written_by == ["the tests", "somebody else"]


def test_a_case_carries_its_texts_and_its_expectation(tmp_path: Path) -> None:
    one, _, _, named, _, five = read_suite(suite_folder(tmp_path, MINIMUM, INVARIANCE, DIRECTION)).cases
    assert one.expectation == Chosen(frozenset({"gardeners"}), frozenset({"gardeners", "cyclists"}))
    assert (named.texts, named.why) == (("Anna rides", "Laura rides"), "A name.")
    assert named.expectation == Unchanged(0.2)
    assert five.texts == ("The lane", "Cyclists, the lane")
    assert five.expectation == Direction("cyclists", "rises_at_least", 0.3)


def test_a_pair_is_one_text_where_the_text_rules_leave_no_difference(tmp_path: Path) -> None:
    hidden = INVARIANCE.replace("{url: A link., name: A name.}", "{zero_width: Hidden., url: A link.}")
    one, _, *pairs = read_suite(suite_folder(tmp_path, MINIMUM, hidden)).cases
    assert not one.is_one_text  # a message alone is no pair
    assert {case.group: case.is_one_text for case in pairs} == {"zero_width": True, "url": False}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            MINIMUM.replace("expect: [gardeners]", "expect: [gardener]"),
            "case 'one': unknown audience 'gardener'; did you",
        ),
        (
            MINIMUM.replace("expect: []", "expect: [x]"),
            "unknown audience 'x'; the file's audiences are gardeners, cyclists",
        ),
        (
            DIRECTION.replace("audience: cyclists", "audience: cyclist"),
            "case 'five': unknown audience 'cyclist'; did you",
        ),
        (INVARIANCE.replace("url:", "urls:"), "perturbations: unknown perturbation 'urls'; did you mean 'url'"),
        (INVARIANCE.replace("url:", "rhyme:"), "unknown perturbation 'rhyme'; the known ones are url, handle"),
        (
            MINIMUM.replace("id: two", "id: one"),
            r"0.yaml: case 'one': the id is also used in 0.yaml; give each case an id",
        ),
    ],
)
def test_what_no_file_or_model_knows_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(SuiteError, match=sentence):
        read_suite(suite_folder(tmp_path, content))


def test_an_id_is_used_once_in_all_files(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, MINIMUM, INVARIANCE.replace("id: four", "id: two"))
    with pytest.raises(SuiteError, match=r"1.yaml: case 'two': the id is also used in 0.yaml"):
        read_suite(folder)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="holds no .yaml file of the behaviour suite"):
        read_suite(tmp_path / "nowhere")


def test_the_own_suite_has_cases_enough_in_five_languages() -> None:
    suite = read_suite(SUITE)
    assert len({case.message for case in suite.cases}) >= 150
    by_language = Counter(case.language for case in {case.message: case for case in suite.cases}.values())
    assert len(by_language) >= 5
    assert min(by_language.values()) >= 0.6 * max(by_language.values())  # no language is a footnote
    assert {case.capability for case in suite.cases} == {"minimum", "invariance", "direction"}


def test_no_message_of_the_own_suite_is_one_that_the_demo_learned_from() -> None:
    known = "".join(path.read_text("utf-8") for path in sorted((REPOSITORY / "training" / "example").glob("*.[jy]*l*")))
    written = {text for case in read_suite(SUITE).cases for text in case.texts}
    assert [text for text in written if text in known] == []
