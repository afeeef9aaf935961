"""The text rules: what the model reads of a message. The same function in training and scoring, versioned by RULES.

The original text is never changed. Not here: language and scope (scope.py), tokens (batches.py).
"""

import hashlib
import re
import unicodedata

RULES = 1  # raise it with any change that alters what a model reads; a bundle of other rules is refused

_LINK = re.compile(r"(?:https?://|www\.)\S+|\b(?:t\.me|t\.co|bit\.ly|youtu\.be)/\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@.])@\w[\w\u0300-\u036f]*")  # with the accents that no composed letter takes up
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_SPACE = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\d_]")


def clean(text: str) -> str:
    """A message as the model reads it: links and handles replaced, invisible characters gone, spaces single.

    Compatibility forms are composed (NFKC: full-width and styled letters become plain ones); Cyrillic stays Cyrillic.
    Handles become one word, so that no feature derives from who is named or who wrote.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFKC", text)  # again: what stood between a letter and its accent is gone
    text = _HANDLE.sub("@user", _LINK.sub("link", text))
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return _SPACE.sub(" ", text).strip()


def n_letters(cleaned: str) -> int:
    """Letters of a cleaned message, its replaced links and handles not counted."""
    return len(_LETTER.findall(cleaned.replace("@user", "").replace("link", "")))


def text_key(text: str) -> str:
    """Equal for messages that differ only in links, handles, case, spacing or invisible characters: 32 hex digits."""
    return hashlib.sha256(clean(text).casefold().encode("utf-8")).hexdigest()[:32]
