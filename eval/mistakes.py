"""The most confident mistakes of a model, per audience and language: what carried each, and whether the label is in doubt.

Not here: what of them is shown to whom (mistakes_page.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.baselines import Judgement
from eval.figures import Judged
from segmenter.bundle import Manifest
from segmenter.calibration import judge
from segmenter.explain import Explanation, explain
from segmenter.params import Params
from segmenter.score import Scorer

CHOSEN_WRONGLY, MISSED = "chosen wrongly", "missed"
READ_NO_TEXT = ("majority", "language")  # contenders that agree with a model without knowing the message
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Opinion:
    """The score that another contender gives the same message and audience, and whether it sides with the model."""

    contender: str
    score: float
    sides: bool


@dataclass(frozen=True)
class Mistake:
    """A message for which the model's choice of an audience is not the label's.

    Attributes:
        id: Of the message.
        row: Its place in the split, as in decisions.parquet.
        language: Of the message.
        audience: The audience in question.
        kind: CHOSEN_WRONGLY or MISSED.
        is_near: The score lies in the uncertain band.
        labels: All audiences of the label.
        label_kind: Gold, silver or weak.
        opinions: Of the other contenders that read texts.
        n_copies: Near-copies in the split whose label is what the model chose.
        explanation: The original text, the audience's score, and what each word does to it.
    """

    id: str
    row: int
    language: str
    audience: str
    kind: str
    is_near: bool
    labels: list[str]
    label_kind: str
    opinions: list[Opinion]
    n_copies: int
    explanation: Explanation

    @property
    def is_doubted(self) -> bool:
        """The label may be wrong: a near-copy's is what the model chose, or all others that read the text side with it."""
        return self.n_copies > 0 or (bool(self.opinions) and all(one.sides for one in self.opinions))


@dataclass(frozen=True)
class Cell:
    """One audience in one language.

    Attributes:
        audience: Its id.
        language: Of the messages.
        n: Messages.
        n_true: Those that carry the audience.
        n_chosen_wrongly: Those it was chosen for wrongly.
        n_missed: Those it was missed in.
        n_shared: Mistakes that all other contenders that read texts make too; 0 where there is none.
    """

    audience: str
    language: str
    n: int
    n_true: int
    n_chosen_wrongly: int
    n_missed: int
    n_shared: int

    @property
    def n_mistakes(self) -> int:
        """Of both kinds."""
        return self.n_chosen_wrongly + self.n_missed


@dataclass(frozen=True)
class Mistakes:
    """What was found.

    Attributes:
        digest: Of the judged bundle.
        manifest: Likewise.
        n: Messages.
        readers: Contenders whose opinion was asked.
        cells: By audience; the language with most messages first.
        listed: In the order of the cells; what was chosen wrongly first, the most confident first.
    """

    digest: str
    manifest: Manifest
    n: int
    readers: list[str]
    cells: list[Cell]
    listed: list[Mistake]


@dataclass(frozen=True)
class _Case:
    """All that is known of the messages; `near` are the model's scores in the uncertain band."""

    frame: pd.DataFrame
    judged: Judged
    model: Judgement
    near: Labels
    readers: list[Judgement]


@dataclass(frozen=True)
class _Place:
    row: int
    column: int
    kind: str


def mistakes(
    scorer: Scorer, frame: pd.DataFrame, judged: Judged, contenders: list[Judgement], params: Params
) -> Mistakes:
    """Count a model's mistakes and look into the most confident ones, of near-copies one.

    Args:
        scorer: Of the judged bundle.
        frame: The messages, as read_split gives them.
        judged: Their labels.
        contenders: The judged bundle's judgement first.
        params: For how many are listed, and how words are left out.
    """
    model, *others = contenders
    readers = [one for one in others if one.name not in READ_NO_TEXT]
    near = judge(model.scores.astype(np.float32), scorer.bundle.manifest.calibration).near
    case = _Case(frame, judged, model, near, readers)
    cells: list[Cell] = []
    places: list[_Place] = []
    for column in range(len(judged.audience_ids)):
        for language in frame["lang"].value_counts().index:
            inside = (frame["lang"] == language).to_numpy(np.bool_)
            cells.append(_cell(case, column, inside, str(language)))
            places += _most_confident(case, column, inside, params.eval.mistakes)
    explained = _explained(scorer, frame["text"].tolist(), places, params)
    listed = [_mistake(case, place, one) for place, one in zip(places, explained, strict=True)]
    bundle = scorer.bundle
    return Mistakes(bundle.digest, bundle.manifest, len(frame), [one.name for one in readers], cells, listed)


def _wrong(case: _Case, column: int) -> dict[str, Labels]:
    """Mistakes of an audience by kind, as masks over the messages."""
    truth, chosen = case.judged.truth[:, column], case.model.chosen[:, column]
    return {CHOSEN_WRONGLY: chosen & ~truth, MISSED: truth & ~chosen}


def _cell(case: _Case, column: int, inside: Labels, language: str) -> Cell:
    wrong = {kind: mask & inside for kind, mask in _wrong(case, column).items()}
    chosen = [one.chosen[:, column] for one in (case.model, *case.readers)]
    alike = np.logical_and.reduce([one == chosen[0] for one in chosen]) & bool(case.readers)
    return Cell(
        audience=case.judged.audience_ids[column],
        language=language,
        n=int(inside.sum()),
        n_true=int((inside & case.judged.truth[:, column]).sum()),
        n_chosen_wrongly=int(wrong[CHOSEN_WRONGLY].sum()),
        n_missed=int(wrong[MISSED].sum()),
        n_shared=int((np.logical_or(*wrong.values()) & alike).sum()),
    )


def _most_confident(case: _Case, column: int, inside: Labels, n: int) -> Iterator[_Place]:
    """So many of each kind, those chosen with the highest scores and missed with the lowest; of a text's copies one."""
    for kind, mask in _wrong(case, column).items():
        rows = np.flatnonzero(mask & inside)
        scores = case.model.scores[rows, column]
        rows = rows[np.argsort(-scores if kind == CHOSEN_WRONGLY else scores, kind="stable")]
        different = ~case.frame["group"].iloc[rows].duplicated().to_numpy(np.bool_)
        yield from (_Place(int(row), column, kind) for row in rows[different][:n])


def _explained(scorer: Scorer, texts: list[str], places: list[_Place], params: Params) -> Iterator[Explanation]:
    """The explanation of each place; all of an audience, which follow each other, in one run."""
    for column, audience in enumerate(scorer.bundle.audience_ids):
        asked = [texts[place.row] for place in places if place.column == column]
        yield from explain(scorer, asked, audience, params.explain)


def _mistake(case: _Case, place: _Place, explanation: Explanation) -> Mistake:
    row, column, message = place.row, place.column, case.frame.iloc[place.row]
    chosen = case.model.chosen[row, column]
    copies = (case.frame["group"] == message["group"]).to_numpy(np.bool_)
    return Mistake(
        id=str(message["id"]),
        row=row,
        language=str(message["lang"]),
        audience=case.judged.audience_ids[column],
        kind=place.kind,
        is_near=bool(case.near[row, column]),
        labels=list(message["audiences"]),
        label_kind=str(message["label_kind"]),
        opinions=[
            Opinion(one.name, float(one.scores[row, column]), bool(one.chosen[row, column] == chosen))
            for one in case.readers
        ],
        n_copies=int((copies & (case.judged.truth[:, column] == chosen)).sum()),
        explanation=explanation,
    )
