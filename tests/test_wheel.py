"""The wheel as a user gets it: built, installed elsewhere, and run outside the repository with nothing but its base needs."""

import csv
import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import REPOSITORY, TinyRun, tiny_messages

BARRED = (  # none is in the base
    *("torch", "transformers", "mlflow", "sklearn", "pandas", "training", "eval"),
    *("altair", "jinja2", "polars", "simplemma", "statsmodels", "vl_convert", "xlsxwriter"),
)
# Runs `segmenter` where the barred modules cannot be had, and says on the last line which of them were asked for.
BARE = f"""
import importlib.abc, sys

class Bar(importlib.abc.MetaPathFinder):
    asked = []

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BARRED}:
            self.asked.append(name)
            raise ModuleNotFoundError(f"no {{name}} here", name=name)

sys.meta_path.insert(0, Bar())
import segmenter.cli
try:
    segmenter.cli.main()
finally:
    print("from", segmenter.__file__, "asked", Bar.asked, file=sys.stderr)
"""


class Wheel(NamedTuple):
    """A built wheel and the folder it is installed into."""

    file: Path
    installed: Path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    built, installed = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    [file] = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "--quiet"]
    subprocess.run([*install, "--target", str(installed), str(file)], check=True, capture_output=True)
    return Wheel(file, installed)


def in_the_wheel(wheel: Wheel) -> list[str]:
    with zipfile.ZipFile(wheel.file) as archive:
        return archive.namelist()


def run(wheel: Wheel, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """`segmenter` from the installed wheel, in a folder outside the repository, nothing barred to be had."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW"))}
    command = [sys.executable, "-c", BARE, *map(str, words)]
    environment["PYTHONPATH"] = str(wheel.installed)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the repository with a corpus of 40 messages."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with (folder / "corpus.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(tiny_messages()[::6])
    return folder


@pytest.fixture(scope="module")
def scored(wheel: Wheel, corpus: Path, tiny_run: TinyRun) -> subprocess.CompletedProcess[str]:
    return run(wheel, corpus, "score", "corpus.csv", "--model", tiny_run.bundle, "--out", "scored.parquet")


def test_an_installed_wheel_scores_outside_the_repository(
    wheel: Wheel, corpus: Path, scored: subprocess.CompletedProcess[str]
) -> None:
    assert scored.returncode == 0, scored.stderr
    assert f"from {wheel.installed}" in scored.stderr
    assert "40 rows in = 40 rows out + 0 rejects" in scored.stderr
    assert (corpus / "scored.parquet").is_file()


def test_scoring_on_a_cpu_asks_for_nothing_beyond_the_base_install(scored: subprocess.CompletedProcess[str]) -> None:
    # pyarrow itself looks whether pandas is there, and does without; our own imports of it are test_floors.py's
    assert scored.stderr.splitlines()[-1].partition(" asked ")[2] in ("[]", "['pandas']")


def test_inspecting_asks_for_nothing_beyond_the_base_install(wheel: Wheel, corpus: Path, tiny_run: TinyRun) -> None:
    done = run(wheel, corpus, "inspect", tiny_run.bundle)
    assert (done.returncode, done.stderr.splitlines()[-1].endswith("asked []")) == (0, True)


def test_explaining_asks_for_nothing_beyond_the_base_install(wheel: Wheel, corpus: Path, tiny_run: TinyRun) -> None:
    done = run(wheel, corpus, "explain", "--model", tiny_run.bundle, "--text", "gardeners, water the red beds")
    assert (done.returncode, done.stderr.splitlines()[-1].partition(" asked ")[2]) in ((0, "[]"), (0, "['pandas']"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "score corpus.csv --model {bundle} --out out.csv --runtime torch",
            "segmenter: --runtime torch: torch is not installed; "
            "pip install 'audience-segmenter[train]', or use --runtime cpu",
        ),
        (
            "score corpus.csv --model models:/audience@champion --out out.csv",
            "segmenter: models:/audience@champion: mlflow is not installed; pip install 'audience-segmenter[tracking]'",
        ),
        (
            "summarise scored.parquet --out summary",
            "segmenter: jinja2 is not installed; pip install 'audience-segmenter[summary]'",
        ),
    ],
    ids=["torch", "mlflow", "jinja2"],
)
def test_a_missing_extra_is_named_in_one_sentence(
    wheel: Wheel, corpus: Path, tiny_run: TinyRun, line: str, sentence: str
) -> None:
    done = run(wheel, corpus, *line.format(bundle=tiny_run.bundle).split())
    assert (done.returncode, done.stderr.splitlines()[:-1]) == (2, [sentence])


@pytest.mark.parametrize(
    "name",
    [
        "settings.yaml",
        "py.typed",
        "summary/html/summary.html",
        "summary/html/script.js",
        "summary/page.css",
        "mlflow_model.py",
        "runtimes/cpu.py",
    ],
)
def test_what_the_commands_read_is_in_the_wheel(wheel: Wheel, name: str) -> None:
    assert f"segmenter/{name}" in in_the_wheel(wheel)


def test_every_module_of_the_package_is_in_the_wheel(wheel: Wheel) -> None:
    source = REPOSITORY / "src"
    missing = {path.relative_to(source).as_posix() for path in source.rglob("*.py")} - set(in_the_wheel(wheel))
    assert missing == set()


def test_nothing_but_the_package_is_in_the_wheel(wheel: Wheel) -> None:
    # neither training/ nor eval/, no tests, no weights, no data
    tops = {name.split("/")[0].split("-")[0] for name in in_the_wheel(wheel)}
    assert tops == {"segmenter", "audience_segmenter"}


def test_the_wheel_brings_the_command(wheel: Wheel) -> None:
    assert (wheel.installed / "bin" / "segmenter").is_file() or (wheel.installed / "Scripts").is_dir()


def test_the_base_install_needs_nothing_that_scoring_does_not(wheel: Wheel) -> None:
    with zipfile.ZipFile(wheel.file) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        needs = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])
    base = {need.split(";")[0].split(">")[0].split("=")[0].strip() for need in needs if "extra ==" not in need}
    assert base & set(BARRED) == set()
    assert "scikit-learn" not in base
