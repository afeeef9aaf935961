"""The model card as one self-contained HTML page, made from card.md alone: the two never differ.

Not here: what the card says (card.py, card.md.j2).
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from segmenter.summary.templates import environment

TEMPLATE = Path(__file__).parent / "card.html.j2"


def card_page(card: str, folder: Path) -> str:
    """The page of a card whose pictures stand in `folder`."""
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    body = markdown.render(card, {"folder": folder})
    title = card.split("\n", 1)[0].removeprefix("# ")
    return environment().from_string(TEMPLATE.read_text("utf-8")).render(title=title, body=Markup(body))


class _Renderer(RendererHTML):
    """Markdown as HTML with its pictures inside, and tables that scroll by themselves on a narrow screen."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # noqa: ANN401
        """A picture beside the card as data; of any other the words alone, for the page asks for nothing."""
        file = env["folder"] / str(tokens[idx].attrs["src"])
        if not file.is_file():
            return escapeHtml(tokens[idx].content)
        tokens[idx].attrs["src"] = "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode("ascii")
        return super().image(tokens, idx, options, env)

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # noqa: ANN401
        """A table in a frame of its own."""
        return '<div class="scroll" role="region" tabindex="0" aria-label="table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # noqa: ANN401
        """The end of both."""
        return "</table></div>\n"
