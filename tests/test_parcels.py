from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segmenter.errors import StoreError, TableError
from segmenter.inputs import Chunk
from segmenter.messages import MessageBatch, Reject
from segmenter.scoring.drift import N_BINS
from segmenter.scoring.engines import Done
from segmenter.scoring.parcels import chunk_in, done_in, is_error, of_chunk, of_done, of_error
from segmenter.scoring.tally import Effort, Tally

REJECT = Reject("b.csv", 7, "column 'text' is empty", '{"text": "\ud800"}')  # a half character: files have them
ROWS = pa.RecordBatch.from_pylist([{"text": "the red library", "n": 1}, {"text": None, "n": 2}])
CHUNK = Chunk(
    file=3, number=1, n_rows=3, messages=MessageBatch("b.csv", [5, 6], ROWS), rejects=[REJECT], done_share=1 / 3
)  # fmt: skip


@pytest.mark.parametrize("chunk", [CHUNK, replace(CHUNK, messages=None)], ids=["messages", "none"])
def test_a_chunk_comes_out_as_it_was_packed(chunk: Chunk) -> None:
    parcel = of_chunk(chunk)
    assert (len(parcel), is_error(parcel), chunk_in(parcel)) == (1, False, chunk)


def test_an_outcome_comes_out_as_it_was_packed() -> None:
    bins = np.arange(2 * N_BINS, dtype=np.int64).reshape(2, N_BINS)
    tally = Tally(3, 1, Counter(chosen=2), 1, Counter(), bins)
    done = Done(3, 1, rows=None, tally=tally, effort=Effort(2, 1, 64, 9), rejects=[REJECT], done_share=1 / 3)
    found = done_in(of_done(done))
    assert replace(found, tally=None) == replace(done, tally=None)
    assert found.tally.as_json() == tally.as_json()


def test_an_error_is_raised_where_its_parcel_is_opened() -> None:
    parcel = of_error(TableError("b.csv line 7", "column 'text' is empty", "mend it"), "")
    assert is_error(parcel)
    for opened in (chunk_in, done_in):
        with pytest.raises(TableError, match="^b.csv line 7: column 'text' is empty; mend it$"):
            opened(parcel)


def test_an_error_names_the_machine_that_met_it() -> None:
    parcel = of_error(StoreError("the store", "the disk is full", "make room"), "node-7")
    with pytest.raises(StoreError, match=r"^the store \(on node-7\): the disk is full; make room$"):
        done_in(parcel)
