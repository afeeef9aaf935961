"""What each contender decided of each judged message, as a table beside metrics.json: never text, never an author's name.

With it, several evaluations can be compared on the same resampled messages (seeds.py).
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from eval.baselines import Judgement
from eval.figures import Judged, Labels
from segmenter.errors import TableError
from segmenter.writers import whole_file

FILE = "decisions.parquet"
TRUTH = "truth"
ABOUT = ["row", "key", "cluster"]  # of the message: its place in the split, hashed text, author
IN = "in "  # then a slice's name


@dataclass(frozen=True)
class Decisions:
    """One row a message: columns as ABOUT; `in <slice>`, `truth_<audience>`, `<contender>_<audience>`, true or false."""

    frame: pd.DataFrame
    audience_ids: list[str]

    def of(self, name: str) -> Labels:
        """The labels (`truth`) or what a contender chose, shape (n_messages, n_audiences)."""
        return self.frame[[f"{name}_{audience}" for audience in self.audience_ids]].to_numpy(bool)

    @property
    def slices(self) -> dict[str, Labels]:
        """The messages of each slice, as masks."""
        names = [name for name in self.frame.columns if name.startswith(IN)]
        return {name.removeprefix(IN): self.frame[name].to_numpy(bool) for name in names}

    def within(self, mask: Labels) -> "Decisions":
        """Those on some of the messages."""
        return Decisions(self.frame[mask], self.audience_ids)


def write_decisions(folder: Path, frame: pd.DataFrame, judged: Judged, contenders: list[Judgement]) -> None:
    """Write the decisions on a split's messages (`frame`, as read_split gives it) to `folder`."""
    about = {
        "row": range(len(frame)),
        "key": frame["key"].to_numpy(),
        "cluster": judged.clusters,
        **{f"{IN}{name}": mask for name, mask in judged.slices.items()},
    }
    labels = {TRUTH: judged.truth, **{contender.name: contender.chosen for contender in contenders}}
    columns = {
        f"{name}_{audience}": chosen[:, i]
        for name, chosen in labels.items()
        for i, audience in enumerate(judged.audience_ids)
    }
    with whole_file(folder / FILE) as stream:
        pd.DataFrame(about | columns).to_parquet(stream, index=False)


def read_decisions(folder: Path) -> Decisions:
    """The decisions in an evaluation's folder.

    Raises:
        TableError: They are missing, or not what evaluate writes.
    """
    remedy = "name a folder that python -m eval.evaluate wrote"
    try:
        frame = pd.read_parquet(folder / FILE)
    except (OSError, pa.ArrowInvalid) as error:
        raise TableError(folder, f"holds no readable {FILE}", remedy) from error
    audience_ids = [name.removeprefix(f"{TRUTH}_") for name in frame.columns if name.startswith(f"{TRUTH}_")]
    if not audience_ids or not set(ABOUT) <= set(frame.columns):
        raise TableError(folder / FILE, "lacks columns", remedy)
    return Decisions(frame, audience_ids)
