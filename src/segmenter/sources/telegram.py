"""Telegram Desktop's result.json, of one chat or of an account: one row a message that has text.

Not here: people. Authors are left out, and a chat with one person goes by the kind of chat.
"""

from collections.abc import Iterator
from pathlib import Path

from segmenter.errors import TableError
from segmenter.rows import Position, Row, Values
from segmenter.sources.json_stream import JsonStream
from segmenter.sources.records import (
    CORPUS,
    Messages,
    Names,
    SetAside,
    Source,
    moment,
    plain,
    rows_of,
)

OF_ONE_PERSON = ("personal_chat", "saved_messages")


def _rows(file: Path, names: Names) -> Iterator[tuple[Row, Position]]:
    if names.text or names.labels:
        raise TableError(file, "a Telegram export names its own fields", "leave out --text-column and --label-column")
    with JsonStream(file) as stream:
        for row in _chat(stream, is_account=True):
            yield row, stream.position
        stream.end()


def _chat(stream: JsonStream, *, is_account: bool) -> Iterator[Row]:
    """Rows of a chat, and of the chats of an account."""
    chat: Values = {}
    for key in stream.members():
        if key == "messages":
            for message in stream.records():
                yield from rows_of(stream.n_records, message, lambda found: _messages(found, chat))
        elif is_account and key in ("chats", "left_chats"):
            for part in stream.members():
                if part == "list":
                    for _ in stream.elements():
                        yield from _chat(stream, is_account=False)
                else:
                    stream.value()
        else:
            value = stream.value()
            if key in ("id", "name", "type"):
                chat[key] = value


def _messages(message: Values, chat: Values) -> Messages:
    kind = message.get("type")
    if kind == "service":
        raise SetAside("is a service message", left_out=True)
    if kind != "message":
        raise SetAside("field 'type' is neither message nor service", left_out=False)
    text = _text(message.get("text"))
    if not text.strip():
        raise SetAside("has no text", left_out=True)
    chat_id, message_id = plain("chat id", chat.get("id")), plain("id", message.get("id"))
    name = plain("chat name", chat.get("type") if chat.get("type") in OF_ONE_PERSON else chat.get("name"))
    seconds = message.get("date_unixtime")
    yield {
        "id": "/".join(part for part in (chat_id, message_id) if part) or None,  # messages count from 1 in each chat
        "text": text,
        "source": name or chat_id,
        "created_at": plain("date", message.get("date")) if seconds is None else moment("date_unixtime", seconds),
        "lang": None,
    }


def _text(found: object) -> str:
    """A text, or its pieces joined: plain strings, and objects for links, mentions and formatted runs."""
    parts = found if isinstance(found, list) else [found]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    wrong = next((part for part in texts if not isinstance(part, str)), "")
    if not isinstance(wrong, str):
        raise SetAside(f"field 'text' holds {type(wrong).__name__}, not text", left_out=False)
    return "".join(str(part) for part in texts)


SOURCE = Source(".json", CORPUS, "record", _rows)
