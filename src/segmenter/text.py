"""The text rules: what the model reads of a message. The same function in training and scoring, versioned by RULES.

The original text is never changed. Not here: language and scope (scope.py), tokens (batches.py).
"""

import hashlib
import re
import unicodedata
from itertools import islice

RULES = 2  # raise it with any change that alters what a model reads; a bundle of other rules is refused

# Marks that compose with no letter and no script needs: strokes, floods of accents, keycaps. Not Hebrew's, Arabic's, …
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STRAY_MARKS = re.compile(f"{_MARK}+")
_FLOOD = re.compile(f"{_MARK}{{4,}}")  # Greek, the richest, has three on a letter
_SYMBOLS = re.compile(r"[^\w\s\x00-\x7f]{32,}")
_GENDER = re.compile("\u200d[\u2640\u2642]")  # of the person in an emoji
_INVISIBLE = re.compile(  # soft hyphen, fillers, zero width, directions, variation selectors, tags; and half characters
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)  # U+1F3FB to U+1F3FF are the skin tones of emoji
# What Unicode's rules leave alone: Latin and Cyrillic letters that compose, usual signs, no mark. Most messages are of it.
_SETTLED = re.compile(
    "[\x00-\x7f\u00a1-\u00a7\u00ab\u00b0\u00bb\u00bf-\u0131\u0141-\u0148\u014a-\u017e\u0400-\u0482\u048a-\u052f\u2013\u2014\u20ac]*"
)
_TYPOGRAPHIC = str.maketrans("\u2018\u2019\u201b\u02bc\u00b4\u201c\u201d\u201e\u201f", "'''''\"\"\"\"")
_ENTITY = re.compile("&(?:amp;)*(amp|lt|gt|quot|#39);")  # tables of tweets come with them
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#39": "'"}
_LINK = re.compile(
    r"(?:h(?:tt|xx)ps?|ftp|tg)://\S+|(?<![a-z0-9])www\.\S+|(?<![\w.@/-])(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}/\S*",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])@\w+(?:@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})*")  # then its server, as in Mastodon
_HASHTAG = re.compile(r"#\w+")
_EMOJI = re.compile(  # a flag, or a pictogram, and its repeats
    "([\U0001f1e6-\U0001f1ff]{2}|[\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2b00-\u2bff"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff])(?: ?\\1)*"
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_LETTER = re.compile(r"[^\W\d_]")
_PLACEHOLDER = re.compile(r"@user|\blink\b")

# Letters that look alike in most fonts. Source: Unicode Technical Standard 39, confusables.txt; the pairs of one letter
# in the Latin, Cyrillic and Greek scripts, without those that only italics show.
_LATIN, _CYRILLIC, _GREEK = "[A-Za-z\u00c0-\u024f\u1e00-\u1eff]", "[\u0400-\u052f]", "[\u0370-\u03ff\u1f00-\u1fff]"
_CYRILLIC_TO_LATIN = dict(
    zip("АВЕЁКМНОРСТУХІЇЈЅԌԚԜӀаеёорсухіїјѕԁһԛԝӏ", "ABEËKMHOPCTYXIÏJSGQWIaeëopcyxiïjsdhqwl", strict=True)
)
_GREEK_TO_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυ", "ABEZHIKMNOPTYXaivopu", strict=True))
_LATIN_TO_CYRILLIC = dict(zip("ABEËKMHOPCTYXIÏJaeëopcyxiïj", "АВЕЁКМНОРСТУХІЇЈаеёорсухіїј", strict=True))
_TO_LATIN = str.maketrans(_CYRILLIC_TO_LATIN | _GREEK_TO_LATIN)
_TO_CYRILLIC = str.maketrans(
    _LATIN_TO_CYRILLIC | {a: _LATIN_TO_CYRILLIC[b] for a, b in _GREEK_TO_LATIN.items() if b in _LATIN_TO_CYRILLIC}
)
_WORD = re.compile(r"[^\W\d_]+")
_NOT_CYRILLIC = re.compile(f"{_LATIN[:-1]}{_GREEK[1:]}")  # a seam has one on a side
_SEAM = re.compile(  # where two letters of different scripts meet
    f"{_LATIN}(?:{_CYRILLIC}|{_GREEK})|(?:{_CYRILLIC}|{_GREEK}){_LATIN}|{_GREEK}{_CYRILLIC}|{_CYRILLIC}{_GREEK}"
)


def clean(text: str) -> str:
    """A message as the model reads it. Cleaning it again changes nothing, and no message takes more than linear time.

    Unicode: compatibility forms become plain (NFKC: full-width and styled letters), what is invisible goes, and so do
    accents that compose with no letter. Curly quotes become straight, `&amp;` what it stands for, spaces single.

    Links become `link` and handles `@user`, so that no feature derives from who is named or who wrote. Hashtags keep
    `#` and their words, taken apart at capitals and underscores. Emoji stand apart (tokenizers lose a word they are
    glued to), once a run, without skin tone, gender or joiners; flags stay whole.

    Look-alike letters planted in a word of another script are put right, see `_unmixed`. Case is kept.
    """
    if not _SETTLED.fullmatch(text):
        text = _composed(text)
    text = _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)
    unnamed = _unnamed(text)
    text = _unmixed(_HASHTAG.sub(lambda found: _taken_apart(found[0]), unnamed))
    if text != unnamed:
        text = _unnamed(text)  # hashtags and look-alikes hide links too
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    if not _SETTLED.fullmatch(text):
        text = _EMOJI.sub(r" \1 ", " ".join(text.split()))
    return " ".join(text.split())


def _composed(text: str) -> str:
    text = text.translate(_TYPOGRAPHIC)
    if _SETTLED.fullmatch(text):
        return text
    text = _INVISIBLE.sub("", _GENDER.sub("", text))
    text = unicodedata.normalize("NFKD", _calm(text))
    text = _FLOOD.sub("", _calm(_INVISIBLE.sub("", text)))
    text = _STRAY_MARKS.sub("", unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", text)  # again: what stood between a letter and its accent is gone


def _calm(text: str) -> str:
    """Without the marks of endless runs: normalisation sorts the marks of a letter, in time that grows as their square."""
    return _SYMBOLS.sub(lambda run: "".join(sign for sign in run[0] if unicodedata.category(sign)[0] != "M"), text)


def _unnamed(text: str) -> str:
    if "/" in text or "www." in text.lower():  # no link is without
        text = _LINK.sub(" link", text)
    return _HANDLE.sub("@user", text)


def _taken_apart(tag: str) -> str:
    """`#StopTheWAR_now2` as `#Stop The WAR now2`."""
    parts = [tag[0]]
    for place in range(1, len(tag)):
        before, letter, after = tag[place - 1], tag[place], tag[place + 1 : place + 2]
        if letter.isupper() and (before.islower() or before.isdigit() or (before.isupper() and after.islower())):
            parts.append(" ")
        parts.append(" " if letter == "_" else letter)
    return "".join(parts)


def _unmixed(text: str) -> str:
    """Words of mixed scripts as the one script that all their letters could be, where there is one.

    Cyrillic is never folded into Latin: no letter of a Cyrillic word is touched, and none at all in a message that is
    not mostly Latin. There, and there alone, a Cyrillic or Greek look-alike inside an otherwise Latin word becomes the
    Latin letter it stands for. The other way, look-alikes inside an otherwise Cyrillic word become Cyrillic anywhere.
    """
    if text.isascii() or not (_NOT_CYRILLIC.search(text) and _SEAM.search(text)):
        return text
    own = _PLACEHOLDER.sub("", text)
    n_latin, *n_others = (len(re.findall(script, own)) for script in (_LATIN, _CYRILLIC, _GREEK))
    mostly_latin = n_latin > sum(n_others)

    def put_right(found: re.Match[str]) -> str:
        word = found[0]
        if not _SEAM.search(word):
            return word
        latin, cyrillic = word.translate(_TO_LATIN), word.translate(_TO_CYRILLIC)
        if mostly_latin and re.search(_LATIN, word) and not _SEAM.search(latin):
            return latin
        return cyrillic if re.search(_CYRILLIC, word) and not _SEAM.search(cyrillic) else word

    return _WORD.sub(put_right, text)


def has_letters(cleaned: str, n: int) -> bool:
    """Whether a cleaned message has `n` letters at least, its replaced links and handles not counted."""
    own = _PLACEHOLDER.sub("", cleaned) if "link" in cleaned or "@" in cleaned else cleaned
    return sum(1 for _ in islice(_LETTER.finditer(own), n)) == n


def text_key(text: str) -> str:
    """Equal for messages that differ only in links, handles, case, spacing, invisible or look-alike characters: 32 hex digits."""
    return cleaned_key(clean(text))


def cleaned_key(cleaned: str) -> str:
    """The `text_key` of a message that is cleaned already."""
    return hashlib.sha256(cleaned.casefold().encode("utf-8")).hexdigest()[:32]
