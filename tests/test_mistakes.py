import numpy as np
import pandas as pd
import pytest
from conftest import TinyRun

from eval.baselines import Judgement
from eval.figures import Judged
from eval.mistakes import CHOSEN_WRONGLY, MISSED, Cell, Mistake, Mistakes, mistakes
from segmenter.prepared import label_array
from segmenter.score import Scorer, open_scorer

Rows = list[tuple[str, str, str, float, float, int]]
# text, language, label, the model's score for gardeners, tfidf's, group of near-copies
ROWS: Rows = [
    ("gardeners, the red bakery sells rolls", "en", "", 0.7, 0.9, 0),
    ("gardeners, the blue bakery sells rolls", "en", "", 0.8, 0.1, 1),
    ("gardeners, the blue bakery sells rolls!", "en", "gardeners", 0.9, 0.1, 1),  # the label of its copy is the other
    ("the small beds need shade", "en", "gardeners", 0.2, 0.1, 2),
    ("the old beds need shade", "en", "gardeners", 0.1, 0.8, 3),
    ("Die alte Bäckerei", "de", "", 0.1, 0.1, 4),
]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, tiny_run.params.score)


def frame_of(rows: Rows) -> pd.DataFrame:
    texts, languages, labels, _, _, groups = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "text": texts,
            "lang": languages,
            "audiences": [[label] if label else [] for label in labels],
            "id": [f"m{number}" for number in range(len(rows))],
            "label_kind": "gold",
            "group": groups,
        }
    )


def contender(name: str, gardeners: list[float]) -> Judgement:
    scores = np.zeros((len(gardeners), 3))
    scores[:, 0] = gardeners
    return Judgement(name, scores, scores >= 0.5)


def found(scorer: Scorer, run: TinyRun, *, readers: bool = True, n: int = 3, rows: Rows = ROWS) -> Mistakes:
    params = run.params.model_copy(update={"eval": run.params.eval.model_copy(update={"mistakes": n})})
    frame = frame_of(rows)
    judged = Judged(label_array(frame, params.audience_ids), np.arange(len(frame)), {}, params.audience_ids)
    others = [contender("majority", [0.0] * len(rows)), contender("language", [0.0] * len(rows))]
    others += [contender("tfidf", [row[4] for row in rows])] if readers else []
    return mistakes(scorer, frame, judged, [contender("model", [row[3] for row in rows]), *others], params)


def of_kind(listed: list[Mistake], kind: str) -> list[str]:
    return [one.id for one in listed if one.kind == kind]


def test_the_most_confident_come_first(scorer: Scorer, tiny_run: TinyRun) -> None:
    # chosen wrongly: 0.8 before 0.7; missed: 0.1 before 0.2
    listed = found(scorer, tiny_run).listed
    assert of_kind(listed, CHOSEN_WRONGLY) == ["m1", "m0"]
    assert of_kind(listed, MISSED) == ["m4", "m3"]


def test_no_more_of_a_kind_are_listed_than_params_say(scorer: Scorer, tiny_run: TinyRun) -> None:
    assert [one.id for one in found(scorer, tiny_run, n=1).listed] == ["m1", "m4"]


def test_every_mistake_is_counted_by_audience_and_language(scorer: Scorer, tiny_run: TinyRun) -> None:
    # tfidf makes two of the four: it too chooses m0 and misses m3
    cells = found(scorer, tiny_run, n=1).cells
    assert cells[0] == Cell("gardeners", "en", n=5, n_true=3, n_chosen_wrongly=2, n_missed=2, n_shared=2)
    assert [(cell.audience, cell.language, cell.n_mistakes) for cell in cells[1:3]] == [
        ("gardeners", "de", 0),
        ("cyclists", "en", 0),
    ]


def test_of_near_copies_one_is_listed(scorer: Scorer, tiny_run: TinyRun) -> None:
    twice = [ROWS[0], (ROWS[0][0] + "!", *ROWS[0][1:])]
    one = found(scorer, tiny_run, rows=twice)
    assert (one.cells[0].n_chosen_wrongly, of_kind(one.listed, CHOSEN_WRONGLY)) == (2, ["m0"])


def test_a_label_is_doubted_where_the_other_reader_sides_with_the_model(scorer: Scorer, tiny_run: TinyRun) -> None:
    # m1 by its near-copy, m0 and m3 by tfidf
    assert {one.id: one.is_doubted for one in found(scorer, tiny_run).listed} == {
        "m1": True,
        "m0": True,
        "m4": False,
        "m3": True,
    }


def test_a_near_copy_with_the_label_that_was_chosen_is_counted(scorer: Scorer, tiny_run: TinyRun) -> None:
    assert {one.id: one.n_copies for one in found(scorer, tiny_run).listed} == {"m1": 1, "m0": 0, "m4": 0, "m3": 0}


def test_who_reads_no_text_is_not_asked(scorer: Scorer, tiny_run: TinyRun) -> None:
    # the majority and the language agree with m4 and m3, without having read them
    one = found(scorer, tiny_run, readers=False)
    assert (one.readers, one.cells[0].n_shared) == ([], 0)
    assert [mistake.id for mistake in one.listed if mistake.is_doubted] == ["m1"]


def test_the_words_are_those_of_the_audience_in_question(scorer: Scorer, tiny_run: TinyRun) -> None:
    explanation = found(scorer, tiny_run).listed[0].explanation
    best = max(explanation.words, key=lambda word: word.effect)
    assert (explanation.text, explanation.text[best.start : best.end]) == (ROWS[1][0], "gardeners")
