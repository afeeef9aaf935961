"""What a behaviour case expects of a model's answers, and whether they meet it. Not here: the cases and their files."""

from dataclasses import dataclass
from typing import Literal, Protocol

Rule = Literal["rises_at_least", "rises_at_most", "falls_at_least", "moves_at_most"]
TOLERANCE = 1e-6  # scores are float32: a change of just the stated amount is within it


@dataclass(frozen=True)
class Answer:
    """What a model said of one text: a score in [0, 1] per audience, and the audiences at or above their thresholds."""

    scores: dict[str, float]
    chosen: frozenset[str]

    def shown(self, audiences: frozenset[str]) -> str:
        """The chosen of some audiences, then their scores, for a reader."""
        scores = ", ".join(f"{name} {score:.2f}" for name, score in self.scores.items() if name in audiences)
        return f"{named(self.chosen & audiences)} ({scores})"


class Expectation(Protocol):
    """What must hold of the answers to a case's texts, in the order of the texts."""

    def judged(self, audience_ids: frozenset[str]) -> frozenset[str]:
        """The audiences that a model with these is judged on; none where the case does not suit it."""

    def met(self, answers: list[Answer]) -> bool:
        """Whether the answers are as expected."""

    def sentence(self) -> str:
        """The expectation for a reader."""


@dataclass(frozen=True)
class Chosen:
    """Of the audiences that the case's writer had in mind, exactly the expected ones are chosen."""

    audiences: frozenset[str]
    in_mind: frozenset[str]

    def judged(self, audience_ids: frozenset[str]) -> frozenset[str]:
        """Those in mind that the model has, if it has all the expected ones."""
        return self.in_mind & audience_ids if self.audiences <= audience_ids else frozenset()

    def met(self, answers: list[Answer]) -> bool:
        """Whether the one answer chooses them; the model's other audiences do not matter."""
        return answers[0].chosen & self.in_mind == self.audiences

    def sentence(self) -> str:
        """For a reader."""
        return named(self.audiences)


@dataclass(frozen=True)
class Unchanged:
    """The same audiences are chosen before and after, or no score moves by more than `score_within`."""

    score_within: float

    def judged(self, audience_ids: frozenset[str]) -> frozenset[str]:
        """All that the model has."""
        return audience_ids

    def met(self, answers: list[Answer]) -> bool:
        """Whether the second answer is as the first."""
        before, after = answers
        moved = max(abs(after.scores[name] - score) for name, score in before.scores.items())
        return before.chosen == after.chosen or moved <= self.score_within + TOLERANCE

    def sentence(self) -> str:
        """For a reader."""
        return f"the same audiences, or scores within {self.score_within:g}"


@dataclass(frozen=True)
class Direction:
    """One audience's score goes the way it should, from the first text to the second."""

    audience: str
    rule: Rule
    amount: float

    def judged(self, audience_ids: frozenset[str]) -> frozenset[str]:
        """That audience, if the model has it."""
        return frozenset({self.audience}) & audience_ids

    def met(self, answers: list[Answer]) -> bool:
        """Whether the change follows the rule."""
        before, after = (answer.scores[self.audience] for answer in answers)
        over = {
            "rises_at_least": self.amount - (after - before),
            "rises_at_most": (after - before) - self.amount,
            "falls_at_least": self.amount - (before - after),
            "moves_at_most": abs(after - before) - self.amount,
        }
        return over[self.rule] <= TOLERANCE

    def sentence(self) -> str:
        """For a reader."""
        return f"{self.audience} {self.rule.replace('_', ' ')} {self.amount:g}"


def named(audiences: frozenset[str]) -> str:
    """Audiences for a reader."""
    return ", ".join(sorted(audiences)) or "none"
