"""What the model that scored a corpus is worth, as its bundle has it, in sentences. Not here: its evaluation (eval/)."""

from collections.abc import Iterator

import numpy as np

from segmenter.bundle import Bundle
from segmenter.calibration import judge, to_scores
from segmenter.intervals import Estimate, resample
from segmenter.metrics import shares
from segmenter.out_of_fold import read_out_of_fold
from segmenter.summary.wording import language_name


def model_figures(bundle: Bundle, *, n_rounds: int, seed: int) -> list[str]:
    """Sentences on what it was trained on, how often it is right where it chooses, and what it promises.

    Args:
        bundle: Audited.
        n_rounds: Resamples by author that the intervals are made of.
        seed: Of them.
    """
    return [*_training(bundle), *_out_of_fold(bundle, n_rounds, seed), *_promise(bundle)]


def _training(bundle: Bundle) -> Iterator[str]:
    manifest = bundle.manifest
    numbers = ", ".join(f"{n:,} {name}" for name, n in manifest.n_messages.items())
    languages = ", ".join(language_name(code) for code in manifest.languages)
    yield f"Made from these messages: {numbers}; in scope are {languages}."
    if manifest.cpu is not None and manifest.cpu.precision == "int8":
        agreed = f"{100 * manifest.cpu.int8_agreement:.2f} % of {manifest.cpu.n_decisions:,} decisions"
        yield f"On a processor it computes in 8 bits, which agreed with 32 on {agreed}."


def _out_of_fold(bundle: Bundle, n_rounds: int, seed: int) -> Iterator[str]:
    """How often a clear choice is right, and how much of what carries a label is chosen, in messages that no fold model saw."""
    found = read_out_of_fold(bundle)
    chosen = judge(to_scores(found.logits, bundle.manifest.calibration), bundle.manifest.calibration).clear
    resamples = resample(found.clusters, n_rounds=n_rounds, seed=seed)
    right, reached = shares(found.truth, chosen, resamples), shares(chosen, found.truth, resamples)
    for number, audience in enumerate(bundle.manifest.audiences):
        column = np.arange(len(bundle.audience_ids)) == number
        n_chosen, n_true = int(chosen[:, number].sum()), int(found.truth[:, number].sum())
        if not n_chosen:
            yield f"{audience.name}: none of {n_true:,} messages with the label was clearly chosen out of fold."
            continue
        yield (
            f"{audience.name}: of {n_chosen:,} messages clearly chosen out of fold {_written(right.estimate(column))} carry the "
            f"label, of {n_true:,} with the label {_written(reached.estimate(column))} were chosen."
        )
    yield (
        f"Out of fold means: {len(found.truth):,} messages by {len(np.unique(found.clusters)):,} authors, each judged by a model "
        "of the same recipe that saw neither it nor its author, at thresholds found on them; on other sources expect less."
    )


def _promise(bundle: Bundle) -> Iterator[str]:
    manifest = bundle.manifest
    if manifest.guarantee is not None:
        yield f"Its uncertain bands promise: {manifest.guarantee.sentence()}."
    elif manifest.no_guarantee:
        yield f"Its uncertain bands promise nothing: {manifest.no_guarantee}"


def _written(found: Estimate) -> str:
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"
