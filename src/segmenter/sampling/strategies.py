"""How messages are drawn: `random` for estimation, `uncertain` and `diverse` for labels that teach the model most.

Only `random` draws messages, each with the same known chance, copies and all; the others draw texts. Not here: reading
(frame.py), writing (tasks.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmenter.calibration import Calibration, Scores
from segmenter.duplicates import groups
from segmenter.errors import ParamsError, TableError
from segmenter.params import Settings
from segmenter.sampling.frame import LEFT_OUT, Candidate, Frame, Pool, read_frame
from segmenter.score import Scorer
from segmenter.sections import Duplicates
from segmenter.tables import TableReader

Strategy = Literal["uncertain", "diverse", "random"]
Show = Callable[[float, int], None]
EDGE = 1e-7  # scores nearer to 0 or 1 count as this far from them: float32 has no finer step below 1


@dataclass(frozen=True)
class Wish:
    """What to draw: from which corpus, by which strategy, how many messages."""

    corpus: Path
    strategy: Strategy
    n: int


@dataclass(frozen=True)
class Draw:
    """What was drawn.

    Attributes:
        messages: In the order to label them; a random draw's first m are themselves a random draw.
        copies: How many messages of the frame each stands for, itself included.
        frame: What they were drawn from.
        n_out_of_scope: Messages the model cannot judge, left out (`uncertain` of the frame, `diverse` of the
            candidates, `random` none).
        n_candidates: Messages that were chosen among, exact copies collapsed unless `random`.
        n_different: What near-duplicates leave of them.
    """

    messages: list[Candidate]
    copies: list[int]
    frame: Frame
    n_out_of_scope: int
    n_candidates: int
    n_different: int


def draw(reader: TableReader, wish: Wish, scorer: Scorer, settings: Settings, show: Show) -> Draw:
    """Draw messages from a corpus.

    `random` holds 2 n messages at most, the others 2 `settings.sample.candidates` and 8 bytes a message of the corpus.

    Raises:
        TableError: Fewer messages than asked for.
        ParamsError: More messages asked for than `settings.sample.candidates`, which `uncertain` and `diverse` choose among.
    """
    if wish.n < 1:
        raise TableError(f"-n {wish.n}", "is no number of messages", "ask for 1 at least")
    if wish.strategy == "random":
        return _random(reader, wish, scorer, settings, show)
    if wish.n > settings.sample.candidates:
        found = f"{settings.sample.candidates:,} messages to choose among, {wish.n:,} asked for"
        raise ParamsError("sample.candidates", found, "raise it in --params FILE, or ask for fewer")
    return (_uncertain if wish.strategy == "uncertain" else _diverse)(reader, wish, scorer, settings, show)


def distance(scores: Scores, calibrations: list[Calibration]) -> NDArray[np.float64]:
    """How far each message is from the nearest threshold of any audience, in log-odds; shape (n_messages,).

    Log-odds, not the difference of scores: there a step is the same amount of evidence wherever the threshold lies, so
    that an audience with a low threshold is not uncertain everywhere.
    """
    thresholds = np.array([part.threshold for part in calibrations])
    return np.asarray(np.abs(_log_odds(scores) - _log_odds(thresholds)).min(axis=1), np.float64)


def _log_odds(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    inside = np.clip(scores.astype(np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside), np.float64)


def spread(vectors: NDArray[np.float32], n: int, rng: np.random.Generator) -> list[int]:
    """Rows whose directions lie far apart, in the order drawn: the seeding of k-means++.

    Each next row is drawn with a chance in proportion to its squared distance from the nearest row drawn before, so
    that dense regions count, and no lone outlier is certain to be drawn as in farthest-point (core-set) selection.

    Args:
        vectors: Shape (n_rows, hidden_size), n_rows >= n.
        n: Rows to draw.
        rng: Of the draws.

    Source: Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding.
    """
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), EDGE)
    nearest = np.ones(len(units))
    drawn: list[int] = []
    while len(drawn) < n:
        if not nearest.any():  # what is left lies where drawn rows lie
            nearest[:] = 1.0
            nearest[drawn] = 0.0
        drawn.append(int(rng.choice(len(units), p=nearest / nearest.sum())))
        squared = np.maximum(2 - 2 * (units @ units[drawn[-1]]).astype(np.float64), 0.0)
        nearest = squared if len(drawn) == 1 else np.minimum(nearest, squared)
        nearest[drawn] = 0.0
    return drawn


def _random(reader: TableReader, wish: Wish, scorer: Scorer, settings: Settings, show: Show) -> Draw:
    """n messages, every set of n as likely as any other: the n smallest of one random number a message."""
    rng = np.random.default_rng(settings.sample.seed)
    pool = Pool(wish.n, by_text=False)
    batch_messages = scorer.settings.part_rows
    frame = read_frame(reader, pool, lambda texts: rng.random(len(texts)), batch_messages=batch_messages, show=show)
    _refuse_too_few(wish, frame, frame.n_messages, "messages")
    return Draw(pool.best(), [1] * wish.n, frame, 0, frame.n_messages, frame.n_messages)


def _uncertain(reader: TableReader, wish: Wish, scorer: Scorer, settings: Settings, show: Show) -> Draw:
    """The n texts nearest to a threshold, near-duplicates collapsed among the `candidates` nearest."""
    n_out = 0

    def rank(texts: list[str]) -> NDArray[np.float64]:
        nonlocal n_out
        scored = scorer.score(texts)
        out = np.array([bool(why) for why in scored.scope])
        n_out += int(out.sum())
        return np.where(out, LEFT_OUT, distance(scored.scores, scorer.bundle.manifest.calibration))

    pool = Pool(settings.sample.candidates, by_text=True)
    frame = read_frame(reader, pool, rank, batch_messages=scorer.settings.part_rows, show=show)
    texts = Texts(pool.best(), frame, settings.duplicates)
    _refuse_too_few(wish, frame, len(texts.first), "different messages in scope of this model")
    return texts.draw(texts.first[: wish.n], n_out)


def _diverse(reader: TableReader, wish: Wish, scorer: Scorer, settings: Settings, show: Show) -> Draw:
    """n texts spread over the encoder's vectors, among `candidates` texts drawn at random, frequent ones sooner."""
    rng = np.random.default_rng(settings.sample.seed)
    pool = Pool(settings.sample.candidates, by_text=True)
    size = scorer.settings.part_rows
    frame = read_frame(
        reader,
        pool,
        lambda texts: rng.random(len(texts)),
        batch_messages=size,
        show=lambda done_share, n_messages: show(done_share / 2, n_messages),
    )
    met = pool.best()
    found: list[Candidate] = []
    vectors: list[NDArray[np.float32]] = []
    for start in range(0, len(met), size):
        part = met[start : start + size]
        scored = scorer.score([candidate.text for candidate in part])
        inside = [place for place, why in enumerate(scored.scope) if not why]
        found += [part[place] for place in inside]
        vectors.append(scored.pooled[inside])
        show((1 + (start + len(part)) / len(met)) / 2, frame.n_messages)
    texts = Texts(found, frame, settings.duplicates)
    _refuse_too_few(wish, frame, len(texts.first), "different messages in scope of this model")
    places = texts.first[spread(np.concatenate(vectors)[texts.first], wish.n, rng)]
    return texts.draw(places, len(met) - len(found))


class Texts:
    """Candidates with their near-duplicates collapsed.

    Attributes:
        first: Of each group of near-duplicates the place of its first candidate, ascending.
    """

    def __init__(self, candidates: list[Candidate], frame: Frame, settings: Duplicates) -> None:
        self._candidates, self._frame = candidates, frame
        self._group = groups([candidate.text for candidate in candidates], settings)
        self.first = np.unique(self._group, return_index=True)[1]

    def draw(self, places: NDArray[np.int64], n_out_of_scope: int) -> Draw:
        """Candidates drawn; their copies are exact ones in the whole frame, near ones among the candidates."""
        totals = np.bincount(self._group, self._frame.copies(self._candidates))
        return Draw(
            [self._candidates[place] for place in places],
            [int(totals[self._group[place]]) for place in places],
            self._frame,
            n_out_of_scope,
            len(self._candidates),
            len(self.first),
        )


def _refuse_too_few(wish: Wish, frame: Frame, n_found: int, of_what: str) -> None:
    if not frame.n_messages:
        found = f"no message to draw among {frame.n_rows:,} rows"
        raise TableError(wish.corpus, found, "check the file and --text-column")
    if not n_found:
        raise TableError(
            wish.corpus,
            f"none of {frame.n_messages:,} messages is in scope of this model",
            "draw with --strategy random, or name a model trained on their languages",
        )
    if n_found < wish.n:
        found = f"holds {n_found:,} {of_what}, {wish.n:,} asked for"
        raise TableError(wish.corpus, found, f"ask for {n_found} at most (-n {n_found})")
