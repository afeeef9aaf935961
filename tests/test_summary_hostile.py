"""A corpus of texts, names and dates that break tables, patterns, pages and calendars."""

from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scored_rows import BERLIN, UTC, Row, Settings, corpus_of, message, unmarked

from segmenter.params import load_settings
from segmenter.summary.findings import Scope
from segmenter.summary.margins import daily_counts, dimensions, histograms_over_time, margin
from segmenter.summary.periods import calendar, local_days
from segmenter.summary.scopes import by_period, whole
from segmenter.summary.told import teller

TEXTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><!-- ${7*7} {{7*7}}",
    '{"a": "\\u2028", }]]></style>',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\u202eabc\u2066def\u2069 \u200bzero\u200dwidth\ufeff",
    "z\u0336" * 50,
    "word " * 20_000,
    "a" * 100_000,
    "a." * 50_000,
    "@" * 100_000,
    "#" * 100_000,
    "#" + "ab" * 50_000,
    "'-’" * 30_000,
    "\u0301" * 10_000 + " x",
    "\x00\x01\x02 null",
    "🇺🇦" * 20_000,
    "हिन्दी 中文 ไทย עברית العربية",
    "|",
    "link",
    "@user",
    "1",
    "é" * 4,
    "𝕳𝖆𝖗𝖇𝖔𝖚𝖗 𝖜𝖆𝖑𝖑",
]
SOURCES = ["<b>x</b>", "=1+1", "\u202eevil", "a" * 10_000, "\x00", " ", None, "None"]
DATES = [
    "0001-01-01",
    "9999-12-31",
    "1e400",
    "-1",
    "99999999999999999999",
    "2031-02-30",
    "١٢٣",
    "\x00",
    None,
    "1939248000000",
]


def hostile_rows() -> list[Row]:
    """Every text twice, once for each side, with every source and date in turn."""
    return [
        message(
            text,
            "north" if side else "",
            source=SOURCES[(number + side) % len(SOURCES)],
            created_at=DATES[(number + side) % len(DATES)],
            language="en" if number % 3 else "x;y",
        )
        for number, text in enumerate(TEXTS)
        for side in (0, 1)
    ]


@pytest.mark.parametrize("zone", [UTC, BERLIN, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/Los_Angeles")])
def test_a_hostile_corpus_is_read_counted_and_told_of(tmp_path: Path, zone: ZoneInfo) -> None:
    corpus = corpus_of(tmp_path, hostile_rows(), zone=zone)
    settings = Settings()
    days = local_days(corpus.seconds, zone)
    periods = calendar(corpus.seconds, corpus.has_time, zone, periods_at_most=200)
    for dimension in dimensions(corpus, settings):
        found = margin(corpus, dimension, periods)
        assert found.n_messages.sum() == corpus.n_messages == 2 * len(TEXTS)
        assert found.n_chosen[:, 0].sum() == len(TEXTS)
        histograms_over_time(corpus, dimension, periods, "north", corpus.languages)
    assert daily_counts(corpus, days).totals.sum() == (periods.numbers >= 0).sum() > 0
    made = teller(
        corpus,
        settings,
        load_settings(None).duplicates,
        zone=zone,
        show_handles=False,
        spans=unmarked,
        on_progress=None,
    )
    for part in (whole(days), *by_period(corpus, days, zone=zone, periods_at_most=12)):
        told = made.told(part.scope, part.rows)
        assert len(str(asdict(told))) < 60_000
        shown = "".join(one.text for to in told.audiences for one in [*to.examples, *to.copies])
        shown += "".join(word.word for to in told.audiences for one in [*to.words, *to.phrases] for word in one.words)
        assert not set("\u202e\u2066\u200b\ufeff\x00\u2028") & set(shown)


def test_words_of_a_hostile_corpus_name_nobody(tmp_path: Path) -> None:
    around = "harbour {} mail ann@post.example @ann_b t.me/ann {}"
    texts = [around.format(text[:200], number) for number, text in enumerate(TEXTS)]
    corpus = corpus_of(tmp_path, [message(text, "north" if n % 2 else "") for n, text in enumerate(texts)])
    settings, duplicates = Settings(words=500, word_z_at_least=0.0), load_settings(None).duplicates
    made = teller(corpus, settings, duplicates, zone=UTC, show_handles=False, spans=unmarked, on_progress=None)
    told = made.told(Scope("corpus", "", None, None), np.arange(corpus.n_messages)).audiences[0]
    words = [word.word for found in (*told.words, *told.phrases) for word in found.words]
    assert "harbour" in " ".join(words)
    assert not [word for word in words if "ann" in word or "post" in word or "@" in word]
