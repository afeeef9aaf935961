"""Scoring with Ray Data: files are read side by side by tasks, their chunks scored and written as parts by workers.

On a Ray of this machine that ends with the run, or on a cluster that runs. Not here: the stages (engines.py), what travels
(parcels.py), the parts themselves (parts.py).
"""

import logging
import os
import platform
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import ray
import ray.data
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask
from ray.exceptions import RayActorError, RaySystemError
from ray.util.annotations import RayDeprecationWarning

from segmenter.errors import EngineError, SegmenterError
from segmenter.runtimes.cores import THREADS
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.engines import Done, Work, open_store, scored
from segmenter.scoring.parcels import chunk_in, done_in, is_error, of_chunk, of_done, of_error
from segmenter.scoring.parts import MANIFEST, Parts, write_part
from segmenter.scoring.ray_cluster import Share, joined, shared_out

CHUNKS_AT_ONCE = 2  # in a worker: while one is run, the next is prepared
TRIES = 4  # of a chunk: a node may go at any time, one chunk does not meet that four times


@dataclass(frozen=True)
class Order:
    """What is sent to every task and worker.

    Attributes:
        work: Its paths absolute.
        parts: Those of the work.
        bundle: Its files, by name, where the workers may not see its folder.
    """

    work: Work
    parts: Parts
    bundle: dict[str, bytes] | None

    @property
    def place(self) -> str:
        """How an error names this machine; empty on the user's own."""
        return "" if self.bundle is None else platform.node()


def run(work: Work, *, address: str | None, n_workers: int | None) -> Generator[Done, None, None]:
    """Every chunk of the corpus, in order; the workers write the parts, the same bytes as the local engine's.

    A worker that is killed is started again and does its chunks again, each TRIES times at most.

    Args:
        work: With parts to write.
        address: Of a cluster that runs, whose nodes see inputs and output at the same path (the bundle is sent to them);
            None: a Ray of this machine.
        n_workers: None for as many as cores, or GPUs, allow.

    Raises:
        EngineError: The cluster cannot be had, or this is no work for one.
        SegmenterError: As the local engine, in a worker.
    """
    parts = work.parts
    if parts is None:
        raise ValueError("workers write a folder of parts")
    if address is not None and work.cache is not None:
        raise EngineError("--cache", "lies on one machine and cannot serve a cluster", "leave it out")
    files = tuple(replace(file, path=file.path.absolute()) for file in work.corpus.files)
    work = replace(work, corpus=replace(work.corpus, files=files), cache=work.cache and work.cache.absolute())
    with joined(address):
        share = shared_out(ray.nodes(), n_workers, on_gpus=work.settings.device == "cuda")
        order = Order(work, replace(parts, folder=parts.folder.absolute()), _content(work.bundle) if address else None)
        with closing(_outcomes(ray.put(order), len(files), share)) as outcomes:
            try:
                yield from map(done_in, outcomes)
            except RaySystemError as error:
                told = str(getattr(error, "cause", error)).splitlines()[0]
                remedy = "install the same audience-segmenter[ray] on every node"
                raise EngineError("--engine ray", f"a worker cannot begin ({told})", remedy) from error
            except RayActorError as error:
                found = f"workers were killed {TRIES} times at the same rows, as a rule for want of memory"
                raise EngineError("--engine ray", found, "set score.part_rows or --workers lower") from error


def _content(bundle: Path) -> dict[str, bytes]:
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def _outcomes(order: "ray.ObjectRef[Order]", n_files: int, share: Share) -> Generator[pa.Table, None, None]:
    """The parcels that workers give back, in the order of the chunks."""
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.target_max_block_size = 1  # a parcel is a block, never gathered into a larger one
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with ray.data.DataContext.current(context):
        found = ray.data.read_datasource(
            Files(order, n_files),
            num_cpus=0,  # with a share of their own, readers that wait for a dead worker take the place of the next
            concurrency=share.n_workers + 1,
            override_num_blocks=n_files,
        )
        with warnings.catch_warnings():  # Ray 2.64 will take no max_task_retries; pyproject.toml keeps below it
            warnings.simplefilter("ignore", RayDeprecationWarning)
            done = found.map_batches(
                Worker,
                fn_constructor_args=(order, share.n_cores),
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(
                    size=share.n_workers,
                    max_concurrent_calls_per_actor=CHUNKS_AT_ONCE,
                    enable_true_multi_threading=True,
                ),
                num_cpus=share.n_cores,
                num_gpus=share.n_gpus,
                max_task_retries=TRIES - 1,
            )
        yield from done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


class Files(Datasource):  # type: ignore[misc]
    """A corpus as Ray Data reads it: a task for each file."""

    def __init__(self, order: "ray.ObjectRef[Order]", n_files: int) -> None:
        super().__init__()
        self._order = order
        self._n_files = n_files

    def estimate_inmemory_data_size(self) -> None:
        """Not known before it is read."""

    def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ReadTask]:
        """One for each file, whatever `parallelism` is wished for."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None)
        return [ReadTask(partial(_read, self._order, file), unknown) for file in range(self._n_files)]


def _read(sent: "ray.ObjectRef[Order]", file: int) -> Iterator[pa.Table]:
    """The chunks of one file as parcels; an error is the last."""
    order = ray.get(sent)
    try:
        yield from map(of_chunk, order.work.chunks(file))
    except SegmenterError as error:
        yield of_error(error, order.place)


class Worker:
    """A process with a bundle open and a score store of its own; scores chunks and writes their parts."""

    def __init__(self, sent: "ray.ObjectRef[Order]", n_cores: int) -> None:
        os.environ[THREADS] = os.environ["RAYON_NUM_THREADS"] = str(n_cores)  # of the network; of the tokenizer
        self._order: Order = ray.get(sent)
        self._error: SegmenterError | None = None
        try:
            self._scorer, self._store = scorer_of(self._order), open_store(self._order.work)
        except SegmenterError as error:  # each chunk tells it: what fails here only ends in Ray starting it again
            self._error = error

    def __call__(self, parcel: pa.Table) -> pa.Table:
        """What became of a chunk; several threads call."""
        if is_error(parcel):
            return parcel
        try:
            if self._error is not None:
                raise self._error
            (done,) = scored([chunk_in(parcel)], self._order.work, self._scorer, self._store)
            if done.rows is not None:
                write_part(self._order.parts, done.rows, done.tally, file=done.file, number=done.number)
        except SegmenterError as error:
            return of_error(error, self._order.place)
        return of_done(done)


def scorer_of(order: Order) -> Scorer:
    """The bundle opened as planned: from its folder, or from what was sent, audited here.

    Raises:
        BundleError, ModelError: It cannot be opened.
        EngineError: The output is not seen from here, or what is installed here would give other scores.
    """
    folder, plan = order.parts.folder, order.parts.plan
    if not (folder / MANIFEST).is_file():
        raise EngineError(folder, "is not seen by a worker", "name an --out on a disk that every node sees")
    if order.bundle is None:
        scorer = open_scorer(order.work.bundle, order.work.settings)
    else:
        with TemporaryDirectory(prefix="segmenter-") as place:
            for name, content in order.bundle.items():
                file = Path(place, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            scorer = open_scorer(Path(place), order.work.settings)
            scorer.score(["-"])  # its graph is compiled while the file is there
    if (scorer.bundle.digest, scorer.runtime.key) != (plan.bundle, plan.runtime):
        found = f"a worker has runtime {scorer.runtime.key!r}, the plan {plan.runtime!r}"
        raise EngineError(
            "--engine ray", found, "install the same versions everywhere, and name --runtime and --device"
        )
    return scorer
