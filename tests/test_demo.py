"""training/demo.py: the demo's commands are the ones a user has; `make demo` itself runs in CI."""

from pathlib import Path

from training.demo import EXAMPLE, steps


def test_the_demo_goes_through_the_five_commands_of_the_main_job() -> None:
    commands = [command for _, command in steps(EXAMPLE / "params.yaml", Path("runs/x"), "models:/m@challenger")]
    found = [" ".join(command[:3]) if command[0] == "python" else " ".join(command[:2]) for command in commands]
    assert found == [
        "python -m training.prepare",
        "python -m training.train",
        "python -m eval.evaluate",
        "segmenter score",
        "segmenter summarise",
    ]


def test_the_demo_scores_and_summarises_with_the_registered_version() -> None:
    commands = [command for _, command in steps(EXAMPLE / "params.yaml", Path("runs/x"), "models:/m@challenger")]
    assert ["models:/m@challenger" in command for command in commands] == [False, False, False, True, True]
