"""Message text made fit to be shown: no handle, link, phone number or e-mail address, no character that breaks a page.

Over-redaction is accepted (a long number may become [phone]); names in running text stay. Not here: escaping for HTML
(the template's autoescape).
"""

import re
import unicodedata

SHOWN_CHARACTERS = 400  # of an example message
MARKS_IN_A_ROW = 3  # combining marks; more than any language stacks, less than what climbs over the next line

# Each pattern starts only where the run before it ends, so that 100 kB of one letter cost one pass, not a square.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(
    r"(?:https?|ftp|tg)://\S+|\bwww\.\S+"
    r"|(?<![\w.@-])(?:[\w-]+\.)+[^\W\d_]{2,24}(?=[/?:])\S+"
    r"|(?<![\w.@-])(?:[\w-]+\.)+(?:com|org|net|info|ru|su|рф|ua|by|eu|de|fr|it|es|pl|uk|us|tv|me|io|co|gg|ly|be)\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@])@[\w.-]*\w(?:@[\w.-]*\w)?|(?<![\w/])u/[\w-]+|\[(?:id|club|public)\d+\|[^\]]*\]")
_PHONE = re.compile(
    r"(?<![\w+])\+\d(?:[\s().-]{0,3}\d){6,14}(?!\w)"
    r"|(?<![\w+])(?!\d{4}-\d\d-\d\d)\(?\d(?:[\s().-]{0,3}\d){8,14}(?!\w)"
    r"|(?<![\w-])\d{3}-\d{4}(?![\w-])"
)
_SPACE = re.compile(r"\s+")


def plain(text: str) -> str:
    """A text on one line without control, bidi and zero-width characters, and with no tower of combining marks."""
    kept: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif category not in ("Cf", "Cs", "Co", "Cn") and marks <= MARKS_IN_A_ROW:
            kept.append(letter)
    return _SPACE.sub(" ", "".join(kept)).strip()


def without_contacts(text: str, *, link: str, handle: str, phone: str, email: str) -> str:
    """The text with each link, handle, phone number and e-mail address replaced."""
    text = _EMAIL.sub(email, text)
    text = _LINK.sub(link, text)
    return _PHONE.sub(phone, _HANDLE.sub(handle, text))


def redacted(text: str) -> str:
    """A message as an example shows it: compatibility forms composed, contacts replaced, cut at SHOWN_CHARACTERS."""
    whole = without_contacts(
        plain(unicodedata.normalize("NFKC", text)), link="[link]", handle="@…", phone="[phone]", email="[e-mail]"
    )
    return shortened(whole, SHOWN_CHARACTERS)


def with_handles(text: str) -> str:
    """A message as an example shows it where the analyst chose to see who is named."""
    return shortened(plain(unicodedata.normalize("NFKC", text)), SHOWN_CHARACTERS)


def shortened(text: str, n_characters: int) -> str:
    """At most so many characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= n_characters else text[: n_characters - 1].rstrip() + "…"
