"""Is a corpus unlike anything the calibration messages can explain? Then its corrected shares rest on sand.

Asked of each audience and language: are its scores distributed like some mixture of messages with the audience and messages
without, give or take other authors? A corpus may be unlike in what scores do not show; silence is no proof of likeness.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.shares.ground import Ground, Mixed, ShareSettings, estimable, mixed

Floats = NDArray[np.float64]
RIDGE = 1e-3  # of the mean variance, added to each: a bin that no draw changes must not decide alone


@dataclass(frozen=True)
class Unlike:
    """What the test found.

    Attributes:
        p: Smallest p-value of the parts, corrected for their number; 1.0 where nothing could be tested.
        parts: Audience, language and p-value of each part, uncorrected, smallest first.
        is_unlike: The warning is given.
    """

    p: float
    parts: list[tuple[str, str, float]]
    is_unlike: bool


def unlike_mixture(
    counts: Mapping[str, NDArray[np.int64]],
    languages: Sequence[str],
    grounds: Mapping[str, Ground],
    settings: ShareSettings,
    seed: int,
) -> Unlike:
    """Test a whole corpus, every audience in every language in which it can be estimated.

    Args:
        counts: In-scope messages by language and bin of score, shape (n_languages, N_BINS), by audience.
        languages: Codes in the order of the first axis.
        grounds: By audience.
        settings: Least messages (of the corpus too), bins, draws, p-value.
        seed: Of the draws.

    Source: distance from the best mixture as Mahalanobis 1936, its null distribution drawn by author; smallest p after
        Šidák 1967.
    """
    parts = []
    for number, (audience, ground) in enumerate(grounds.items()):
        why_not = estimable(ground, list(languages), settings)
        for place, code in enumerate(languages):
            here = counts[audience][place]
            if not why_not[code] and here.sum() >= settings.calibration_messages_at_least:
                draw = np.random.default_rng([seed, number, place])
                found = mixed(ground, code, settings, draw)
                parts.append((audience, code, _p_value(found.merged(here[None])[0], found, draw)))
    parts.sort(key=lambda part: part[2])
    p = 1 - (1 - parts[0][2]) ** len(parts) if parts else 1.0
    return Unlike(p, parts, p < settings.shift_p_below)


def _p_value(counts: Floats, found: Mixed, draw: np.random.Generator) -> float:
    """How often other authors and chance alone lie as far from any mixture as these counts by bin, shape (n_bins,)."""
    n, seen = int(counts.sum()), counts / counts.sum()
    share = _share(seen[None], found, np.eye(len(counts)))[0]
    for _ in range(2):  # how much bins vary depends on the share, and the other way round
        drawn = share * found.with_it[found.n_scales :] + (1 - share) * found.without[found.n_scales :]
        drawn = draw.multinomial(n, drawn / drawn.sum(axis=1, keepdims=True)) / n
        spread = np.cov(drawn.T)
        inverse = np.linalg.inv(spread + RIDGE * np.trace(spread) / len(counts) * np.eye(len(counts)))
        share = _share(seen[None], found, inverse)[0]
    far, chance = (_distance(rows, found, inverse) for rows in (seen[None], drawn))
    return float((1 + (chance >= far[0]).sum()) / (1 + len(chance)))


def _share(rows: Floats, found: Mixed, inverse: Floats) -> Floats:
    """The mixture nearest to each row of shares by bin, shape (n_rows, n_bins): its share of messages with the audience."""
    without = found.without[0]
    apart = found.with_it[0] - without
    return np.asarray(np.clip((rows - without) @ inverse @ apart / (apart @ inverse @ apart), 0, 1))


def _distance(rows: Floats, found: Mixed, inverse: Floats) -> Floats:
    """How far each row lies from its nearest mixture, squared."""
    share = _share(rows, found, inverse)[:, None]
    rest = rows - share * found.with_it[0] - (1 - share) * found.without[0]
    return np.asarray(np.einsum("ij,jk,ik->i", rest, inverse, rest))
