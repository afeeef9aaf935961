"""House guard: which room may import which (architecture.md), and what the scoring path must never load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[1]
WHEEL = REPOSITORY / "src" / "segmenter"
# A module imports only from its own room and from those before it. New rooms take their place here.
ROOMS = [
    *("__init__", "errors", "arrow", "sections", "params", "messages", "rows", "spans", "tables", "writers", "sources"),
    *("spool", "text", "scope", "duplicates", "prepared", "intervals", "metrics", "plain_models", "calibration"),
    *("shares", "bundle", "inputs", "out_of_fold", "batches"),
    *("encoders", "model", "meter", "runtimes", "readings", "store", "score", "flow", "scoring"),
    *("explain", "explained", "sampling", "tracking", "registry", "named", "api", "mlflow_model", "summary", "cli"),
]
DOOR = ("__init__", "api")  # `segmenter.load`: a room that is opened when it is first asked for
MLFLOW_ROOMS = {"tracking", "registry", "mlflow_model"}
PICKLES = {"pickle", "cPickle", "_pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}


class Import(NamedTuple):
    """One imported name: `segmenter.text.clean` for `from segmenter.text import clean`."""

    file: Path
    line: int
    name: str
    is_relative: bool

    @property
    def top(self) -> str:
        """The package it comes from."""
        return self.name.split(".")[0]

    def __str__(self) -> str:
        return f"{self.file.name} line {self.line} imports {self.name}"


def imports(file: Path) -> Iterator[Import]:
    """Every import of a file, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, False)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(file, node.lineno, f"{node.module or ''}.{alias.name}", node.level > 0)


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def house() -> Iterator[Import]:
    """Every import of the wheel, of training and of eval."""
    for folder in (WHEEL, REPOSITORY / "training", REPOSITORY / "eval"):
        for file in modules(folder):
            yield from imports(file)


def room_of(file: Path, wheel: Path) -> str:
    return file.relative_to(wheel).parts[0].removesuffix(".py")


def imported_room(found: Import) -> str | None:
    """The room of the wheel that an import reaches into, None where it is none of ours."""
    if found.top != "segmenter":
        return None
    parts = found.name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else "__init__"


def breaches(wheel: Path) -> list[str]:
    """Imports of a wheel's modules from a room below their own."""
    return [
        str(found)
        for file in modules(wheel)
        for found in imports(file)
        if (room := imported_room(found)) and ROOMS.index(room) > ROOMS.index(own := room_of(file, wheel))
        if (own, room) != DOOR
    ]


def test_every_module_of_the_wheel_stands_in_a_known_room() -> None:
    assert [str(file) for file in modules(WHEEL) if room_of(file, WHEEL) not in ROOMS] == []


def test_no_room_imports_from_one_below_it() -> None:
    assert breaches(WHEEL) == []


@pytest.mark.parametrize(
    "line",
    [
        "from segmenter.score import Scorer",
        "import segmenter.score",
        "from segmenter import score",
        "def late():\n    from segmenter.summary.page import page",
    ],
)
def test_the_guard_sees_an_import_from_below(tmp_path: Path, line: str) -> None:
    (tmp_path / "text.py").write_text(line, "utf-8")
    assert len(breaches(tmp_path)) == 1


@pytest.mark.parametrize("line", ["from segmenter.errors import SegmenterError", "from segmenter import __version__"])
def test_the_guard_lets_an_import_from_above_pass(tmp_path: Path, line: str) -> None:
    (tmp_path / "text.py").write_text(line, "utf-8")
    assert breaches(tmp_path) == []


def test_the_wheel_imports_neither_training_nor_eval() -> None:
    found = [str(part) for part in house() if WHEEL in part.file.parents and part.top in ("training", "eval")]
    assert found == []


@pytest.mark.parametrize(("folder", "other"), [("training", "eval"), ("eval", "training")])
def test_training_and_eval_never_import_each_other(folder: str, other: str) -> None:
    found = [str(part) for part in house() if REPOSITORY / folder in part.file.parents and part.top == other]
    assert found == []


def test_only_the_three_rooms_for_it_import_mlflow() -> None:
    allowed = {WHEEL / f"{room}.py" for room in MLFLOW_ROOMS}
    assert [str(part) for part in house() if part.top == "mlflow" and part.file not in allowed] == []


def test_nothing_imports_a_pickle() -> None:
    assert [str(part) for part in house() if part.top in PICKLES] == []


def test_no_import_is_relative() -> None:
    assert [str(part) for part in house() if part.is_relative] == []


def test_eval_is_never_imported_whole() -> None:
    # `import eval` would hide the builtin
    assert [str(part) for part in house() if part.name == "eval"] == []


def test_scoring_on_a_cpu_loads_neither_torch_nor_anything_else_heavy() -> None:
    code = (
        "import sys, segmenter.score, segmenter.explained, segmenter.runtimes.cpu; "
        "print(*{name.split('.')[0] for name in sys.modules} "
        "& {'torch', 'transformers', 'mlflow', 'altair', 'sklearn', 'pandas'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
