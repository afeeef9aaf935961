"""The cases of the behaviour suite, spread out from its files. Not here: the files (suite_files.py), running (behaviour.py)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.expectations import Chosen, Direction, Expectation, Unchanged
from eval.perturbations import PERTURBATIONS
from eval.suite_files import InvarianceFile, MinimumFile, SuiteError, SuiteFile, Written, near, read_file
from segmenter.text import clean


@dataclass(frozen=True)
class Case:
    """One thing to find out about a model.

    Attributes:
        id: Unlike any other; of an invariance case `<message>/<perturbation>`.
        message: Id of what was written; the cases of one message stand or fall together.
        capability: minimum, invariance or direction.
        group: Its group in the file, or the perturbation.
        language: Of the (changed) text.
        texts: The message, and what it became where the case is a pair.
        expectation: Of the answers to the texts.
        why: One short reason.
    """

    id: str
    message: str
    capability: str
    group: str
    language: str
    texts: tuple[str, ...]
    expectation: Expectation
    why: str

    @property
    def is_one_text(self) -> bool:
        """The model reads the same before and after, by the text rules: nothing is asked of it."""
        return len(self.texts) > 1 and len({clean(text) for text in self.texts}) == 1


@dataclass(frozen=True)
class Suite:
    """All cases of a folder, and who wrote its messages, as the files say."""

    cases: list[Case]
    written_by: list[str]


def read_suite(folder: Path) -> Suite:
    """The cases of every .yaml file of a folder, in the order of file names and of lines.

    Raises:
        SuiteError: No such file; or one is not YAML, has an unknown key, audience or perturbation, or an id twice.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise SuiteError(folder, "holds no .yaml file of the behaviour suite", "name a folder such as eval/behaviour")
    cases: list[Case] = []
    written_by: dict[str, None] = {}
    file_of: dict[str, Path] = {}
    for path in paths:
        found = read_file(path)
        for message in found.written:
            if message.id in file_of:
                said = f"the id is also used in {file_of[message.id].name}"
                raise SuiteError(f"{path}: case {message.id!r}", said, "give each case an id of its own")
            file_of[message.id] = path
        cases += _spread(found, path)
        written_by[found.written_by] = None
    return Suite(cases, list(written_by))


def _spread(found: SuiteFile, path: Path) -> Iterator[Case]:
    if isinstance(found, InvarianceFile):
        yield from _perturbed(found, path)
    elif isinstance(found, MinimumFile):
        for name, plain_cases in found.groups.items():
            for plain in plain_cases:
                _check_audiences(plain.expect, found.audiences, f"{path}: case {plain.id!r}")
                chosen = Chosen(frozenset(plain.expect), frozenset(found.audiences))
                yield _case(plain, found.capability, name, chosen)
    else:
        for name, group in found.groups.items():
            for pair in group.cases:
                _check_audiences([pair.audience], found.audiences, f"{path}: case {pair.id!r}")
                direction = Direction(pair.audience, group.rule, group.amount)
                yield _case(pair, found.capability, name, direction, pair.changed)


def _case(written: Written, capability: str, group: str, expectation: Expectation, *changed: str) -> Case:
    texts = (written.text, *changed)
    return Case(written.id, written.id, capability, group, written.language, texts, expectation, written.why)


def _check_audiences(named: list[str], known: list[str], where: str) -> None:
    for audience in named:
        if audience not in known:
            remedy = near(audience, known, f"the file's audiences are {', '.join(known)}; add it there")
            raise SuiteError(where, f"unknown audience {audience!r}", remedy)


def _perturbed(found: InvarianceFile, path: Path) -> Iterator[Case]:
    for name in found.perturbations:
        if name not in PERTURBATIONS:
            remedy = near(name, list(PERTURBATIONS), f"the known ones are {', '.join(PERTURBATIONS)}")
            raise SuiteError(f"{path}: perturbations", f"unknown perturbation {name!r}", remedy)
    unchanged = Unchanged(found.score_within)
    for message in found.messages:
        for name, why in found.perturbations.items():
            texts = (message.text, PERTURBATIONS[name](message.text))
            if texts[0] != texts[1]:
                case_id = f"{message.id}/{name}"
                yield Case(case_id, message.id, "invariance", name, message.language, texts, unchanged, why)
