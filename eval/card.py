"""The model card: generated from the manifest and the figures, never typed."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.figures import GAIN, MACRO, Figure, value_of
from eval.records import MODEL, Evaluation
from eval.slices import ALL
from segmenter.bundle import Bundle
from segmenter.intervals import shown

CONTENDERS = {
    "model": "this model",
    "tfidf": "TF-IDF + logistic regression",
    "language": "language only",
    "majority": "majority",
}


def titles(found: list[Figure]) -> dict[str, str]:
    """What each contender is called in tables, by name, the model first."""
    names = dict.fromkeys(figure.model for figure in found if not figure.metric.endswith(GAIN))
    known = [name for name in CONTENDERS if name in names]
    return {name: CONTENDERS.get(name, name) for name in dict.fromkeys([MODEL, *known, *names])}


def write_card(target: Path, bundle: Bundle, evaluation: Evaluation) -> str:
    """Render the card as Markdown, write it to `target` and return it."""
    found = evaluation.found
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["shown"] = shown
    environment.filters["figure"] = Figure.shown
    card = environment.get_template("card.md.j2").render(
        bundle=bundle,
        manifest=bundle.manifest,
        audiences=bundle.manifest.audiences,
        split=evaluation.split,
        contenders=titles(found),
        worst=evaluation.worst,
        same=evaluation.same,
        parts=list(dict.fromkeys(figure.part for figure in found)),
        evaluation=evaluation,
        abstention=evaluation.abstention,
        behaviour=evaluation.behaviour,
        weakest=[rate for rate in evaluation.behaviour.rates if 2 * rate.passed < rate.n],
        MACRO=MACRO,
        figure=lambda model, part, audience, metric: value_of(found, model, part, audience, metric),
        gains=[
            figure for figure in found if (figure.metric, figure.part, figure.audience) == (f"f1{GAIN}", ALL, MACRO)
        ],
    )
    target.write_text(card, "utf-8")
    return card
