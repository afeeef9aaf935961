"""The page of mistakes: what it says with and without texts, and in a real headless Chromium with texts written to break it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import TinyRun
from test_summary_page import HOSTILE, visit

from eval.mistakes import CHOSEN_WRONGLY, Cell, Mistake, Mistakes, Opinion
from eval.mistakes_page import JSON, PAGE, Shown, shown, write_mistakes
from segmenter.bundle import audit
from segmenter.explain import Explanation, WordEffect, words_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "Gardeners, write to ann@beds.example or @ann_of_beds: roses first, see https://beds.example/roses"


def explained(text: str, together: int = 1) -> Explanation:
    """Its first word carries the score, its last lowers it, the others do nothing."""
    words = words_of(text)
    runs = [words[first : first + together] for first in range(0, len(words), together)]
    effects = [0.0] * len(runs)
    if runs:
        effects[0], effects[-1] = 1.5, -0.7
    found = [
        WordEffect(run[0].start, run[-1].end, effect / 10, effect) for run, effect in zip(runs, effects, strict=True)
    ]
    return Explanation(text, 0.9, found, together)


def mistake(text: str, **changes: Any) -> Mistake:  # noqa: ANN401
    usual = {
        **{"id": "m1", "row": 4, "language": "en", "audience": "gardeners", "kind": CHOSEN_WRONGLY, "is_near": False},
        **{"labels": ["cyclists"], "label_kind": "gold", "opinions": [Opinion("tfidf", 0.8, sides=True)]},
        **{"n_copies": 0, "explanation": explained(text)},
    }
    return Mistake(**(usual | changes))


def written(run: TinyRun, folder: Path, listed: list[Mistake], *, with_text: bool) -> Path:
    bundle = audit(run.bundle)
    cells = [Cell("gardeners", language, 50, 20, len(listed), 0, 1) for language in {one.language for one in listed}]
    cells += [Cell("gardeners", "fi", 7, 0, 0, 0, 0)]
    found = Mistakes(bundle.digest, bundle.manifest, 57, ["tfidf"], cells, listed)
    write_mistakes(folder, found, split="gate", with_text=with_text)
    return folder / PAGE


def carriers(found: Shown) -> list[tuple[int, str]]:
    return [(one.number, found.word(one)) for one in found.carriers]


def test_a_word_is_found_in_the_redacted_text() -> None:
    assert carriers(shown(mistake("Gardeners, water the beds")))[0] == (1, "Gardeners")


def test_a_masked_word_is_not_shown() -> None:
    # 11 words: Gardeners write to ann @beds example or @ann_of_beds roses first see, and the link
    found = shown(mistake(TEXT))
    assert carriers(found) == [(1, "Gardeners"), (12, "…")]
    assert "beds.example" not in found.text


def test_a_run_of_words_is_shown_from_its_first_to_its_last_word() -> None:
    # three together: "Gardeners, water the", then "beds"
    found = shown(mistake("", explanation=explained("Gardeners, water the beds", together=3)))
    assert carriers(found) == [(1, "Gardeners, water the"), (4, "beds")]


def test_the_pieces_are_the_text() -> None:
    found = shown(mistake("Gardeners, water the beds"))
    assert list(found.pieces()) == [("", 0.0), ("Gardeners", 1.5), (", water the ", 0.0), ("beds", -0.7), ("", 0.0)]


def test_without_texts_neither_file_holds_a_word_of_a_message(tiny_run: TinyRun, tmp_path: Path) -> None:
    text = "zinnias, quinces and medlars"
    written(tiny_run, tmp_path, [mistake(text)], with_text=False)
    for name in (PAGE, JSON):
        content = (tmp_path / name).read_text("utf-8")
        assert [word for word in ("zinnias", "quinces", "medlars") if word in content] == []
    assert "word 4 of 4" in (tmp_path / PAGE).read_text("utf-8")


def test_with_texts_the_message_is_there_and_masked(tiny_run: TinyRun, tmp_path: Path) -> None:
    page = written(tiny_run, tmp_path, [mistake(TEXT)], with_text=True).read_text("utf-8")
    assert '<mark class="up">Gardeners</mark>, write to [e-mail] or @…: roses first, see [link]' in page
    assert "word 12 of 12, masked or cut" in page


def test_json_has_what_the_page_has(tiny_run: TinyRun, tmp_path: Path) -> None:
    written(tiny_run, tmp_path, [mistake("Gardeners, water the beds")], with_text=True)
    whole = json.loads((tmp_path / JSON).read_text("utf-8"))
    (one,) = whole["mistakes"]
    assert (whole["split"], whole["n"], one["text"]) == ("gate", 57, "Gardeners, water the beds")
    assert one["carriers"][0] == {"number": 1, "log_odds": 1.5, "effect": 0.15, "word": "Gardeners"}
    assert (one["score"], one["is_doubted"], one["n_words"]) == (0.9, True, 4)


def test_the_page_says_whose_labels_and_how_many(tiny_run: TinyRun, tmp_path: Path) -> None:
    page = written(tiny_run, tmp_path, [mistake("Gardeners, water the beds")], with_text=False).read_text("utf-8")
    assert audit(tiny_run.bundle).manifest.reference_labels.split(";")[0] in page
    assert "57 messages of split gate" in page
    assert "1 other language</th>" in page


def test_a_hostile_message_runs_nothing_and_asks_for_nothing(
    chromium_page: "Page", tiny_run: TinyRun, tmp_path: Path
) -> None:
    listed = [
        mistake(text, id=text[:3000], language=("en", "<b>x</b>")[number % 2], label_kind=text[:50])
        for number, text in enumerate(HOSTILE)
    ]
    seen = visit(chromium_page, written(tiny_run, tmp_path, listed, with_text=True))
    for element in chromium_page.locator("blockquote, mark, th bdi").all()[:30]:
        element.dispatch_event("click")
        element.dispatch_event("mouseover")
    assert seen == []
    assert chromium_page.evaluate("document.body.dataset.hacked") is None
    assert chromium_page.locator("script, iframe, img, link, object, embed, base, form").count() == 0
    assert chromium_page.locator("blockquote").count() == len(HOSTILE)


def test_a_word_of_markup_is_marked_as_it_was_written(chromium_page: "Page", tiny_run: TinyRun, tmp_path: Path) -> None:
    visit(chromium_page, written(tiny_run, tmp_path, [mistake("<script>beds</script>")], with_text=True))
    assert chromium_page.locator("blockquote").inner_text() == "<script>beds</script>"
    assert chromium_page.locator("mark.up").first.inner_text() == "script"


@pytest.mark.parametrize("with_text", [True, False])
def test_a_phone_never_scrolls_sideways(
    chromium_page: "Page", tiny_run: TinyRun, tmp_path: Path, *, with_text: bool
) -> None:
    listed = [mistake(text) for text in (TEXT, "Z" * 3000)]
    chromium_page.set_viewport_size({"width": 360, "height": 740})
    visit(chromium_page, written(tiny_run, tmp_path, listed, with_text=with_text))
    assert chromium_page.evaluate("document.documentElement.scrollWidth") == 360
