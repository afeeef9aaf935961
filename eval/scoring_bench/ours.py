"""`python -m eval.scoring_bench.ours segmenter …`: our own scoring, through the stages of `segmenter score`. No torch.

Clean, language, scope, tokenise, run, calibrate, judge; the stages overlap as they do there. Every text has to be a
different one, else the stages would run it once.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from time import perf_counter

import numpy as np

from eval.scoring_bench.gemm import openvino_gemm_per_second
from eval.scoring_bench.timing import Count, Logits, Order, command
from segmenter.batches import n_computed
from segmenter.cli import run
from segmenter.flow import ahead
from segmenter.params import load_settings
from segmenter.runtimes.cores import usable_cores
from segmenter.score import Prepared, Scorer
from segmenter.scoring.engines import AHEAD
from segmenter.store import ScoreStore

TEXTS_AT_ONCE = 1000  # so that 2,000 messages are two chunks, whose stages overlap as those of a corpus


class Ours:
    """A Scorer with an empty store for each call."""

    def __init__(self, order: Order) -> None:
        settings = load_settings(None).score
        self._scorer = Scorer(order.bundle, settings.model_copy(update={"runtime": "auto", "device": "cpu"}))
        self._int8 = order.bundle.manifest.cpu is not None and order.bundle.manifest.cpu.precision == "int8"
        self.threads = f"{self._scorer.runtime.key}, {usable_cores()} streams of one thread"
        self.count = Count()
        self.stages = {"prepare": 0.0, "network": 0.0, "judge": 0.0}

    def logits(self, texts: Sequence[str]) -> Logits:
        """As `segmenter score` finds them, verdicts and columns made too.

        Raises:
            ValueError: Two texts are equal once cleaned.
        """
        found = []
        with ScoreStore.temporary() as store, closing(ahead(self._prepared(texts, store), AHEAD)) as met:
            for prepared in met:
                if len(prepared.new) != len(prepared.keys):
                    raise ValueError("two texts are equal once cleaned")
                started = perf_counter()
                readings = self._scorer.read(prepared, store)
                ended = perf_counter()
                self._scorer.columns(self._scorer.judged(readings), "")
                self.stages["network"] += ended - started
                self.stages["judge"] += perf_counter() - ended
                self._add(prepared)
                found.append(readings.logits)
        return np.concatenate(found)

    def _prepared(self, texts: Sequence[str], store: ScoreStore) -> Iterator[Prepared]:
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            started = perf_counter()
            prepared = self._scorer.prepare(texts[start : start + TEXTS_AT_ONCE], store)
            self.stages["prepare"] += perf_counter() - started
            yield prepared

    def _add(self, prepared: Prepared) -> None:
        ids = prepared.seen.tokens.ids
        self.count.n_tokens += n_computed(ids, self._scorer.runtime.batch_tokens)
        self.count.n_real += sum(map(len, ids))

    def gemm_per_second(self) -> float:
        """In the precision of the bundle's graph."""
        return openvino_gemm_per_second(int8=self._int8, n_streams=usable_cores())


app = command(Ours)

if __name__ == "__main__":
    run(app)
