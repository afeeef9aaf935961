"""What an unfinished training leaves in its run folder, so that the same command goes on with it: safetensors and JSON.

A file a stage, always whole: it is written beside its place and then moved there. Gone once the bundle is sealed.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from segmenter.errors import ParamsError, TableError
from segmenter.writers import write_text
from training import processes

PLAN = "plan.json"
FACTS = "facts"  # the one key of a file's metadata, which safetensors holds as strings


@dataclass(frozen=True)
class State:
    """Where a stage stands: tensors by name, and facts that fit into JSON."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class Checkpoints:
    """The checkpoint folder of one training."""

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        """Open the folder, new or left by a training that was killed.

        Args:
            folder: Its files are ours alone.
            plan: What a checkpoint must agree with: everything that decides the result, as JSON.

        Raises:
            ParamsError: It holds a training of another plan.
        """
        self.folder = folder
        self.plan = plan
        self.run_id: str | None = None
        if (folder / PLAN).is_file():
            found = json.loads((folder / PLAN).read_text("utf-8"))
            self.run_id = found["run_id"]
            others = sorted(name for name in {*plan, *found["plan"]} if plan.get(name) != found["plan"].get(name))
            if others:
                raise ParamsError(
                    folder,
                    f"holds an unfinished training of another {', another '.join(others)}",
                    "delete it to start anew, or name another folder in the params",
                )

    def begin(self, run_id: str) -> None:
        """Note what the files to come belong to; `run_id` is the MLflow run that a resumed training goes on with."""
        self.run_id = run_id
        self.folder.mkdir(exist_ok=True)
        write_text(self.folder / PLAN, json.dumps({"run_id": run_id, "plan": self.plan}, indent=1) + "\n")

    def save(self, stage: str, state: State) -> None:
        """Write where a stage stands, in place of where it stood before; the first process alone does.

        Raises:
            TableError: The folder cannot be written to, or the disk is full.
        """
        if processes.number():
            return
        part = self._file(stage).with_suffix(".part")
        tensors = {name: tensor.contiguous() for name, tensor in state.tensors.items()}
        try:
            save_file(tensors, part, metadata={FACTS: json.dumps(state.facts)})
            part.replace(self._file(stage))
        except (OSError, SafetensorError) as error:  # safetensors has an error of its own for a full disk
            found = f"cannot be written ({error})"
            raise TableError(part, found, "check the folder's permissions and the free space") from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def facts(self, stage: str) -> dict[str, Any] | None:
        """The facts of a stage alone, None where it has not been saved.

        Raises:
            ParamsError: The file is damaged.
        """
        if not self._file(stage).is_file():
            return None
        try:
            with safe_open(self._file(stage), framework="pt") as stored:
                return dict(json.loads(stored.metadata()[FACTS]))
        except SafetensorError as error:
            remedy = f"delete {self.folder} to start anew"
            raise ParamsError(self._file(stage), f"is damaged ({error})", remedy) from error

    def load(self, stage: str) -> State | None:
        """Where a stage stands, None where it has not been saved.

        Raises:
            ParamsError: The file is damaged.
        """
        facts = self.facts(stage)
        if facts is None:
            return None
        # copies: a loaded tensor is a view of the mapped file, at whatever address it has there
        return State({name: part.clone() for name, part in load_file(self._file(stage)).items()}, facts)

    def drop(self, stage: str) -> None:
        """Forget a stage whose outcome stands elsewhere."""
        if not processes.number():
            self._file(stage).unlink(missing_ok=True)

    def remove(self) -> None:
        """Leave nothing: the training has ended."""
        for file in (*self.folder.glob("*.safetensors"), *self.folder.glob("*.part"), self.folder / PLAN):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # something of another's lies there
            self.folder.rmdir()

    def _file(self, stage: str) -> Path:
        return self.folder / f"{stage}.safetensors"


def moments(optimiser: Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers, by parameter number and name; it changes with the next step."""
    state = optimiser.state_dict()["state"]
    return {f"{number}.{name}": value for number, found in state.items() for name, value in found.items()}


def restore_moments(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Take up what `moments` gave, to the bit."""
    found: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".")
        found.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": found})


def named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose name begins with a prefix and a point, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): part for name, part in tensors.items() if name.startswith(start)}
