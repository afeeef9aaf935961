"""The brief as a reader of Markdown sees it."""

import re
from html.parser import HTMLParser

import invented
import pytest
from invented import HOSTILE
from markdown_it import MarkdownIt

from segmenter.summary.brief import brief, escaped
from segmenter.summary.citations import all_ids

OURS = {"h1", "h2", "p", "blockquote", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


class Seen(HTMLParser):
    """The tags of some HTML and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Seen:
    return Seen(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def test_a_brief_says_what_a_label_is_not_before_any_figure() -> None:
    text = brief(invented.ordinary())
    assert 0 < text.index("An audience label is not evidence of foreign origin") < text.index("## Key judgements")


def test_a_brief_has_each_audience_with_count_share_and_ids() -> None:
    found = invented.ordinary()
    seen = read(brief(found))
    assert seen.tags.count("tr") == 1 + 3
    assert f"{found.audiences[0].n_chosen:,} (28.5 %) [C1]" in seen.text
    assert "24.2 % [S1]" in seen.text and "22.6 to 25.7 %" in seen.text
    assert "not estimable [S3]" in seen.text


def test_only_windows_of_declared_events_are_in_a_brief() -> None:
    text = brief(invented.ordinary())
    # three events by three audiences: the second event was declared, so windows 4 to 6 stand in it
    assert re.findall(r"\[(E\d+)\]", text.split("## Around")[1]) == ["E4", "E5", "E6"]


def test_every_id_in_a_brief_is_one_of_the_summary() -> None:
    found = invented.ordinary()
    cited = set(re.findall(r"\[([A-Z]\d+)\]", brief(found)))
    assert cited and cited <= set(all_ids(found))


@pytest.mark.parametrize("make", [invented.hostile, invented.ordinary, invented.undated])
def test_no_text_becomes_markup(make: object) -> None:
    seen = read(brief(make()))  # type: ignore[operator]
    assert set(seen.tags) <= OURS
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("tr") == 1 + 3


@pytest.mark.parametrize(
    "text", [*HOSTILE, "- item", "1. item", "12) item", "+ x", "=== x", "> x", "a_b_c &lt; &amp;", "www.x.org"]
)
def test_an_escaped_text_reads_as_it_was_written(text: str) -> None:
    found = read(f"- {escaped(text, 300)}")
    assert found.tags in (["ul", "li"], ["ul", "li", "p"])
    assert "".join(found.text.split()) == "".join(read_plain(text).split())


def read_plain(text: str) -> str:
    from segmenter.summary.templates import shown

    return shown(text, 300)


def test_no_address_is_left_that_a_reader_makes_a_link_of() -> None:
    found = escaped("see https://tracker.example/x, WWW.tracker.example and me@tracker.example", 300)
    assert found == "see https:\\//tracker.example/x, WWW\\.tracker.example and me\\@tracker.example"


def test_a_brief_is_short() -> None:
    assert len(brief(invented.hostile())) < 30_000
    assert len(brief(invented.ordinary()).splitlines()) < 70
