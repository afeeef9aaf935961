"""The page in a real headless Chromium, offline: with ordinary findings, with the least and the most, and with hostile ones."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invented
import pytest
from axe_playwright_python.sync_playwright import Axe
from invented import HOSTILE
from plain_table import PLAIN_TABLE

from segmenter.params import Params
from segmenter.summary.citations import all_ids
from segmenter.summary.findings import Findings
from segmenter.summary.html.charts import library, specifications
from segmenter.summary.html.page import page
from training.labels import read_labels

if TYPE_CHECKING:
    from playwright.sync_api import Page

KINDS = {"ordinary": invented.ordinary, "hostile": invented.hostile, "undated": invented.undated}
INVISIBLE = "\u202e\u202c\u2066\u200b\u200d\u2060\ufeff\x00"
A4_WIDTH = 688  # A4 without the page's margins, at 96 dots an inch


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, make in KINDS.items():
        (folder / f"{name}.html").write_text(page(make()), "utf-8")
    return {name: folder / f"{name}.html" for name in KINDS}


def visit(page: "Page", path: Path) -> list[str]:
    """Open a page; everything it did that a page of ours must not do."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda line: seen.append(f"console {line.text}"))
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("request", lambda request: request.url == path.as_uri() or seen.append(f"request {request.url}"))
    page.goto(path.as_uri())
    return seen


def opened(page: "Page", path: Path) -> list[str]:
    """Open a summary and wait for its charts."""
    seen = visit(page, path)
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    return seen


def choose(page: "Page", name: str, label: str) -> str:
    """Take a choice as a reader does; what the page then says it shows."""
    page.locator(f"[data-choice={name}]").select_option(label=label)
    page.wait_for_timeout(300)
    return page.locator(".status").inner_text()


def rows(page: "Page", table: str) -> list[list[str]]:
    """The cells of a table behind a chart, opened."""
    found = page.locator(f"[data-table={table}]")
    found.evaluate("table => { table.closest('details').open = true; }")
    page.wait_for_function("table => table.rows.length", arg=found.element_handle())
    return [line.split("\t") for line in found.locator("tr").all_inner_texts()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_every_chart_is_drawn_and_nothing_overflows(
    chromium_page: "Page", pages: dict[str, Path], kind: str, width: int
) -> None:
    chromium_page.set_viewport_size({"width": width, "height": 800})
    assert opened(chromium_page, pages[kind]) == []
    chromium_page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    figures = chromium_page.locator("figure.panel:visible").all()
    # three audiences: all and theirs over time, theirs by language and by source; without dates and sources by language
    assert len(figures) == (3 if kind == "undated" else 4 + 3 + 3)
    for figure in figures:
        box = figure.locator("svg").bounding_box()
        assert box and box["width"] >= 200 and box["height"] > 80 and box["x"] + box["width"] <= width
        marks = figure.locator("svg path[fill^='var(--'], svg path[stroke^='var(--a']")
        assert marks.count() > 0
    assert chromium_page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_corpus_runs_nothing_and_asks_for_nothing(chromium_page: "Page", pages: dict[str, Path]) -> None:
    seen = opened(chromium_page, pages["hostile"])
    for name in ("language", "source", "period", "audience", "mode", "part"):
        options = chromium_page.locator(f"[data-choice={name}] option").count()
        for place in range(min(options, 6)):
            chromium_page.locator(f"[data-choice={name}]").select_option(index=place)
    chromium_page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    for selector in ("summary", "blockquote", "svg text", "th bdi", "svg path", "mark"):
        for element in chromium_page.locator(selector).all()[:12]:
            element.dispatch_event("click")
            element.dispatch_event("mousemove")
            element.dispatch_event("mouseover")
    chromium_page.wait_for_timeout(500)
    assert seen == []
    assert chromium_page.evaluate("document.body.dataset.hacked") is None
    assert chromium_page.locator("iframe, img, link, object, embed, base, form").count() == 0
    assert chromium_page.locator("script").count() == 4
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    assert chromium_page.evaluate(handlers) == []
    assert chromium_page.evaluate("({}).hacked") is None


def test_a_tooltip_shows_a_hostile_name_as_text(chromium_page: "Page", pages: dict[str, Path]) -> None:
    seen = opened(chromium_page, pages["hostile"])
    chromium_page.locator("#sources figure svg").first.scroll_into_view_if_needed()
    box = chromium_page.locator("#sources figure svg").first.bounding_box()
    assert box
    for step in range(1, 18):
        chromium_page.mouse.move(box["x"] + 60, box["y"] + step * box["height"] / 18)
    tip = chromium_page.locator("#vg-tooltip-element.visible")
    assert "chosen, a count" in tip.inner_text()
    assert seen == [] and chromium_page.evaluate("document.body.dataset.hacked") is None
    assert set(chromium_page.eval_on_selector_all("#vg-tooltip-element *", "found => found.map(e => e.tagName)")) <= {
        "TABLE", "TBODY", "TR", "TD", "H2"
    }  # fmt: skip


def test_no_bidi_control_or_invisible_character_reaches_the_page(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["hostile"])
    shown = chromium_page.evaluate("document.body.innerText")
    attributes = chromium_page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => a.value)).join(' ')"
    )
    assert not [control for control in INVISIBLE if control in shown + attributes]


def test_a_choice_of_language_and_period_changes_charts_tables_and_what_was_told(
    chromium_page: "Page", pages: dict[str, Path]
) -> None:
    found = invented.ordinary()
    opened(chromium_page, pages["ordinary"])
    said = choose(chromium_page, "language", "Russian (2,480)")
    assert said == "Shown: Russian, 2,480 messages; every audience."
    russian = next(value for value in found.dimensions[1].values if value.name == "ru")
    head, north, river, _valley = rows(chromium_page, "chosen")
    assert head[:3] == ["Audience", "Messages", "Chosen, a count"]
    assert north[:3] == ["Northern publics", "2,480", f"{russian.audiences['north'].n_chosen:,}"]
    assert river[4:] == ["not estimable", "–", "–"]
    languages = chromium_page.locator(".part:visible [data-language]:visible").evaluate_all(
        "found => found.map(e => e.dataset.language)"
    )
    assert set(languages) == {"ru"}
    choose(chromium_page, "period", found.periods.labels[2])
    assert russian.over_time is not None
    n_there = russian.over_time.n_messages[2]
    assert rows(chromium_page, "chosen")[1][1] == f"{n_there:,}"
    assert rows(chromium_page, "time")[3][1] == f"{n_there:,}"


def test_a_period_brings_what_was_told_in_it(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    part = chromium_page.locator("[data-choice=part]")
    # weeks begin on 6 January 2031, a Monday: week 13 on 7 April, and the last part told of is April
    choose(chromium_page, "period", "week of 7 April 2031")
    assert part.input_value() == "2"
    assert "1 April 2031 to 30 April 2031" in chromium_page.locator(".part:visible").inner_text()
    chromium_page.get_by_role("button", name="Show everything").click()
    assert part.input_value() == "0"


def test_choices_stay_in_sight_and_hide_nothing_that_a_link_leads_to(
    chromium_page: "Page", pages: dict[str, Path]
) -> None:
    chromium_page.set_viewport_size({"width": 1280, "height": 800})
    opened(chromium_page, pages["ordinary"])
    chromium_page.locator(".judgements a.cite", has_text="E4").click()
    chromium_page.wait_for_timeout(700)
    bar, target = chromium_page.locator(".bar").bounding_box(), chromium_page.locator("#E4").bounding_box()
    assert bar and target
    assert bar["y"] == 0 and target["y"] > bar["height"]


def test_a_language_and_a_source_are_not_chosen_together(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    choose(chromium_page, "language", "German (3,100)")
    said = choose(chromium_page, "source", "meadow-news (2,755)")
    assert "Shown: meadow-news, 2,755 messages" in said and "counted one at a time" in said
    assert chromium_page.locator("[data-choice=language]").input_value() == ""
    chromium_page.get_by_role("button", name="Show everything").click()
    assert chromium_page.locator(".status").inner_text() == "Shown: All messages, 12,400 messages; every audience."


def test_a_choice_of_audience_hides_the_others_everywhere(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    choose(chromium_page, "audience", "River towns")
    shown = chromium_page.locator("main [data-audience]:visible").evaluate_all(
        "found => [...new Set(found.map(e => e.dataset.audience))]"
    )
    assert shown == ["1"]
    assert chromium_page.locator("#time figure:visible svg").count() == 2


def test_counts_stand_as_counts_where_no_share_can_be_estimated(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    valley = chromium_page.locator("#S3").inner_text()
    assert "not estimable" in valley and "a count only: the bundle keeps no out-of-fold messages" in valley
    assert chromium_page.locator("#L3 svg text", has_text="a count").count() == 4


def test_counts_over_time_can_be_drawn_instead_of_shares(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    axis = chromium_page.locator("#T1 svg text").all_text_contents
    assert [text for text in axis() if text.endswith(" %")]
    choose(chromium_page, "mode", "counts")
    assert not [text for text in axis() if text.endswith(" %")]


def test_what_was_told_around_an_event_stands_side_by_side(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    choose(chromium_page, "part", "Around Harbour vote (2031-04-14 to 2031-05-11)")
    columns = chromium_page.locator(".part:visible article").all()
    boxes = [column.bounding_box() for column in columns]
    assert len({box["y"] for box in boxes if box}) == 1
    assert [column.locator("h3").inner_text() for column in columns] == list(invented.AUDIENCES.values())
    # the text of place 3 (scope 1, audience 0): spans 4 to 11 and 17 to 24 for, 30 to 35 against
    marks = columns[0].locator("li blockquote").first.locator("mark")
    text = invented.TEXTS["en"]
    assert marks.all_text_contents() == [text[4:11], text[17:24], text[30:35]]
    assert "not computed" in columns[0].locator("ul.examples li").nth(2).inner_text()


@pytest.mark.parametrize("kind", ["ordinary", "hostile"])
def test_a_wrong_label_is_exported_as_a_label_table(
    chromium_page: "Page", pages: dict[str, Path], tiny_params: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    seen = opened(chromium_page, pages[kind])
    examples = chromium_page.locator(".part:visible ul.examples li")
    for place in (0, 1):
        examples.nth(place).get_by_role("button").click()
    examples.nth(0).locator(".fix input").nth(2).check()
    assert chromium_page.locator("[data-count]").inner_text() == "2 labels found wrong."
    texts = [examples.nth(place).locator("blockquote").text_content() for place in (0, 1)]
    with chromium_page.expect_download() as download:
        chromium_page.get_by_role("button", name="Export as JSONL").click()
    download.value.save_as(tmp_path / "labels.jsonl")
    found = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in found] == texts
    assert [row["audiences"] for row in found] == [["valley"], []]
    assert {row["redacted"] for row in found} == {True}
    # the tiny run's audiences are gardeners, cyclists and readers
    names = {"north": ["gardeners"], "river": ["cyclists"], "valley": ["readers"]}
    table = PLAIN_TABLE | {"path": str(tmp_path / "labels.jsonl"), "labels": names}
    frame = read_labels(Params.model_validate(tiny_params | {"data": tiny_params["data"] | {"tables": [table]}})).frame
    assert frame["text"].tolist() == texts
    assert frame["audiences"].tolist() == [["readers"], []]
    assert [one for one in seen if not one.startswith("request blob:")] == []


def test_without_script_the_first_figures_and_what_was_told_are_there(
    chromium_page: "Page", pages: dict[str, Path]
) -> None:
    browser = chromium_page.context.browser
    assert browser
    quiet = browser.new_context(java_script_enabled=False).new_page()
    quiet.goto(pages["ordinary"].as_uri())
    assert "24.2" in quiet.locator("#S1").inner_text()
    assert quiet.locator(".part:visible").count() == 1
    assert "need this page’s own script" in quiet.locator("#closer").inner_text()
    assert quiet.locator("button:visible, select:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(chromium_page: "Page", pages: dict[str, Path], kind: str, scheme: str) -> None:
    chromium_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    opened(chromium_page, pages[kind])
    chromium_page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    for button in chromium_page.locator("button.wrong:visible").all()[:1]:
        button.click()
    found = Axe().run(chromium_page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []


def test_a_chart_takes_its_colours_from_the_page_in_light_and_dark(
    chromium_page: "Page", pages: dict[str, Path]
) -> None:
    fills = []
    for scheme in ("light", "dark"):
        chromium_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        opened(chromium_page, pages["ordinary"])
        label = chromium_page.locator("#L1 svg text", has_text="English")
        fills.append(label.evaluate("text => getComputedStyle(text).fill"))
    assert fills == ["rgb(27, 29, 33)", "rgb(233, 231, 226)"]  # --ink of page.css


@pytest.mark.parametrize("kind", ["ordinary", "hostile"])
def test_printing_cuts_no_chart(chromium_page: "Page", pages: dict[str, Path], kind: str) -> None:
    opened(chromium_page, pages[kind])
    chromium_page.emulate_media(media="print")
    chromium_page.set_viewport_size({"width": A4_WIDTH, "height": 1000})
    chromium_page.evaluate("dispatchEvent(new Event('beforeprint'))")
    boxes = [svg.bounding_box() for svg in chromium_page.locator("figure.panel:visible svg").all()]
    assert len(boxes) == 10
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= A4_WIDTH for box in boxes)
    assert chromium_page.evaluate("document.documentElement.scrollWidth") <= A4_WIDTH
    assert chromium_page.locator("button:visible, select:visible").count() == 0


def test_a_printed_chart_stands_whole_on_its_sheet(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    pdf = chromium_page.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    chromium_page.emulate_media(media="print")
    rules = chromium_page.locator("figure.panel:visible").evaluate_all(
        "found => found.map(e => getComputedStyle(e).breakInside)"
    )
    assert set(rules) == {"avoid"}
    # a grid of shared rows that breaks over sheets prints its parts over each other in Chromium 15x
    columns = chromium_page.locator(".part:visible article").evaluate_all(
        "e => e.map(e => getComputedStyle(e).display)"
    )
    assert set(columns) == {"block"}


def test_the_first_screen_says_what_a_label_is_not(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    note = chromium_page.get_by_role("note").first
    box = note.bounding_box()
    assert "An audience label is not evidence of foreign origin: genuine domestic speech" in note.inner_text()
    assert box and box["y"] + box["height"] < 720


def test_a_judgement_leads_to_its_figures(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    links = chromium_page.locator(".judgements a.cite")
    assert links.all_inner_texts() == ["S1", "C1", "S1", "S2", "E4", "T1"]
    links.nth(4).click()
    target = chromium_page.locator(":target")
    assert target.get_attribute("id") == "E4" and "Northern publics" in target.inner_text()


def test_the_page_is_worked_by_keyboard_alone(chromium_page: "Page", pages: dict[str, Path]) -> None:
    opened(chromium_page, pages["ordinary"])
    chromium_page.keyboard.press("Tab")
    assert chromium_page.evaluate("document.activeElement.className") == "skip"
    chromium_page.locator("[data-choice=audience]").focus()
    chromium_page.keyboard.press("ArrowDown")
    chromium_page.wait_for_timeout(300)
    assert "Northern publics" in chromium_page.locator(".status").inner_text()
    for _ in range(5):
        chromium_page.keyboard.press("Tab")
    assert chromium_page.evaluate("document.activeElement.textContent") == "Show everything"


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


@pytest.mark.parametrize("kind", KINDS)
def test_headings_are_in_order_ids_are_single_and_links_stay_in_the_page(pages: dict[str, Path], kind: str) -> None:
    tree = Tree(pages[kind].read_text("utf-8"))
    assert tree.headings[0] == 1 and tree.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(tree.headings, tree.headings[1:], strict=False))
    assert len(tree.ids) == len(set(tree.ids))
    assert tree.links and {link.removeprefix("#") for link in tree.links} <= set(tree.ids)


def test_every_figure_carries_its_id(pages: dict[str, Path]) -> None:
    assert set(all_ids(invented.ordinary())) <= set(Tree(pages["ordinary"].read_text("utf-8")).ids)


def test_the_policy_names_our_scripts_and_forbids_all_else(pages: dict[str, Path]) -> None:
    html = pages["hostile"].read_text("utf-8")
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[0].replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(digests) == 2
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_library_cannot_end_its_script_early() -> None:
    assert "</script" not in library().lower() and "<!--" not in library()
    assert "</script" not in json.dumps(specifications())


def test_the_figures_of_the_page_are_those_of_the_findings(pages: dict[str, Path]) -> None:
    found = invented.ordinary()
    html = pages["ordinary"].read_text("utf-8")
    margins = json.loads(html.split('id="margins">')[1].split("</script>")[0])
    share = found.dimensions[0].values[0].audiences["river"].share
    assert share is not None
    ends = (share.value, share.low, share.high, share.bound_low, share.bound_high)
    assert margins["all"][0]["cells"][1][1] == [*(round(end, 4) for end in ends), share.n_estimable]
    assert [value["n"] for value in margins["source"]] == [one.n_messages for one in found.dimensions[2].values]


def test_the_largest_page_is_under_6_mb_and_opens_in_under_2_seconds(chromium_page: "Page", tmp_path: Path) -> None:
    path = tmp_path / "largest.html"
    path.write_text(page(invented.largest()), "utf-8")
    assert path.stat().st_size < 6_000_000
    took = []
    for _ in range(3):  # the best of three: other work on this machine is not the page's
        started = time.monotonic()
        opened(chromium_page, path)
        took.append(time.monotonic() - started)
    assert min(took) < 2


def one_reason(make: Callable[[], Findings]) -> Findings:
    return replace(make(), judgements=[])


def test_without_judgements_the_figures_come_first(chromium_page: "Page", tmp_path: Path) -> None:
    path = tmp_path / "bare.html"
    path.write_text(page(one_reason(invented.undated)), "utf-8")
    opened(chromium_page, path)
    assert chromium_page.locator(".judgements").count() == 0
    assert "There is no timeline: no message has a date" in chromium_page.locator("#time").inner_text()
    assert "No source has more than a quarter" in chromium_page.locator("#uncertain").inner_text()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 6, 7, 8, 16])
def test_a_hostile_text_is_shown_as_it_was_written(chromium_page: "Page", tmp_path: Path, number: int) -> None:
    found = invented.ordinary(n_weeks=2)
    audience = found.told[0].audiences[0]
    example = replace(audience.examples[0], text=HOSTILE[number], spans=None)
    told = replace(found.told[0], audiences=[replace(audience, examples=[example])])
    (tmp_path / "one.html").write_text(page(replace(found, told=[told])), "utf-8")
    opened(chromium_page, tmp_path / "one.html")
    assert chromium_page.locator("ul.examples blockquote").text_content() == " ".join(HOSTILE[number].split())
