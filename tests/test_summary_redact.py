import pytest

from segmenter.summary.redact import plain, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask @ann.b or ＠bob", "ask @… or @…"),
        ("@zero\u200bwidth", "@…"),
        ("see https://a.example/@ann?x=1 now", "see [link] now"),
        ("see t.me/someone, www.a.example", "see [link] [link]"),
        ("write to ann.b+c@post.example!", "write to [e-mail]!"),
        ("call +44 20 7946 0018 or (030) 123 456 78", "call [phone] or [phone]"),
        ("12 percent on 2031-06-15, 3.5 million", "12 percent on 2031-06-15, 3.5 million"),
        ("[id123|Ann B] said", "@… said"),
    ],
)
def test_an_example_names_no_account(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_long_example_is_cut_at_400_characters() -> None:
    assert len(redacted("word " * 30_000)) <= 400
    assert redacted("word " * 30_000).endswith("…")


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a." * 50_000, "1 " * 50_000, "@" * 100_000, "-" * 100_000, "a@" * 50_000]
)
def test_redacting_a_huge_message_takes_no_square_of_its_length(text: str) -> None:
    # a pattern that starts again at every letter would take minutes; what is shown is cut at 400 characters
    assert len(redacted(text)) == 400


def test_no_bidi_or_zero_width_character_is_shown() -> None:
    assert plain("a\u202eb\u2066c\u200bd\x00e\u2028f" + "z" + "\u0336" * 50) == "abcd e fz" + "\u0336" * 3
