"""What is counted in a scored table, whatever the model is worth: the corpus, its audiences, what the model could not tell.

Not here: counts by language, source and period (cuts.py), estimates.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from segmenter.messages import NOT_TRAINED, SHATTERED, TOO_SHORT, VERDICTS
from segmenter.scoring.parts import RECORD
from segmenter.summary import findings
from segmenter.summary.corpus import Corpus
from segmenter.summary.margins import Ints, SourceSettings, named_sources, source_sizes
from segmenter.summary.periods import NO_DAY, iso_day

DOMINANT = 1 / 4  # of all messages: what holds for such a source may pass for the corpus
UNDETERMINED = "und"


def corpus_facts(corpus: Corpus, days: Ints, settings: SourceSettings) -> findings.Corpus:
    """The corpus as a whole; `days` as of `local_days`."""
    dated = days[days != NO_DAY]
    sizes = np.bincount(corpus.text, minlength=corpus.n_texts)
    return findings.Corpus(
        n_messages=corpus.n_messages,
        n_texts=corpus.n_texts,
        n_repeats=corpus.n_messages - corpus.n_texts,
        n_copied_texts=int((sizes > 1).sum()),
        n_sources=len(corpus.sources) if corpus.is_sourced else None,
        n_pooled_sources=int((~named_sources(corpus, settings)).sum()),
        n_languages=len([code for code in corpus.languages if code != UNDETERMINED]),
        first_day=iso_day(int(dated.min())) if len(dated) else None,
        last_day=iso_day(int(dated.max())) if len(dated) else None,
        n_no_date=int((days == NO_DAY).sum()),
        n_assumed_utc=corpus.n_assumed_utc,
    )


def verdicts(corpus: Corpus) -> dict[str, int]:
    """Messages by verdict."""
    counts = np.bincount(corpus.verdict, minlength=len(VERDICTS))
    return {name: int(n) for name, n in zip(VERDICTS, counts, strict=True)}


def audience_facts(corpus: Corpus, names: Mapping[str, str]) -> list[findings.AudienceFinding]:
    """Counts of each audience, its estimates empty; one without a name is called by its id."""
    set_aside = corpus.chosen & ~corpus.in_scope[:, None]
    return [
        findings.AudienceFinding(
            id=name,
            name=names.get(name) or _spoken(name),
            n_chosen=int(corpus.clear[:, number].sum()),
            n_texts=len(np.unique(corpus.text[corpus.clear[:, number]])),
            n_near=int(corpus.near[:, number].sum()),
            n_set_aside=int(set_aside[:, number].sum()),
            share=None,
            sampled=None,
            not_estimable={},
        )
        for number, name in enumerate(corpus.audience_ids)
    ]


def unknowns(corpus: Corpus, n_rejects: int | None, settings: SourceSettings) -> findings.Unknowns:
    """What the model could not tell, by reason, and what may mislead."""
    sizes, named = source_sizes(corpus), named_sources(corpus, settings)
    dominant = [number for number in np.argsort(-sizes, kind="stable") if sizes[number] > DOMINANT * corpus.n_messages]
    counts = np.bincount(corpus.reason, minlength=len(corpus.reasons))
    by_reason: Counter[tuple[str, str]] = Counter()
    for reasons, n in zip(corpus.reasons, counts.tolist(), strict=True):
        by_reason.update(dict.fromkeys(reasons, n))
    return findings.Unknowns(
        n_uncertain=int(corpus.is_uncertain.sum()),
        n_near=int(corpus.near.any(axis=1).sum()),
        n_out_of_scope=int((~corpus.in_scope).sum()),
        n_too_short=by_reason[TOO_SHORT, ""],
        n_shattered=by_reason[SHATTERED, ""],
        n_set_aside=int((corpus.chosen.any(axis=1) & ~corpus.in_scope).sum()),
        untrained={about: n for (code, about), n in by_reason.most_common() if code == NOT_TRAINED},
        n_rejects=n_rejects,
        dominant_sources={corpus.sources[number]: int(sizes[number]) for number in dominant if named[number]},
    )


def n_rejects(scored: Path, model: str) -> int | None:
    """Rows that scoring set aside, as its record beside the table says; None without one, or of another model.

    Args:
        scored: The table, or the folder of parts.
        model: That the table names.
    """
    record = scored / RECORD if scored.is_dir() else scored.with_name(f"{scored.name}.{RECORD}")
    try:
        found = json.loads(record.read_text("utf-8"))
        return int(found["counts"]["n_rejects"]) if str(found["bundle"]).startswith(model) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _spoken(name: str) -> str:
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]
