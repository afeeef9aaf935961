"""House guard: what README and docs/ name is there, and what is there README names."""

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import REPOSITORY
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from segmenter import cli

FOLDERS = ("src/segmenter", "training", "eval")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "models" / "README.md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fenced(page: Path, kind: str) -> list[str]:
    """The content of every fenced block of a kind."""
    return [content for name, content in FENCE.findall(page.read_text("utf-8")) if name == kind]


def tree() -> Iterator[str]:
    """Every path of README's tree: a line at the margin, or an indented one below the last folder at the margin."""
    [content] = fenced(REPOSITORY / "README.md", "text")
    folder = ""
    for line in content.splitlines():
        names = re.split(r"\s{2,}", line.strip())[0]
        if not line.startswith(" "):
            folder = names if names.endswith("/") else ""
            yield from names.split(", ")
        else:
            yield folder + names


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command line in a page's sh blocks, comments taken off."""
    for content in fenced(page, "sh"):
        for line in content.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


COMMANDS = [(page.name, words) for page in PAGES if page.is_file() for words in commands(page)]


@cache
def options(program: str) -> dict[str, set[str]] | None:
    """Options of each subcommand of `segmenter`, or of the one command of a module; None where there is no such module."""
    if program == "segmenter":
        command = get_command(cli.app)
        parts: dict[str, set[str]] = {name: _long(part) for name, part in command.commands.items()}
        return parts | {"": _long(command)}
    if importlib.util.find_spec(program) is None:
        return None
    return {"": _long(get_command(importlib.import_module(program).app))}


def _long(command: TyperCommand | TyperGroup) -> set[str]:
    named = {name for part in command.params for name in [*part.opts, *part.secondary_opts]}
    return {name for name in named if name.startswith("--")} | {"--help"}


def faults(words: list[str]) -> str:
    """What a command line of ours names that is not there; empty where all is well, or the command is not ours."""
    if words[0] == "segmenter":
        program, rest = "segmenter", words[1:]
    elif words[:2] == ["python", "-m"] and words[2].split(".")[0] in ("training", "eval", "segmenter"):
        program, rest = words[2], words[3:]
    else:
        return ""
    known = options(program)
    if known is None:
        return f"no module {program}"
    command = rest[0] if program == "segmenter" and rest and not rest[0].startswith("-") else ""
    if command not in known:
        return f"no command {command}"
    used = {word.split("=")[0] for word in rest if word.startswith("--")}
    return " ".join(sorted(used - known[command]))


def test_every_module_stands_in_the_tree_of_readme() -> None:
    modules = {
        path.relative_to(REPOSITORY).as_posix() for name in FOLDERS for path in (REPOSITORY / name).rglob("*.py")
    }
    assert {name for name in modules if not name.endswith("__init__.py")} - set(tree()) == set()


def test_everything_in_the_tree_of_readme_is_there() -> None:
    assert [name for name in tree() if not (REPOSITORY / name).exists()] == []


def test_the_tree_of_readme_names_nothing_twice() -> None:
    names = list(tree())
    assert sorted(names) == sorted(set(names))


def test_every_line_of_the_tree_says_what_the_file_is_for() -> None:
    [content] = fenced(REPOSITORY / "README.md", "text")
    assert [line for line in content.splitlines() if not re.search(r"\S\s{2,}\S", line)] == []


def test_readme_shows_every_command_of_segmenter() -> None:
    shown = {words[1] for _, words in COMMANDS if words[0] == "segmenter"}
    known = options("segmenter")
    assert known is not None
    assert set(known) - {""} - shown == set()


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[shlex.join(words)[:60] for _, words in COMMANDS])
def test_every_command_in_the_documentation_exists_with_its_options(page: str, words: list[str]) -> None:
    assert faults(words) == ""


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("segmenter guess corpus.csv", "no command guess"),
        ("segmenter score corpus.csv --modle bundle", "--modle"),
        ("python -m training.guess", "no module training.guess"),
        ("python -m training.train --params p.yaml --fast=yes", "--fast"),
        ("segmenter score in.csv --model bundle --out out.csv", ""),
        ("mlflow ui --backend-store-uri sqlite:///mlflow.db", ""),
    ],
)
def test_the_guard_sees_what_a_command_line_gets_wrong(line: str, fault: str) -> None:
    assert faults(shlex.split(line)) == fault


def test_every_make_target_in_the_documentation_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)
    asked = {words[1] for _, words in COMMANDS if words[0] == "make" and len(words) > 1}
    assert asked - set(targets) == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_file()], ids=lambda page: page.name)
def test_every_relative_link_and_picture_is_there(page: Path) -> None:
    links = [link.split("#")[0] for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
