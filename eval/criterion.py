"""One thing that is asked of a challenger, and what came of it: pass, miss, or not evaluable. What is asked: criteria.py."""

from dataclasses import asdict, dataclass
from typing import Literal

from eval.metric_names import metric_name

State = Literal["pass", "miss", "not evaluable"]
STATES: tuple[State, ...] = ("pass", "miss", "not evaluable")
BOUND = 0.975  # of a two-sided 95 % interval, on either side


@dataclass(frozen=True)
class Criterion:
    """One thing that is asked of a challenger.

    Attributes:
        name: `gain/champion`, `slices`, `calibration_error`, `behaviour/invariance`, `within/en/AUDIENCE`, `int8_agreement`.
        state: Not evaluable where the messages cannot decide it, which is held against nobody and never a pass.
        found: In words, with figures.
        needed: Likewise.
        value: The figure that decides, None where there is none.
        low: Its 95 % bound, where it has an interval.
        high: As `low`.
        n_unjudged: Where it asks the same of many parts: those too small to tell.
    """

    name: str
    state: State
    found: str
    needed: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n_unjudged: int | None = None

    @property
    def passed(self) -> bool:
        """It is met; what is not evaluable is neither met nor missed."""
        return self.state == "pass"

    def as_dict(self) -> dict[str, object]:
        """As written to gate.json."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names: `gate/slices/evaluable`, `gate/slices/passed`, `gate/gain/champion`, `…/low`.

        What is not evaluable has no `passed`.
        """
        name = metric_name("gate", *self.name.split("/"))
        figures = {
            name: self.value,
            f"{name}/low": self.low,
            f"{name}/high": self.high,
            f"{name}/unjudged": self.n_unjudged,
            f"{name}/passed": None if self.state == "not evaluable" else self.passed,
        }
        flat = {key: float(one) for key, one in figures.items() if one is not None}
        return flat | {f"{name}/evaluable": float(self.state != "not evaluable")}


def state_of(*, passed: bool) -> State:
    """Of a criterion that the messages can decide."""
    return "pass" if passed else "miss"


def holm(p_values: list[float]) -> list[float]:
    """P-values adjusted for their number, in their order: below a level, the family errs at most that often.

    Source: Holm 1979.
    """
    adjusted, highest = list(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
