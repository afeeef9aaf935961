"""The workbook as a spreadsheet reads it."""

import zipfile
from io import BytesIO

import invented
import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from segmenter.summary.citations import all_ids
from segmenter.summary.findings import Findings
from segmenter.summary.workbook import workbook

SHEETS = [
    "Judgements", "Audiences", "Languages", "Sources", "Over time", "Events", "Event windows", "Words", "Phrases",
    "Examples", "Copies", "Unknowns", "Method",
]  # fmt: skip


def opened(findings: Findings) -> Workbook:
    return load_workbook(BytesIO(workbook(findings)))


def table(book: Workbook, name: str) -> list[dict[str, object]]:
    head, *rows = book[name].iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def test_each_table_has_a_sheet() -> None:
    assert opened(invented.ordinary()).sheetnames == SHEETS


def test_numbers_stay_numbers_and_shares_are_shown_in_percent() -> None:
    found = invented.ordinary()
    book = opened(found)
    row = table(book, "Audiences")[1]
    river = found.audiences[1]
    assert river.share is not None
    assert (row["count"], row["share"], row["chosen"]) == ("C2", "S2", river.n_chosen)
    assert row["share, estimated"] == pytest.approx(river.share.value)
    assert row["sampled share, estimated"] is None
    assert book["Audiences"]["J3"].number_format == "0.0%"


def test_a_share_that_is_not_estimable_is_an_empty_cell_beside_its_count() -> None:
    valley = table(opened(invented.ordinary()), "Audiences")[2]
    assert valley["share, estimated"] is None and isinstance(valley["chosen"], int)
    assert valley["not estimable"] == "*: the bundle keeps no out-of-fold messages of this audience"


def test_the_timeline_has_a_row_for_each_value_audience_and_period() -> None:
    found = invented.ordinary()
    rows = table(opened(found), "Over time")
    n_values = sum(len(part.values) for part in found.dimensions)
    assert len(rows) == n_values * 3 * 26
    whole = found.dimensions[0].values[0].over_time
    assert whole is not None
    assert [row["messages"] for row in rows[:26]] == whole.n_messages
    assert [row["chosen, a count"] for row in rows[26:52]] == whole.audiences["river"].n_chosen


def test_every_figure_in_the_workbook_has_an_id_of_the_summary() -> None:
    found = invented.ordinary()
    book = opened(found)
    cited = {str(row["figure"]) for name in SHEETS for row in table(book, name) if "figure" in row}
    assert cited <= set(all_ids(found))


def test_no_text_becomes_a_formula_a_link_or_a_number() -> None:
    book = opened(invented.hostile())
    texts = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert any(str(cell.value).startswith("=cmd|") for cell in texts)
    assert {cell.data_type for cell in texts} == {"s"}
    assert all(cell.hyperlink is None for cell in texts)
    assert all(cell.quotePrefix for cell in texts if str(cell.value).startswith(tuple("=+-@")))


def test_a_workbook_holds_neither_links_nor_macros_nor_formulas() -> None:
    with zipfile.ZipFile(BytesIO(workbook(invented.hostile()))) as file:
        parts = {name: file.read(name).decode("utf-8") for name in file.namelist()}
    assert not [name for name in parts if "vba" in name.lower() or "externalLink" in name]
    sheets = [text for name, text in parts.items() if name.startswith("xl/worksheets/")]
    assert len(sheets) == len(SHEETS)
    assert not [text for text in sheets if "<f>" in text or "<hyperlink" in text]


def test_no_invisible_character_reaches_a_cell() -> None:
    book = opened(invented.hostile())
    texts = "".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
    assert not [control for control in "\u202e\u202c\u2066\u200b\u2060\ufeff\x00" if control in texts]


def test_the_same_findings_give_the_same_bytes() -> None:
    assert workbook(invented.ordinary()) == workbook(invented.ordinary())


def test_findings_with_nothing_in_them_give_a_workbook() -> None:
    book = opened(invented.undated())
    assert "Sources" not in book.sheetnames
    assert table(book, "Over time") == [] and table(book, "Words") == []
