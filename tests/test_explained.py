import json
from collections.abc import Callable

import pytest
from conftest import Outcome, TinyRun

from segmenter.cli import app
from segmenter.explained import WORDS_SHOWN, Explained, explain_message
from segmenter.score import Scorer, open_scorer
from segmenter.sections import Explain

BEDS = "gardeners, water the red beds before noon"
SETTINGS = Explain(words_at_most=60)


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


@pytest.fixture(scope="module")
def found(scorer: Scorer) -> Explained:
    return explain_message(scorer, BEDS, None, SETTINGS)


def plain(found: Explained) -> list[str]:
    return [line.plain for line in found.lines(with_text=False)]


def test_without_a_name_the_chosen_audience_is_explained(scorer: Scorer, found: Explained) -> None:
    assert [part.audience_id for part in found.parts] == ["gardeners"]
    assert scorer.score([BEDS]).verdicts.chosen[0].tolist() == [True, False, False]


def test_where_none_is_chosen_the_highest_score_is_explained(scorer: Scorer) -> None:
    text = "the old bakery sells rolls until six"
    scored = scorer.score([text])
    assert not (scored.verdicts.chosen | scored.verdicts.near).any()
    (part,) = explain_message(scorer, text, None, SETTINGS).parts
    assert part.audience_id == scorer.bundle.audience_ids[int(scored.scores[0].argmax())]


def test_the_named_audience_is_explained(scorer: Scorer) -> None:
    (part,) = explain_message(scorer, BEDS, "cyclists", SETTINGS).parts
    assert part.audience_id == "cyclists"


def test_the_verdict_is_that_of_a_scored_table(scorer: Scorer, found: Explained) -> None:
    columns = scorer.columns(scorer.score([BEDS]), "")
    assert (found.verdict, found.reason) == (columns["verdict"][0].as_py(), columns["reason"][0].as_py())


def test_lines_show_what_carries_the_score_first(found: Explained) -> None:
    effects = [float(line.split()[1]) for line in plain(found) if line.startswith((" +", " -"))]
    assert effects == sorted(effects, reverse=True)
    assert 0 < len(effects) <= WORDS_SHOWN


def test_lines_say_score_threshold_and_choice(found: Explained) -> None:
    (part,) = found.parts
    shown = f"score {part.explanation.score:.2f}, threshold {part.threshold:.2f}, chosen"
    assert plain(found)[1:3] == ["verdict    chosen", f"audience   gardeners: {shown}"]


def test_the_message_is_shown_with_its_words_marked(scorer: Scorer) -> None:
    text = "gardeners, the red bakery sells rolls until six"
    marked = list(explain_message(scorer, text, "gardeners", SETTINGS).lines(with_text=True))[3]
    first = min(marked.spans)
    assert (marked.plain, marked.plain[first.start : first.end], first.style) == (text, "gardeners", "bold green")


def test_a_long_word_is_cut(scorer: Scorer) -> None:
    found = explain_message(scorer, f"gardeners https://beds.example/{'a' * 200}", "gardeners", SETTINGS)
    assert max(map(len, plain(found))) < 80


def test_lines_carry_no_control_characters(scorer: Scorer) -> None:
    text = "gardeners, see https://beds.example/\x1b[31mred\u202e"
    lines = explain_message(scorer, text, "gardeners", SETTINGS).lines(with_text=True)
    assert "".join(line.plain for line in lines).isprintable()


def test_a_long_message_says_that_words_go_together(scorer: Scorer) -> None:
    found = explain_message(scorer, BEDS, "gardeners", Explain(words_at_most=3))
    assert any("3 neighbouring words are left out together" in line for line in plain(found))


def test_the_command_prints_the_lines(outcome_of: Callable[..., Outcome], tiny_run: TinyRun, found: Explained) -> None:
    outcome = outcome_of(app, "explain", "--model", tiny_run.bundle, "--text", BEDS)
    assert (outcome.code, outcome.out) == (0, "\n".join(plain(found)) + "\n")


def test_json_has_every_word_with_its_place(outcome_of: Callable[..., Outcome], tiny_run: TinyRun) -> None:
    outcome = outcome_of(app, "explain", "--model", tiny_run.bundle, "--text", BEDS, "--json")
    (audience,) = json.loads(outcome.out)["audiences"]
    assert [word["text"] for word in audience["words"]] == BEDS.replace(",", "").split()
    assert audience["words"][1]["start"] == len("gardeners, ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--text", " ... "], "segmenter: --text: has no words; name a message that has some\n"),
        (
            ["--text", BEDS, "--audience", "bakers"],
            "segmenter: --audience: 'bakers' is none of the model's; use gardeners, cyclists, readers\n",
        ),
    ],
)
def test_what_cannot_be_explained_is_a_sentence(
    outcome_of: Callable[..., Outcome], tiny_run: TinyRun, words: list[str], sentence: str
) -> None:
    outcome = outcome_of(app, "explain", "--model", tiny_run.bundle, *words)
    assert (outcome.code, outcome.err) == (2, sentence)
