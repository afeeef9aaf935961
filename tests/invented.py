"""Findings made up for the tests of what shows them: an ordinary set, a hostile one, and one as large as they come.

Three audiences: `north` is estimable in every language, `river` in English and German alone, `valley` nowhere.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from segmenter.summary.events import Event
from segmenter.summary.findings import (
    FORMAT,
    AudienceFinding,
    Cell,
    CopyGroup,
    Corpus,
    Dimension,
    Example,
    FileDigest,
    Findings,
    Judgement,
    LabelledSample,
    Method,
    Periods,
    Scope,
    Series,
    SeriesOf,
    ShareFinding,
    Shift,
    Span,
    Told,
    ToldTo,
    Unknowns,
    Value,
    Window,
)
from segmenter.summary.words import Word, WordList

AUDIENCES = {"north": "Northern publics", "river": "River towns", "valley": "Valley dwellers"}
RATES = {"north": 0.22, "river": 0.09, "valley": 0.04}
LANGUAGES = {"en": 0.5, "de": 0.25, "ru": 0.2, "el": 0.05}
TRAINED = {"north": ("en", "de", "ru"), "river": ("en", "de"), "valley": ()}
SOURCES = [
    "harbour-herald",
    "meadow-news",
    "lantern channel",
    "The Ferry Post",
    "canal-talk",
    "quay radio",
    "mill wire",
]
WORDS = {
    "en": ["harbour", "gates", "tolls", "ferry", "ledger", "council", "quay", "lanterns", "tide", "ropes", "warden"],
    "de": ["Hafen", "Schleuse", "Zoll", "Fähre", "Rathaus", "Laternen", "Ufer", "Brücke"],
    "ru": ["гавань", "шлюз", "паром", "пристань", "фонари", "мост"],
}
TEXTS = {
    "en": "The wardens shut the harbour gates again, and the tolls rise for everyone who still keeps a ferry here.",
    "de": "Wieder sind die Schleusen zu, und wer am Ufer wohnt, zahlt den Zoll für alle anderen gleich mit.",
    "ru": "Гавань снова закрыта, а плату за паром подняли для всех, кто живёт у пристани.",
}
HOLD = "document.body.dataset.hacked=1"
HOSTILE = [
    f"<script>{HOLD};alert(1)</script>",
    f"</script><script>{HOLD}</script>",
    f"</style><style>body{{display:none}}</style><script>{HOLD}</script>",
    f'<img src=x onerror="{HOLD}">',
    f'" onmouseover="{HOLD}" autofocus onfocus="{HOLD}" x="',
    f"' style='position:fixed;inset:0' onclick='{HOLD}'",
    f'<svg onload="{HOLD}"><a href="javascript:{HOLD}"><text>x</text></a></svg>',
    f"{{{{ {HOLD} }}}} {{% raw %}} ${{{HOLD}}}",
    f"]]>--><!--<iframe src='data:text/html,<script>{HOLD}</script>'></iframe>",
    '\\"},"x":{"\\u2028\u2028</script>\u0000',
    "\u202etxet desrever\u202c \u2066isolate \u200b\u200d\u2060zero\ufeff width",
    "<link rel=stylesheet href=https://tracker.example/x.css><img src=//tracker.example/p.gif>",
    "Z" * 100_000,
    "combining " + "a" + "\u0336\u0489" * 400,
    "=cmd|' /C calc'!A0",
    "datum.n; signal('x'); toString.constructor('" + HOLD + "')()",
    "[a link](https://tracker.example) **bold** | cell | `code` # heading\n\n- list\n1. item ![x](//tracker.example/p)",
    "__proto__",
]


def share(value: float, n_estimable: int, n_messages: int, method: str = "corrected") -> ShareFinding:
    """An estimate whose interval is the binomial one, doubled."""
    half = 2 * 1.96 * math.sqrt(value * (1 - value) / max(1, n_estimable))
    low, high = max(0.0, value - half), min(1.0, value + half)
    part = n_estimable / n_messages
    return ShareFinding(value, low, high, n_estimable, n_messages, low * part, high * part + 1 - part, method)


def ordinary(*, n_messages: int = 12_400, n_weeks: int = 26) -> Findings:
    """A corpus of half a year in four languages, with three events."""
    found = Maker(n_messages, n_weeks)
    return found.findings()


class Maker:
    """Invents figures that agree with each other, more or less; never random from one run to the next."""

    def __init__(self, n_messages: int, n_weeks: int, sources: Iterable[str] = SOURCES) -> None:
        self.n_messages = n_messages
        self.sources = list(sources)
        self.draw = np.random.default_rng(5)
        first = date(2031, 1, 6)
        starts = [first + timedelta(weeks=week) for week in range(n_weeks)]
        labels = [f"week of {start.day} {start:%B} {start.year}" for start in starts]
        end = (first + timedelta(weeks=n_weeks)).isoformat()
        self.periods = Periods("week", [start.isoformat() for start in starts], labels, end)

    def series(self, n_messages: int, languages: Iterable[str]) -> Series:
        """Volume in waves, and the estimate a little under the plain count."""
        n_weeks = len(self.periods.starts)
        waves = 1 + 0.4 * np.sin(np.arange(n_weeks) / 3) + self.draw.random(n_weeks) * 0.2
        totals = [int(n_messages * wave / waves.sum()) for wave in waves]
        return Series(totals, {name: self.series_of(name, totals, set(languages)) for name in AUDIENCES})

    def series_of(self, audience: str, totals: list[int], languages: set[str]) -> SeriesOf:
        rates = [RATES[audience] * (1.7 if week > len(totals) * 0.6 else 1) for week in range(len(totals))]
        chosen = [int(self.draw.binomial(total, rate)) for total, rate in zip(totals, rates, strict=True)]
        estimable = bool(languages & set(TRAINED[audience]))
        found = [
            share(0.85 * count / total, total, total) if estimable and total >= 5 else None
            for count, total in zip(chosen, totals, strict=True)
        ]
        ends = [[None if one is None else getattr(one, end) for one in found] for end in ("value", "low", "high")]
        return SeriesOf(chosen, *ends)

    def value(self, name: str, n_messages: int, *, languages: Iterable[str], kind: str = "one") -> Value:
        """One value of a dimension with all its figures."""
        cells = {}
        for audience, rate in RATES.items():
            n_chosen = int(n_messages * rate * self.draw.uniform(0.6, 1.4))
            part = sum(LANGUAGES[code] for code in languages if code in TRAINED[audience])
            n_estimable = int(n_messages * part / sum(LANGUAGES[code] for code in languages))
            found = share(0.85 * n_chosen / max(1, n_messages), n_estimable, n_messages) if n_estimable else None
            cells[audience] = Cell(n_chosen, found)
        over_time = self.series(n_messages, languages) if self.periods.starts else None
        return Value(name, kind, n_messages, n_messages // 7, n_messages // 30, cells, over_time)

    def dimensions(self) -> list[Dimension]:
        languages = [
            self.value(code, int(self.n_messages * part), languages=[code]) for code, part in LANGUAGES.items()
        ]
        n_left = self.n_messages
        sources = []
        for name in self.sources:
            n_here = max(20, n_left // 3)
            n_left -= n_here
            sources.append(self.value(name, n_here, languages=LANGUAGES))
        sources.append(self.value("other sources", 310, languages=LANGUAGES, kind="pooled"))
        sources.append(self.value("no source given", 55, languages=LANGUAGES, kind="not_given"))
        whole = self.value("all", self.n_messages, languages=LANGUAGES)
        return [Dimension("all", [whole]), Dimension("language", languages), Dimension("source", sources)]

    def told_to(self, audience: str, place: int, n_messages: int) -> ToldTo:
        """Words, phrases, examples and copies of one audience, different ones for each `place`."""
        words, phrases = [], []
        for language, listed in WORDS.items():
            turned = listed[place % len(listed) :] + listed[: place % len(listed)]
            found = [Word(word, 9.5 - 0.6 * rank, 60 - 4 * rank, rank) for rank, word in enumerate(turned)]
            words.append(WordList(audience, language, n_messages // 3, n_messages, found))
            pairs = [Word(f"{one} {two}", 7.0 - rank, 20 - rank, 1) for rank, (one, two) in enumerate(pairwise(turned))]
            phrases.append(WordList(audience, language, n_messages // 3, n_messages, pairs[:5]))
        examples = [
            Example(
                text=f"{text} ({place}.{number})",
                score=0.97 - number / 50,
                language=language,
                source=self.sources[number % len(self.sources)],
                day="2031-03-14",
                n_copies=1 + 4 * (number == 0),
                place=f"scored.parquet row {1000 * place + number}",
                spans=[Span(4, 11, 1.0), Span(17, 24, 0.45), Span(30, 35, -0.3)] if number != 2 else None,
            )
            for number, (language, text) in enumerate(TEXTS.items())
        ]
        copies = [
            CopyGroup(
                text=TEXTS["en"],
                language="en",
                n_messages=140 - 60 * number,
                n_texts=1 + 3 * number,
                sources={"harbour-herald": 90 - 40 * number, "meadow-news": 30, "other sources": 20 - 20 * number},
                n_sources=6 - number,
                first_seen="2031-02-03T08:14:00+01:00",
                last_seen="2031-03-01T21:05:00+01:00",
            )
            for number in range(2)
        ]
        return ToldTo(audience, n_messages, int(n_messages * 0.7), words, phrases, examples, copies)

    def told(self, scope: Scope, n_messages: int, place: int) -> Told:
        parts = [
            self.told_to(name, 3 * place + number, int(n_messages * rate))
            for number, (name, rate) in enumerate(RATES.items())
        ]
        return Told(scope, n_messages, parts)

    def findings(self) -> Findings:
        dimensions = self.dimensions()
        whole = dimensions[0].values[0]
        audiences = []
        for name, called in AUDIENCES.items():
            cell = whole.audiences[name]
            sampled = share(0.2, 400, 400, "sampled") if name == "north" else None
            untold = {} if name == "north" else {"ru": "12 positives of this audience in Russian, 30 needed"}
            why = {"*": "the bundle keeps no out-of-fold messages of this audience"} if name == "valley" else untold
            n_texts = int(cell.n_chosen * 0.7)
            n_near = cell.n_chosen // 5
            audiences.append(
                AudienceFinding(name, called, cell.n_chosen, n_texts, n_near, 12, cell.share, sampled, why)
            )
        starts = self.periods.starts
        last = (date.fromisoformat(self.periods.end) - timedelta(days=1)).isoformat()
        told = [self.told(Scope("corpus", "the whole corpus", starts[0], last), self.n_messages, 0)]
        told.append(self.told(Scope("window", "Harbour vote", "2031-04-14", "2031-05-11"), self.n_messages // 7, 1))
        told.append(self.told(Scope("period", "April 2031", "2031-04-01", "2031-04-30"), self.n_messages // 6, 2))
        return Findings(
            format=FORMAT,
            corpus=corpus_of(self.n_messages, len(self.sources), starts[0], last),
            verdicts={"chosen": self.n_messages // 3, "none": self.n_messages // 2, "uncertain": self.n_messages // 6},
            audiences=audiences,
            n_several=self.n_messages // 80,
            periods=self.periods,
            dimensions=dimensions,
            events=EVENTS,
            windows=windows_of(),
            told=told,
            sample=LabelledSample(n_drawn=200, n_labelled=187, n_skipped=6, n_tied=3),
            shift=Shift(True, 0.0008, "Scores of German messages are lower than any mixture of the calibration’s."),
            unknowns=Unknowns(1771, 930, 620, 210, 14, 37, {"el": 410}, 3, {"harbour-herald": self.n_messages // 3}),
            judgements=JUDGEMENTS,
            method=method_of(),
        )


EVENTS = [
    Event(date(2031, 2, 11), "Ferry tolls announced", "announcement", declared=False),
    Event(date(2031, 4, 28), "Harbour vote", "vote", declared=True),
    Event(date(2031, 9, 1), "Lantern festival", "", declared=None),
]
JUDGEMENTS = [
    Judgement("18.9 % (95 % interval 17.4 to 20.4 %) of the messages appear built for Northern publics.", ["S1", "C1"]),
    Judgement(
        "It is highly likely (PHIA, 80–90 %) that more was built for Northern publics than for River towns.",
        ["S1", "S2"],
    ),
    Judgement(
        "After “Harbour vote” the rate for Northern publics was 1.8 times that before; "
        "this does not show that the event caused it.",
        ["E4", "T1"],
    ),
]


def windows_of() -> list[Window]:
    """Three events by three audiences: exploratory, declared, outside the dates."""
    found = []
    for event in range(3):
        for number, name in enumerate(AUDIENCES):
            ratio = (1.1, 1.8, None)[event]
            ratio = None if ratio is None else ratio / (1 + 0.4 * number)
            ends = (None, None) if ratio is None else (ratio / 1.4, ratio * 1.4)
            p = 0.002 * (1 + number) if event == 1 else None
            note = ("exploratory: chosen after looking", "", "outside the dates of this corpus")[event]
            days, n = (14, 900) if event < 2 else (0, 0)
            found.append(
                Window(event, name, days, days, n // 9, n // 6, n, n, ratio, *ends, p, p and min(1, 3 * p), note)
            )
    return found


def corpus_of(n_messages: int, n_sources: int, first: str, last: str) -> Corpus:
    n_texts = int(n_messages * 0.8)
    return Corpus(n_messages, n_texts, n_messages - n_texts, 400, n_sources + 31, 31, 4, first, last, 88, 120)


def method_of() -> Method:
    figures = ["Macro F1 0.71 (0.68 to 0.74) on 2,400 messages of unseen authors.", "Not tested on Greek."]
    return Method(
        files=[FileDigest("scored.parquet", "9f" * 32, 1_234_567)],
        model="ab12cd34ef56ab78",
        model_figures=figures,
        reference_labels="Two annotators, 4,000 messages, disagreements settled by a third.",
        command="segmenter summarise scored.parquet --out summary --events events.csv",
        version="0.1.0",
        made_at="2031-07-08T09:30:00+02:00",
        time_zone="Europe/Warsaw",
        yardstick="phia",
        handles_shown=False,
        settings={"source_messages_at_least": 20, "comparison_messages_at_least": 20, "window_days": 14, "seed": 17},
    )


def pairwise(words: list[str]) -> Iterable[tuple[str, str]]:
    return zip(words, words[1:], strict=False)


def hostile() -> Findings:
    """Every text that a corpus, a file name, an events table or a label may bring, written to break what shows it."""
    found = ordinary(n_weeks=8)
    turn = iter(range(10**9))

    def bad(_: str) -> str:
        return HOSTILE[next(turn) % len(HOSTILE)]

    audiences = [
        replace(one, name=bad(one.name), not_estimable={name: bad(why) for name, why in one.not_estimable.items()})
        for one in found.audiences
    ]
    dimensions = [
        replace(part, values=[replace(value, name=bad(value.name)) for value in part.values])
        for part in found.dimensions
    ]
    told = [spoiled_told(part, bad) for part in found.told for _ in range(2)]
    files = [FileDigest(text, "9f" * 32, 5) for text in HOSTILE]
    method = replace(
        found.method,
        files=files,
        model=bad(""),
        reference_labels=bad(""),
        command=bad(""),
        time_zone=bad(""),
        model_figures=[bad("") for _ in HOSTILE],
        settings={text: text for text in HOSTILE},
    )
    return replace(
        found,
        audiences=audiences,
        dimensions=[dimensions[0], with_all(dimensions[1]), with_all(dimensions[2])],
        periods=replace(found.periods, labels=[bad("") for _ in found.periods.labels]),
        events=[Event(date(2031, 1, 7 + n), text, text, declared=None) for n, text in enumerate(HOSTILE)],
        told=told,
        shift=Shift(True, 0.01, bad("")),
        unknowns=replace(
            found.unknowns, untrained=dict.fromkeys(HOSTILE, 9), dominant_sources=dict.fromkeys(HOSTILE, 5000)
        ),
        judgements=[Judgement(text, [text, "S1"]) for text in HOSTILE],
        method=method,
    )


def with_all(dimension: Dimension) -> Dimension:
    """The dimension with a value of every hostile name."""
    first = dimension.values[0]
    return replace(dimension, values=dimension.values + [replace(first, name=text) for text in HOSTILE])


def spoiled_told(told: Told, bad: Callable[[str], str]) -> Told:
    def lists(found: list[WordList]) -> list[WordList]:
        return [
            replace(one, language=bad(""), words=[replace(word, word=bad("")) for word in one.words]) for one in found
        ]

    def examples(found: list[Example]) -> list[Example]:
        many = [found[0] for _ in HOSTILE]
        spans = [Span(0, 3, 1.0), Span(2, 900, -1.0), Span(5, 4, 0.5)]
        return [
            replace(one, text=bad(""), language=bad(""), source=bad(""), place=f"{bad('')} {number}", spans=spans)
            for number, one in enumerate(many)
        ]

    def copies(found: list[CopyGroup]) -> list[CopyGroup]:
        return [replace(one, text=bad(""), language=bad(""), sources=dict.fromkeys(HOSTILE, 7)) for one in found]

    return replace(
        told,
        scope=replace(told.scope, label=bad("")),
        audiences=[
            replace(
                one,
                words=lists(one.words),
                phrases=lists(one.phrases),
                examples=examples(one.examples),
                copies=copies(one.copies),
            )
            for one in told.audiences
        ],
    )


def largest() -> Findings:
    """What a corpus of 1,000,000 may bring at most: 50 sources, 200 weeks, what was told in 60 parts of it."""
    made = Maker(1_000_000, 200, [f"source-{number:02}" for number in range(50)])
    found = made.findings()
    many = [made.told(Scope("period", f"part {n}", "2031-02-01", "2031-02-28"), 20_000, n) for n in range(60)]
    full = [replace(told, audiences=[filled(one) for one in told.audiences]) for told in [*found.told, *many]]
    return replace(found, told=full)


def filled(told: ToldTo) -> ToldTo:
    """As full as settings let it be: 5 languages of 15 words, 5 examples of 400 characters, 8 copy groups."""
    long = [replace(one, text=(one.text + " ") * 4, spans=None) for one in (told.examples * 2)[:5]]
    return replace(told, words=(told.words * 2)[:5], examples=long, copies=told.copies * 4)


def undated() -> Findings:
    """No message has a date, no source is given, nothing can be estimated and nothing was told."""
    found = ordinary()
    nothing = Periods("day", [], [], "")

    def bare(value: Value) -> Value:
        cells = {name: Cell(cell.n_chosen, None) for name, cell in value.audiences.items()}
        return replace(value, over_time=None, audiences=cells)

    dimensions = [replace(part, values=[bare(value) for value in part.values]) for part in found.dimensions[:2]]
    dimensions.append(Dimension("source", []))
    told = replace(found.told[0], scope=Scope("corpus", "the whole corpus", None, None))
    empty = [replace(one, words=[], phrases=[], examples=[], copies=[]) for one in told.audiences]
    why = {"*": "the bundle is not known: name it with --model"}
    return replace(
        found,
        corpus=replace(found.corpus, first_day=None, last_day=None, n_no_date=12_400, n_sources=None),
        audiences=[replace(one, share=None, sampled=None, not_estimable=why) for one in found.audiences],
        periods=nothing,
        dimensions=dimensions,
        events=[],
        windows=[],
        told=[replace(told, audiences=empty)],
        sample=None,
        shift=None,
        unknowns=Unknowns(0, 0, 0, 0, 0, 0, {}, None, {}),
        judgements=[],
        method=replace(found.method, model_figures=[], reference_labels=""),
    )
