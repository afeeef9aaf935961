"""The model card: generated from the manifest and the figures, never typed."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.figures import MACRO, Figure, value_of
from segmenter.bundle import Bundle

CONTENDERS = {
    "model": "this model",
    "tfidf": "TF-IDF + logistic regression",
    "language": "language only",
    "majority": "majority",
}


@dataclass(frozen=True)
class Abstention:
    """How the verdict `uncertain` works out: share of messages judged with certainty, and wrong audience sets among those."""

    coverage: float
    error: float
    n: int
    n_several: int


def write_card(target: Path, bundle: Bundle, found: list[Figure], abstention: Abstention, split: str) -> str:
    """Render the card as Markdown, write it to `target` and return it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["shown"] = shown
    card = environment.get_template("card.md.j2").render(
        bundle=bundle,
        manifest=bundle.manifest,
        audiences=bundle.manifest.audiences,
        split=split,
        contenders=CONTENDERS,
        parts=list(dict.fromkeys(figure.part for figure in found)),
        abstention=abstention,
        MACRO=MACRO,
        figure=lambda model, part, audience, metric: value_of(found, model, part, audience, metric),
        gains=[figure for figure in found if figure.metric == "f1_gain" and figure.part == "all"],
    )
    target.write_text(card, "utf-8")
    return card


def shown(figure: Figure) -> str:
    """A figure as text: the value with its interval, or why there is none."""
    if figure.value is None:
        return f"not evaluable, n = {figure.n_true}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
