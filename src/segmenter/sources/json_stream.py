"""A JSON file read value by value, however large: the caller walks down to an array and takes its elements one at a time.

Python's own JSON reader does the reading. ijson was tried: one bad byte or one long number ends its file, and half a
character silently becomes a question mark. Not here: JSONL, whose lines rows.py reads.
"""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.rows import one_line, open_bytes

CHUNK_BYTES = 1 << 20
VALUE_CHARACTERS_AT_MOST = 1 << 26  # of one value: where a string is never closed, not all of the file is held
LONGEST_LITERAL = 16  # characters: "-Infinity" or a \uXXXX\uXXXX pair cut by the end of what is read so far
WHITE = re.compile(r"[ \t\r\n]*")
# Raw tabs and NULs inside strings are read as they stand: one of them must not cost the rest of the file.
DECODER = json.JSONDecoder(strict=False)
LONG_NUMBERS = json.JSONDecoder(strict=False, parse_int=float)  # integers of thousands of digits, which int() refuses


class JsonStream:
    """A place in a JSON file that only moves on. Bytes that are not UTF-8 become lone surrogates inside their string.

    Attributes:
        n_records: Elements that `records` has taken so far.
    """

    def __init__(self, file: Path) -> None:
        self.n_records = 0
        self._file = file
        self._stream, self._position = open_bytes(file)
        self._decoded = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._text, self._at, self._line, self._ended = "", 0, 1, False

    def __enter__(self) -> "JsonStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def position(self) -> int:
        """Bytes of the file that are read."""
        return self._position()

    def fault(self, found: str) -> TableError:
        """What stops the reading of a file, and where."""
        line = self._line + self._text.count("\n", 0, self._at)
        return TableError(f"{self._file} line {line}, after record {self.n_records}", found, "export the file again")

    def peek(self) -> str:
        """The next character that is not white space, empty at the end of the file."""
        while True:
            self._at = WHITE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches everywhere
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on():
                return ""

    def value(self) -> Any:  # noqa: ANN401
        """The whole value that stands here.

        Raises:
            TableError: It is not JSON, it is cut off, or it is too large or too deeply nested to hold.
        """
        self.peek()
        while True:
            try:
                value, end = self._parsed()
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - LONGEST_LITERAL
                if not is_cut or not self._read_on():
                    self._at = min(error.pos, len(self._text))
                    raise self._broken(error) from error
                continue
            if end <= len(self._text) - LONGEST_LITERAL or not self._read_on():  # else a number may go on
                self._at = end
                return value

    def elements(self) -> Iterator[None]:
        """The array that stands here: yields before each element, which the caller takes."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield
            if self.take(",", "]") == "]":
                return

    def members(self) -> Iterator[str]:
        """The object that stands here: yields each key, whose value the caller takes."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() != '"':
                self.take('"')
            key = str(self.value())
            self.take(":")
            yield key
            if self.take(",", "}") == "}":
                return

    def records(self) -> Iterator[Any]:
        """The elements of the array that stands here."""
        for _ in self.elements():
            value = self.value()
            self.n_records += 1
            yield value

    def take(self, *wanted: str) -> str:
        """Move over one character, which must be one of these.

        Raises:
            TableError: Another stands there, or the file ends.
        """
        found = self.peek()
        if found not in wanted or not found:
            shown = repr(found.encode("utf-8", "replace").decode())
            what = f"has {shown} where {' or '.join(map(repr, wanted))} should stand" if found else "ends in the middle"
            raise self.fault(what)
        self._at += 1
        return found

    def end(self) -> None:
        """See to it that nothing follows.

        Raises:
            TableError: Something does.
        """
        if self.peek():
            raise self.fault("goes on after the end of its JSON")

    def _parsed(self) -> tuple[Any, int]:
        try:
            try:
                return DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                raise
            except ValueError:
                return LONG_NUMBERS.raw_decode(self._text, self._at)
        except RecursionError as error:
            raise self.fault("holds a value that is nested too deeply to be read") from error

    def _broken(self, error: json.JSONDecodeError) -> TableError:
        is_cut = error.msg.startswith("Unterminated") or not self.peek()
        return self.fault("ends in the middle" if is_cut else f"is not JSON ({error.msg})")

    def _read_on(self) -> bool:
        """Append more of the file to what is held; False at its end."""
        held = len(self._text) - self._at
        if held > VALUE_CHARACTERS_AT_MOST:
            raise self.fault(f"holds a value of more than {VALUE_CHARACTERS_AT_MOST:,} characters")
        if self._ended:
            return False
        try:
            raw = self._stream.read(max(CHUNK_BYTES, held))
        except (OSError, EOFError, pa.ArrowException) as error:
            raise self.fault(f"cannot be read further ({one_line(error)})") from error
        self._ended = not raw
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + self._decoded(raw, final=self._ended), 0
        return True
