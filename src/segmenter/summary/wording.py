"""Numbers, days and languages as a reader meets them. Not here: sentences (judgements.py, templates)."""

from datetime import date

from segmenter.summary.redact import plain, shortened

NAMES = {
    "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bs": "Bosnian", "ca": "Catalan",
    "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ka": "Georgian",
    "kk": "Kazakh", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian",
    "und": "undetermined", "uz": "Uzbek", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def language_name(code: str) -> str:
    """The English name of an ISO 639 code, or the code itself."""
    return NAMES.get(code) or shortened(plain(code), 20)


def percentage(count: int, of: int) -> str:
    """A count as a percentage with one decimal; what is there but rounds to nothing says so."""
    if not of:
        return "–"
    share = 100 * count / of
    return "<0.1 %" if 0 < share < 0.05 else f"{share:.1f} %" if count else "0 %"


def written_day(day: str) -> str:
    """An ISO date as 4 July 2031."""
    found = date.fromisoformat(day)
    return f"{found.day} {found:%B} {found.year}"


def written_score(score: float) -> str:
    """Two decimals; never 1.00, which no score is."""
    return f"{score:.2f}" if score < 0.995 else "over 0.99"
