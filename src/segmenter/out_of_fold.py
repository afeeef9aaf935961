"""What fold models said of training messages they had not seen, kept in the bundle: the ground of its calibration.

A row a message: its logits, its labels, its language, a number for its author. Never text, never an author's name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segmenter.bundle import OUT_OF_FOLD, Bundle

LOGIT, TRUTH = "logit_", "truth_"


@dataclass(frozen=True)
class OutOfFold:
    """Trusted training messages, each judged by a model that saw neither it, its author nor its text.

    Attributes:
        audience_ids: In the order of the columns.
        logits: Shape (n_messages, n_audiences), uncalibrated.
        truth: Labels, same shape.
        languages: As the labelled tables say or detection found, shape (n_messages,).
        clusters: A number per message, shape (n_messages,); equal for messages that share an author or a text.
    """

    audience_ids: list[str]
    logits: NDArray[np.float32]
    truth: NDArray[np.bool_]
    languages: NDArray[np.str_]
    clusters: NDArray[np.int64]


def write_out_of_fold(folder: Path, found: OutOfFold) -> None:
    """Write the table among the parts of a bundle."""
    columns = {f"{LOGIT}{name}": pa.array(found.logits[:, i]) for i, name in enumerate(found.audience_ids)}
    columns |= {f"{TRUTH}{name}": pa.array(found.truth[:, i]) for i, name in enumerate(found.audience_ids)}
    columns |= {"lang": pa.array(found.languages.tolist(), pa.string()), "cluster": pa.array(found.clusters)}
    pq.write_table(pa.table(columns), folder / OUT_OF_FOLD, compression="zstd")


def read_out_of_fold(bundle: Bundle) -> OutOfFold:
    """The table of an audited bundle."""
    with pq.ParquetFile(
        bundle.path / OUT_OF_FOLD
    ) as file:  # pq.read_table imports pyarrow.dataset: a tenth of a second
        table = file.read()
    logits, truth = (
        np.column_stack([table[f"{kind}{name}"].to_numpy() for name in bundle.audience_ids]) for kind in (LOGIT, TRUTH)
    )
    return OutOfFold(
        bundle.audience_ids,
        logits.astype(np.float32),
        truth.astype(np.bool_),
        np.array(table["lang"].to_pylist(), dtype=np.str_),
        table["cluster"].to_numpy().astype(np.int64),
    )
