"""Findings as an Excel workbook: a sheet a table, every text a text and every number a number.

No text becomes a formula, a link or a number, whatever it begins with: each is written as a string, and what a spreadsheet
would take for a formula once a reader edits the cell carries the mark of a quoted text. Not here: which tables (sheets.py).
"""

import math
from datetime import datetime
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from segmenter.summary.findings import Findings
from segmenter.summary.redact import plain, shortened
from segmenter.summary.sheets import CellValue, Sheet, sheets

MOST_CHARACTERS = 2_000  # of a cell; Excel itself takes 32,767
MOST_ROWS = 1_048_575  # of a sheet below its head: Excel's limit; the rest is in summary.json
FORMULA_STARTS = tuple("=+-@\t\r")
WIDTHS = {"text": 60, "judgement": 90, "value": 40, "label": 30, "name": 30, "not estimable": 40, "place": 30}
OPTIONS = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}  # fmt: skip


def workbook(findings: Findings) -> bytes:
    """The whole file; the same findings give the same bytes."""
    file = BytesIO()
    book = Workbook(file, OPTIONS)
    book.set_properties({"title": "Audience summary", "created": _made(findings.method.made_at)})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "quoted": book.add_format({"quote_prefix": True}),
        "share": book.add_format({"num_format": "0.0%"}),
    }
    for sheet in sheets(findings):
        _write(book.add_worksheet(sheet.name), sheet, formats)
    book.close()
    return file.getvalue()


def _write(page: Worksheet, sheet: Sheet, formats: dict[str, Format]) -> None:
    for column, name in enumerate(sheet.head):
        page.write_string(0, column, name, formats["head"])
        page.set_column(column, column, WIDTHS.get(name, max(9, min(24, len(name) + 2))))
    n_rows = 0
    for row in sheet.rows:
        if n_rows == MOST_ROWS:
            break
        n_rows += 1
        for column, value in enumerate(row):
            share = formats["share"] if column in sheet.shares else None
            _write_cell(page, n_rows, column, value, share, formats["quoted"])
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(1, n_rows), len(sheet.head) - 1)


def _write_cell(page: Worksheet, row: int, column: int, value: CellValue, share: Format | None, quoted: Format) -> None:
    """Write one cell; None, and a number that is none, stay empty."""
    if isinstance(value, str):
        text = shortened(plain(value[: 2 * MOST_CHARACTERS]), MOST_CHARACTERS)
        page.write_string(row, column, text, quoted if text.startswith(FORMULA_STARTS) else None)
    elif value is not None and math.isfinite(value):
        page.write_number(row, column, value, share)


def _made(made_at: str) -> datetime:
    return datetime.fromisoformat(made_at).replace(tzinfo=None)
