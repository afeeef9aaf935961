"""The page in a real headless Chromium: with an ordinary corpus, and with one written to break it."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_summary import message, summary, uncertain, write_csv

from segmenter.summary.wording import percentage, written_score

if TYPE_CHECKING:
    from playwright.sync_api import Page

SET = "document.body.dataset.hacked=1"
HOSTILE = [
    f"<script>{SET};alert(1)</script>",
    f"</script><script>{SET}</script>",
    f"</style><style>body{{display:none}}</style><script>{SET}</script>",
    f'<img src=x onerror="{SET}">',
    f'" onmouseover="{SET}" autofocus onfocus="{SET}" x="',
    f"' style='position:fixed;inset:0' onclick='{SET}'",
    f'<svg onload="{SET}"><a href="javascript:{SET}"><text>x</text></a></svg>',
    f"{{{{ {SET} }}}} {{% raw %}} ${{{SET}}}",
    f"]]>--><!--<iframe src='data:text/html,<script>{SET}</script>'></iframe>",
    '\\"},"x":{"\\u2028\u2028</script>\u0000',
    "\u202etxet desrever\u202c \u2066isolate \u200b\u200d\u2060zero\ufeff width",
    "<link rel=stylesheet href=https://tracker.example/x.css><img src=//tracker.example/p.gif>",
    "Z" * 100_000,
    "combining " + "a" + "\u0336\u0489" * 400,
    "=cmd|' /C calc'!A0",
    "datum.n; signal('x'); toString.constructor('" + SET + "')()",
]


def hostile_rows() -> list[dict[str, str]]:
    rows = []
    for number, text in enumerate(HOSTILE * 3):
        changes = {"source": text[:3_000], "created_at": f"2031-06-{1 + number % 28:02}T10:00:00Z"}
        changes["language"] = ("en", "ru", "<b>x</b>")[number % 3]
        changes["score_north"] = f"{0.9 + number / 1000:.3f}"
        rows.append(message(f"{text} {number}", "north", **changes))
    rows.append(uncertain("short", "too_short;language_not_trained:<i>x</i>;near_threshold:north", source=""))
    return rows


def hostile_page(folder: Path) -> Path:
    labels = [HOSTILE[n] for n in (0, 2, 3, 6, 10, 12)]  # six: so few are written out in the picture
    rows = [{"date": f"2031-06-{n + 2:02}", "label": text, "kind": text} for n, text in enumerate(labels)]
    names = {"north": f"<b onclick={SET}>North</b>", "south_side": "\u202eSouth" + "X" * 500}
    events = write_csv(folder / "events.csv", rows)
    change = {"source_messages_at_least": 1, "examples": 50, "comparison_messages_at_least": 1, "word_z_at_least": 0.0}
    return summary(folder, hostile_rows(), events=events, audience_names=names, **change).html


def plain_page(folder: Path) -> Path:
    rows = [message(f"The harbour gates {n}", "north", created_at=f"2031-06-{n + 1:02}T09:00:00Z") for n in range(25)]
    rows += [message(f"A quiet meadow {n}", source="meadow-news") for n in range(25)]
    events = [{"date": "2031-06-10", "label": "Harbour vote", "kind": "vote", "declared": "true"}]
    return summary(folder, rows, events=write_csv(folder / "events.csv", events)).html


def visit(page: "Page", path: Path) -> list[str]:
    """Open a page; everything it did that a page of ours must not do."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda line: seen.append(f"console {line.text}"))
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("request", lambda request: request.url == path.as_uri() or seen.append(f"request {request.url}"))
    page.goto(path.as_uri())
    return seen


def test_a_hostile_corpus_runs_nothing_and_asks_for_nothing(chromium_page: "Page", tmp_path: Path) -> None:
    seen = visit(chromium_page, hostile_page(tmp_path))
    for selector in ("summary", "blockquote", "svg:visible text", "th bdi"):
        for element in chromium_page.locator(selector).all()[:10]:
            element.dispatch_event("click")
            element.dispatch_event("mouseover")
    chromium_page.wait_for_timeout(300)
    assert seen == []
    assert chromium_page.evaluate("document.body.dataset.hacked") is None
    assert chromium_page.locator("script, iframe, img, link, object, embed, base, form").count() == 0
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    assert chromium_page.evaluate(handlers) == []


@pytest.mark.parametrize("number", [0, 2, 3, 6, 7, 8])
def test_a_hostile_text_is_shown_as_it_was_written(chromium_page: "Page", tmp_path: Path, number: int) -> None:
    visit(chromium_page, summary(tmp_path, [message(HOSTILE[number], "north")]).html)
    assert chromium_page.locator("blockquote").inner_text() == HOSTILE[number]


def test_no_bidi_control_or_invisible_character_reaches_the_page(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, hostile_page(tmp_path))
    shown = chromium_page.evaluate("document.documentElement.textContent")
    assert not [control for control in "\u202e\u202c\u2066\u200b\u200d\u2060\ufeff\x00" if control in shown]


def test_event_labels_are_written_into_the_picture(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, hostile_page(tmp_path))
    assert "1  <script>document.body.dataset.hac…" in chromium_page.locator("#timeline svg:visible").text_content()


@pytest.mark.parametrize("make", [plain_page, hostile_page])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_every_chart_is_drawn_and_nothing_overflows(
    chromium_page: "Page", tmp_path: Path, make: object, width: int
) -> None:
    chromium_page.set_viewport_size({"width": width, "height": 800})
    assert visit(chromium_page, make(tmp_path)) == []  # type: ignore[operator]
    for picture in chromium_page.locator(".picture").all():
        drawn = [svg.bounding_box() for svg in picture.locator("svg:visible").all()]
        assert [box["width"] > 200 and box["height"] > 100 for box in drawn if box] == [True]
        bars = picture.locator("svg:visible path[fill^='var(--a']").first.bounding_box()
        assert bars and bars["width"] > 0 and bars["height"] > 0
    chromium_page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert chromium_page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_chart_takes_its_colours_from_the_page_in_light_and_dark(chromium_page: "Page", tmp_path: Path) -> None:
    path = plain_page(tmp_path)
    fills = []
    for scheme in ("light", "dark"):
        chromium_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit(chromium_page, path)
        label = chromium_page.locator("svg:visible text").first
        fills.append(label.evaluate("text => getComputedStyle(text).fill"))
    assert fills == ["rgb(27, 29, 33)", "rgb(233, 231, 226)"]  # --ink of page.css


def test_printing_cuts_no_chart(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, plain_page(tmp_path))
    chromium_page.emulate_media(media="print")
    chromium_page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins, at 96 dots an inch
    boxes = [svg.bounding_box() for svg in chromium_page.locator("svg:visible").all()]
    assert len(boxes) == 2
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 688 for box in boxes)


def test_the_first_screen_says_what_a_label_is_not(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, plain_page(tmp_path))
    note = chromium_page.get_by_role("note")
    box = note.bounding_box()
    assert "An audience label is not evidence of foreign origin: genuine domestic speech" in note.inner_text()
    assert box and box["y"] + box["height"] < 720
    assert "A count of chosen labels is not a corrected share." in chromium_page.locator("#counts").inner_text()


def test_each_chart_has_its_figures_in_a_table(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, plain_page(tmp_path))
    chromium_page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    tables = chromium_page.locator("details table")
    # 25 of 50 messages are for the north, of 25 different texts, none near or set aside
    assert tables.nth(0).locator("tbody tr").nth(0).inner_text().split("\t") == [
        "North",
        "25",
        "50.0 %",
        "25",
        "0",
        "0",
    ]
    # one message for the north a day; 25 others have the day of message(): 15 June
    assert tables.nth(1).locator("tbody tr").nth(14).inner_text().split("\t") == ["2031-06-15", "26", "1", "0"]


def test_without_dates_the_page_says_that_there_is_no_timeline(chromium_page: "Page", tmp_path: Path) -> None:
    rows = [{name: value for name, value in message(text, "north").items() if name != "created_at"} for text in "abc"]
    visit(chromium_page, summary(tmp_path, rows).html)
    said = chromium_page.locator("#timeline").inner_text()
    assert "There is no timeline: the table has no column created_at. No date: 3." in said
    assert chromium_page.locator("#timeline svg").count() == 0


def test_dates_that_cannot_be_read_are_said_to_be_missing(chromium_page: "Page", tmp_path: Path) -> None:
    visit(chromium_page, summary(tmp_path, [message("a", created_at="soon")]).html)
    said = chromium_page.locator("#timeline").inner_text()
    assert "no value of the column created_at could be read as a date. No date: 1." in said


class Tree(HTMLParser):
    """Headings, ids and references of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        self.ids += [value for name, value in found.items() if name == "id" and value]
        self.links += [value for name, value in found.items() if name in ("href", "src") and value]


def test_shattered_messages_have_a_row_in_plain_words(tmp_path: Path) -> None:
    html = summary(tmp_path, [message("one", "north"), uncertain("g7Rk q9Zt", "shattered")]).html.read_text("utf-8")
    assert 'Not words the model can read (codes, disguised letters)</th><td class="n">1</td>' in html


def test_headings_are_in_order_ids_are_single_and_links_stay_in_the_page(tmp_path: Path) -> None:
    tree = Tree(hostile_page(tmp_path).read_text("utf-8"))
    assert tree.headings[0] == 1 and tree.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(tree.headings, tree.headings[1:], strict=False))
    assert len(tree.ids) == len(set(tree.ids))
    assert tree.links and {link.removeprefix("#") for link in tree.links} <= set(tree.ids)


def test_every_chart_is_well_formed_xml_whatever_the_labels_are(tmp_path: Path) -> None:
    html = hostile_page(tmp_path).read_text("utf-8")
    charts = [part.split("</svg>")[0] for part in html.split("<svg ")[1:]]
    assert len(charts) == 4
    for chart in charts:
        tags = {element.tag.rsplit("}", 1)[-1] for element in ET.fromstring(f"<svg {chart}</svg>").iter()}
        assert tags <= {"svg", "g", "path", "text", "line", "defs", "clipPath", "rect"}


def test_the_page_forbids_scripts_and_remote_assets(tmp_path: Path) -> None:
    html = plain_page(tmp_path).read_text("utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert html.lstrip().startswith("<!doctype html>")


def test_a_percentage_never_rounds_something_to_nothing() -> None:
    assert [percentage(1, 10_000), percentage(0, 5), percentage(1, 8), percentage(0, 0)] == [
        "<0.1 %", "0 %", "12.5 %", "–"
    ]  # fmt: skip


def test_no_score_is_shown_as_one() -> None:
    assert [written_score(0.9999), written_score(0.87)] == ["over 0.99", "0.87"]
