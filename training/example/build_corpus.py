"""Build the invented example corpus (corpus.csv, events.csv) from the hand-written corpus_parts.yaml.

Every text, source and event is made up. No labels are written, and no gold data is read.
"""

import csv
import random
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, combinations
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Message:
    """One message: the public its text was written for, the number of the event it speaks of, its source and time."""

    text: str
    language: str
    public: str
    event: int | None
    source: str = ""
    created_at: datetime = datetime.max


def frame(theme: dict[str, Any], parts: dict[str, Any], seen: set[frozenset[str]], rng: random.Random) -> str | None:
    """Sentences of the theme as one text; None if it is too short or an earlier text, in `seen`, shares two of them."""
    shape = rng.choices(list(parts["shapes"]), parts["shapes"].values())[0]
    sentences = [rng.choice(theme[kind]) for kind in shape.split()]
    text = " ".join(sentences)
    pairs = {frozenset(pair) for pair in combinations(sentences, 2)} or {frozenset(sentences)}
    if pairs & seen or len(text.split()) < parts["min_words"]:
        return None
    seen |= pairs
    if "tags" in theme and rng.random() < parts["tagged_share"]:
        text += " " + rng.choice(theme["tags"])
    values = {name: rng.choice(options) for name, options in parts["slots"][theme["language"]].items()}
    return SLOT.sub(lambda match: values[match[1]], text)


def originals(language: str, public: str, parts: dict[str, Any], rng: random.Random) -> list[Message]:
    """The messages written from parts: every whole text once, then frames up to the wanted number.

    Raises:
        ValueError: The themes of this language and public hold too few sentences, or too many whole texts.
    """
    n_messages = parts["originals"][language].get(public, 0)
    themes = [theme for theme in parts["themes"] if (theme["language"], theme["public"]) == (language, public)]
    chosen = [Message(text, language, public, t.get("event")) for t in themes for text in t.get("wholes", [])]
    frames = [theme for theme in themes if "openers" in theme]
    seen: set[frozenset[str]] = set()
    for _ in range(100 * n_messages if frames else 0):
        theme = rng.choices(frames, [theme.get("weight", 1) for theme in frames])[0]
        if len(chosen) < n_messages and (text := frame(theme, parts, seen, rng)):
            chosen.append(Message(text, language, public, theme.get("event")))
    if len(chosen) != n_messages:
        raise ValueError(
            f"corpus_parts.yaml: originals.{language}.{public}: wanted {n_messages} messages, "
            f"the themes give {len(chosen)}; add sentences or change the number"
        )
    return chosen


def sourced(message: Message, taken: str, parts: dict[str, Any], rng: random.Random) -> Message:
    """The message with a source that fits its language and public and is not `taken`."""
    names = [name for name in parts["sources"] if name != taken]
    sources = [parts["sources"][name] for name in names]
    weights = [s["languages"].get(message.language, 0) * s["publics"].get(message.public, 0) for s in sources]
    return replace(message, source=rng.choices(names, weights)[0])


def placed(messages: Sequence[Message], parts: dict[str, Any], rng: random.Random) -> Iterator[Message]:
    """The messages of one public with source and time; what speaks of an event falls into its days."""
    public, n_days = messages[0].public, parts["n_days"]
    weights = [parts["weekdays"][(parts["start"] + timedelta(day)).weekday()] for day in range(n_days)]
    spans: dict[int | None, range] = {None: range(n_days)}
    for number, event in enumerate(parts["events"]):
        first_day = (event["date"] - parts["start"]).days
        spans[number] = range(first_day, first_day + event["n_days"])
        for day in spans[number]:
            weights[day] *= event["factors"].get(public, 1)
    # One draw in each of len(messages) equal strata: chance alone must not look like an event.
    sums = list(accumulate(weights))
    days = [bisect(sums, (stratum + rng.random()) / len(messages) * sums[-1]) for stratum in range(len(messages))]
    for message in sorted(messages, key=lambda message: message.event is None):
        day = rng.choice([day for day in days if day in spans[message.event]])
        days.remove(day)
        hour = rng.choices(range(24), parts["hours"][public])[0]
        created_at = datetime.combine(parts["start"], time(hour), UTC) + timedelta(day, rng.randrange(3600))
        yield replace(sourced(message, "", parts, rng), created_at=created_at)


def reworded(message: Message, parts: dict[str, Any], rng: random.Random) -> str:
    """The text with one word swapped, a mark added, or its punctuation or case changed."""
    text, first = message.text, re.split(r"(?<=[.!?]) ", message.text)[0]
    marked = [rng.choice(parts["marks"]["front"]) + text, text + rng.choice(parts["marks"]["back"])]
    recased = rng.choice([first.upper() + text[len(first) :], text.lower(), re.sub(r"\.$", "!!", text)])
    swapped = [re.sub(rf"\b{old}\b", new, text, count=1) for old, new in parts["swaps"][message.language]]
    options: list[str] = [option for option in [*marked, recased, *swapped] if option != text]
    return rng.choice(options)


def copies(messages: Sequence[Message], parts: dict[str, Any], rng: random.Random) -> Iterator[Message]:
    """Exact copies in small groups, then near-copies, each of another message, from other sources and later."""
    longest = timedelta(minutes=parts["max_delay_minutes"])
    latest = max(message.created_at for message in messages) - longest
    pool = [message for message in messages if message.language in parts["swaps"] and message.created_at < latest]
    rng.shuffle(pool)
    group_sizes = [size for size, n_groups in parts["duplicate_groups"].items() for _ in range(n_groups)]
    repeated, rest = pool[: len(group_sizes)], pool[len(group_sizes) :]
    near = [replace(message, text=reworded(message, parts, rng)) for message in rest[: parts["n_near_copies"]]]
    for message, n_copies in zip(repeated + near, group_sizes + [1] * len(near), strict=True):
        for _ in range(n_copies):
            created_at = message.created_at + rng.uniform(0.002, 1) * longest
            yield replace(sourced(message, message.source, parts, rng), created_at=created_at)


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write the rows, the header first, as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main() -> None:
    """Write corpus.csv and events.csv beside this file."""
    parts = yaml.safe_load((HERE / "corpus_parts.yaml").read_text(encoding="utf-8"))
    rng = random.Random(parts["seed"])
    messages: list[Message] = []
    for public in parts["hours"]:
        written = [message for language in parts["originals"] for message in originals(language, public, parts, rng)]
        messages += placed(written, parts, rng)
    messages += list(copies(messages, parts, rng))
    messages.sort(key=lambda message: message.created_at)
    rows = [(f"m{n:05}", m.text, m.source, f"{m.created_at:%Y-%m-%dT%H:%M:%SZ}") for n, m in enumerate(messages, 1)]
    write_table(HERE / "corpus.csv", [("id", "text", "source", "created_at"), *rows])
    events = [(str(e["date"]), e["label"], e["kind"], str(e["declared"]).lower()) for e in parts["events"]]
    write_table(HERE / "events.csv", [("date", "label", "kind", "declared"), *events])


if __name__ == "__main__":
    main()
