"""The audit's page: what it says, and in a real headless Chromium with texts written to break it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from conftest import tiny_messages
from test_summary_page import HOSTILE, visit

from segmenter.params import Params
from training.audit_page import CONFLICTS_SHOWN, page
from training.label_audit import audit

if TYPE_CHECKING:
    from playwright.sync_api import Page

Written = Callable[..., str]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def written(tiny_params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A function that audits rows and returns the page."""

    def of(rows: list[dict[str, str]]) -> str:
        path = tmp_path_factory.mktemp("page") / "letters.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        tables = [tiny_params["data"]["tables"][0] | {"path": str(path)}]
        data = tiny_params["data"] | {"tables": tables, "reference_labels": "Labelled by the town's clerk."}
        return page(audit(Params.model_validate(tiny_params | {"data": data})))

    return of


def clashing(*texts: str) -> list[dict[str, str]]:
    """The tiny messages and each text twice, for gardeners and for nobody."""
    pairs = [{"text": text, "audiences": ids, "lang": "en"} for text in texts for ids in ("gardeners", "")]
    return [*tiny_messages(), *pairs]


@pytest.fixture(scope="module")
def plain(written: Written) -> str:
    return written(clashing("write to ann@harbour.example or @harbour_clerk, see https://harbour.example/beds"))


def test_contacts_are_masked(plain: str) -> None:
    assert "write to [e-mail] or @…, see [link]" in plain
    assert "harbour" not in plain.replace("over the harbour", "")


def test_the_page_says_who_labelled(plain: str) -> None:
    assert "Labelled by the town&#39;s clerk." in plain


def test_the_page_names_no_author(plain: str) -> None:
    assert not [row["author"] for row in tiny_messages() if row["author"] in plain]


def test_agreement_without_annotators_is_not_evaluable(plain: str) -> None:
    assert "not evaluable, n = 0" in plain


def test_a_loud_language_is_a_warning_above_everything_else(written: Written) -> None:
    rows = [row for row in tiny_messages() if (row["audiences"] == "cyclists") == (row["lang"] == "de")]
    found = written(rows)
    assert found.index("Warning: the language alone predicts cyclists") < found.index("<main>")


def test_nothing_loud_is_no_warning(plain: str) -> None:
    assert "Warning" not in plain


def test_conflicts_beyond_those_shown_are_counted(written: Written) -> None:
    found = written(clashing(*(f"note {number:03} " * 3 for number in range(CONFLICTS_SHOWN + 2))))
    assert f"The first {CONFLICTS_SHOWN} of " in found


def test_hostile_texts_run_nothing_and_ask_for_nothing(chromium_page: "Page", written: Written, tmp_path: Path) -> None:
    path = tmp_path / "audit.html"
    path.write_text(written(clashing(*HOSTILE)), "utf-8")
    assert visit(chromium_page, path) == []
    assert chromium_page.evaluate("document.body.dataset.hacked") is None
    assert chromium_page.locator("script, iframe, img, link, object, embed, base, form").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(
    chromium_page: "Page", plain: str, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    path = tmp_path / "audit.html"
    path.write_text(plain, "utf-8")
    chromium_page.set_viewport_size({"width": 360, "height": 740})
    chromium_page.emulate_media(color_scheme=scheme)
    visit(chromium_page, path)
    assert chromium_page.evaluate("document.documentElement.scrollWidth") == 360
