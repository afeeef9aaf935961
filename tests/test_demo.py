"""training/demo.py: the demo's commands are the ones a user has; `make demo` itself runs in CI."""

from pathlib import Path

from training.demo import EXAMPLE, steps

MODEL = "models:/m@challenger"
STEPS = steps(EXAMPLE / "params.yaml", Path("runs/x"), MODEL)


def test_the_demo_goes_through_the_commands_of_the_main_job() -> None:
    commands = [step.command for step in STEPS]
    found = [" ".join(command[:3]) if command[0] == "python" else " ".join(command[:2]) for command in commands]
    assert found == [
        "python -m training.prepare",
        "python -m training.train",
        "python -m eval.evaluate",
        "python -m eval.gate",
        "segmenter score",
        "segmenter explain",
        "segmenter summarise",
    ]


def test_the_demo_scores_explains_and_summarises_with_the_registered_version() -> None:
    assert [MODEL in step.command for step in STEPS] == [False, False, False, False, True, True, True]


def test_a_missed_gate_alone_does_not_end_the_demo() -> None:
    assert [step.command[2] for step in STEPS if 1 in step.codes] == ["eval.gate"]
