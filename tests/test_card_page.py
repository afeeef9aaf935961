"""The card's page: the Markdown card's own words, its pictures inside, and in a real headless Chromium nothing that runs."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_summary_page import HOSTILE, visit

from eval.card_page import card_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

# one grey pixel
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
CARD = """# Model card: audience, bundle 0a1b

Every figure measures *agreement*.

| audience | definition | threshold |
|---|---|---|
| `gardeners` | Speaks to people who keep a garden, wherever it lies and whatever grows in it. | 0.38 |

![Reliability](reliability.png)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reliability.png").write_bytes(PIXEL)
    return tmp_path


def test_the_title_is_the_first_line_of_the_card(folder: Path) -> None:
    assert "<title>Model card: audience, bundle 0a1b</title>" in card_page(CARD, folder)


def test_a_table_of_the_card_is_a_table_of_the_page(folder: Path) -> None:
    page = card_page(CARD, folder)
    assert "<th>threshold</th>" in page
    assert "<td><code>gardeners</code></td>" in page


def test_a_picture_is_inside_the_page(folder: Path) -> None:
    page = card_page(CARD, folder)
    assert f'src="data:image/png;base64,{base64.b64encode(PIXEL).decode()}"' in page
    assert "reliability.png" not in page


def test_markup_in_a_definition_is_shown_not_run(chromium_page: "Page", folder: Path) -> None:
    path = folder / "card.html"
    path.write_text(card_page(CARD + "\n\n".join(HOSTILE), folder), "utf-8")
    assert visit(chromium_page, path) == []
    assert chromium_page.evaluate("document.body.dataset.hacked") is None
    assert chromium_page.locator("script, iframe, link, object, embed, base, form").count() == 0


def test_a_picture_of_the_page_draws(chromium_page: "Page", folder: Path) -> None:
    path = folder / "card.html"
    path.write_text(card_page(CARD, folder), "utf-8")
    assert visit(chromium_page, path) == []
    assert chromium_page.evaluate("document.images[0].naturalWidth") == 1


def test_a_phone_never_scrolls_sideways(chromium_page: "Page", folder: Path) -> None:
    path = folder / "card.html"
    path.write_text(card_page(CARD, folder), "utf-8")
    chromium_page.set_viewport_size({"width": 360, "height": 740})
    visit(chromium_page, path)
    assert chromium_page.evaluate("document.documentElement.scrollWidth") == 360
