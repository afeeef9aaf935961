"""How the verdict `uncertain` works out: how many messages are certain, how many of those wrong, what became of a guarantee.

Not here: how bands and guarantee came about (training/guarantee.py), the picture (plots.py).
"""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.figures import Judged
from segmenter.bundle import Manifest
from segmenter.calibration import Calibration, log_odds
from segmenter.intervals import Estimate, Resamples, resample, shown
from segmenter.metrics import shares
from segmenter.score import Scored
from segmenter.sections import Eval

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]
POINTS = 100  # of the curve, at most: more than a picture shows
Held = Literal["holds", "is broken", "stays open"]


@dataclass(frozen=True)
class RiskPoint:
    """Were the bands all `width` wide (in log-odds, to both sides), `coverage` would be certain, `error` of them wrong."""

    width: float
    coverage: float
    error: float


@dataclass(frozen=True)
class Abstention:
    """Coverage and error of the messages that are not `uncertain`, with 95 % author-clustered intervals.

    Attributes:
        coverage: Share of the messages judged with certainty.
        error: Share of the certain whose audience set is wrong, any audience wrong; None where none is certain.
        error_several: As `error`, of the certain that the reference labels give several audiences; None where too few.
        n: Messages.
        n_certain: Messages that are not uncertain.
        n_several: Messages that the reference labels give several audiences.
        n_several_certain: Those of them that are not uncertain.
        risk: What the bundle guarantees, None where it guarantees nothing.
        held: Whether the interval of the error lies below the risk, above it, or holds it; None without a guarantee.
        curve: From the most certain messages to all that are in scope.
    """

    coverage: Estimate
    error: Estimate | None
    error_several: Estimate | None
    n: int
    n_certain: int
    n_several: int
    n_several_certain: int
    risk: float | None
    held: Held | None
    curve: list[RiskPoint]

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names."""
        estimates = {
            "coverage": self.coverage,
            "error_of_the_certain": self.error,
            "error_of_the_certain/several_audiences": self.error_several,
        }
        flat = {} if self.risk is None else {"guaranteed_risk": self.risk}
        for name, one in estimates.items():
            if one is not None:
                flat |= {name: one.value, f"{name}/low": one.low, f"{name}/high": one.high}
        return flat

    def several_sentence(self) -> str:
        """What can be said of messages for several audiences."""
        if self.error_several is None:
            return f"not evaluable, n = {self.n_several}, {self.n_several_certain} of them certain"
        found = f"{shown(self.error_several, '.1%')} of {self.n_several_certain:,} certain messages"
        return f"{found} have a wrong audience set, n = {self.n_several:,}"

    def held_sentence(self) -> str:
        """What became of the guarantee on these messages."""
        if self.risk is None or self.error is None:
            return (
                "nothing is guaranteed"
                if self.risk is None
                else f"a risk of {100 * self.risk:g}%: no message is certain"
            )
        found = f"{shown(self.error, '.1%')} of {self.n_certain:,} certain messages"
        return f"the guaranteed risk of {100 * self.risk:g}% {self.held} here: {found} have a wrong audience set"


def abstention(judged: Judged, scored: Scored, manifest: Manifest, settings: Eval, seed: int) -> Abstention:
    """Judge a bundle's uncertain bands.

    Args:
        judged: The messages.
        scored: What the bundle says of them.
        manifest: Of the bundle.
        settings: Bootstrap rounds, and how many messages carry a figure.
        seed: Of the resamples.
    """
    truth, in_scope = judged.truth, np.array([not why for why in scored.scope], np.bool_)
    certain = in_scope & ~scored.verdicts.near.any(axis=1)
    wrong = certain & (scored.verdicts.clear != truth).any(axis=1)
    several = truth.sum(axis=1) > 1
    risk = manifest.guarantee.risk if manifest.guarantee else None
    resamples = resample(judged.clusters, n_rounds=settings.bootstrap_rounds, seed=seed)
    error = _share(wrong, certain, resamples) if certain.any() else None
    certain_of_several = certain & several
    enough = certain_of_several.sum() >= settings.slice_support_at_least
    return Abstention(
        coverage=_share(certain, np.full(len(truth), True), resamples),
        error=error,
        error_several=_share(wrong, certain_of_several, resamples) if enough else None,
        n=len(truth),
        n_certain=int(certain.sum()),
        n_several=int(several.sum()),
        n_several_certain=int(certain_of_several.sum()),
        risk=risk,
        held=None if risk is None or error is None else held(risk, error.low, error.high),
        curve=curve(
            distances(scored.scores, manifest.calibration), in_scope, (scored.verdicts.chosen != truth).any(axis=1)
        ),
    )


def held(risk: float, low: float, high: float) -> Held:
    """Whether an interval of the error agrees with a risk."""
    return "holds" if high <= risk else "is broken" if low > risk else "stays open"


def distances(scores: NDArray[np.float32], calibrations: list[Calibration]) -> Floats:
    """How far the nearest audience is from its threshold, in log-odds: how certain the whole set is, shape (n_messages,)."""
    thresholds = np.array([part.threshold for part in calibrations], np.float32).astype(np.float64)
    return np.asarray(np.abs(log_odds(scores.astype(np.float64)) - log_odds(thresholds)).min(axis=1))


def curve(distance: Floats, in_scope: Labels, wrong: Labels) -> list[RiskPoint]:
    """Error of the most certain messages by how many they are, over one width of band for all audiences.

    Args:
        distance: Of each message, as `distances`.
        in_scope: The others are never certain.
        wrong: Whether the set of audiences at or above their thresholds is.
    """
    places = np.flatnonzero(in_scope)
    places = places[np.argsort(-distance[places], kind="stable")]
    ordered = distance[places]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else places  # equals together
    n_wrong = wrong[places].cumsum()
    shown = ends[np.unique(np.linspace(0, len(ends) - 1, min(POINTS, len(ends))).astype(np.int64))]
    return [
        RiskPoint(float(ordered[end]), float((end + 1) / len(distance)), float(n_wrong[end] / (end + 1)))
        for end in shown
    ]


def _share(part: Labels, whole: Labels, resamples: Resamples) -> Estimate:
    return shares(part[:, None], whole[:, None], resamples).estimate(np.array([True]))
