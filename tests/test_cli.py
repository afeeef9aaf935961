import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Outcome, TinyRun, tiny_messages

from segmenter import __version__
from segmenter.bundle import Bundle, audit
from segmenter.cli import app
from segmenter.params import load_settings

Segmenter = Callable[..., Outcome]
HEAVY = {"torch", "transformers", "pydantic", "openvino", "pyarrow", "numpy", "tokenizers", "mlflow", "yaml", "altair"}


@pytest.fixture
def segmenter(outcome_of: Callable[..., Outcome]) -> Segmenter:
    """A function that runs `segmenter` with the words of a command line."""
    return lambda *words: outcome_of(app, *words)


@pytest.fixture(scope="module")
def desk(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, a bundle, and one of everything that goes wrong."""
    folder = tmp_path_factory.mktemp("desk")
    texts = {
        "corpus.csv": corpus(),
        "bad.csv": "id,text\n1,the red bakery\n2,\n3,the old bakery\n",
        "notext.csv": "id,body\n1,the red bakery\n",
        "empty.csv": "",
        "header.csv": "id,text\n",
        "taken.csv": "text,language\nthe red bakery,English\n",
        "letter.docx": "not a table",
        "typo.yaml": "score:\n  runtme: cpu\n",
        "events.csv": "date,label,kind,declared\n2031-06-16,harbour festival,holiday,yes\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    for name in ("hollow", "inbox"):
        (folder / name).mkdir()
    shutil.copy(folder / "corpus.csv", folder / "inbox" / "corpus.csv")
    shutil.copytree(tiny_run.bundle, folder / "bundle")
    shutil.copytree(tiny_run.bundle, folder / "spoilt")
    with (folder / "spoilt" / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        last = weights.read(1)
        weights.seek(-1, 2)
        weights.write(bytes([last[0] ^ 1]))
    return folder


@pytest.fixture
def at_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(desk)
    return desk


def corpus() -> str:
    """The 240 tiny messages over ten days and two sources, as CSV."""
    rows = (
        f'{number},"{row["text"]}",{("harbour-post", "hill-post")[number % 2]},2031-06-{10 + number % 10}T12:00:00Z\n'
        for number, row in enumerate(tiny_messages())
    )
    return "id,text,source,created_at\n" + "".join(rows)


def words(line: str) -> list[str]:
    return line.split()


def test_score_writes_a_row_for_each_message(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter("score", "corpus.csv", "--model", "bundle", "--out", tmp_path / "out.csv")
    assert done.code == 0
    assert len((tmp_path / "out.csv").read_text("utf-8").splitlines()) == 241


def test_the_last_line_of_score_accounts_for_every_row(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter(
        *words("score bad.csv --model bundle --out"), tmp_path / "out.csv", "--rejects", tmp_path / "aside.csv"
    )
    assert re.search(r"\n\d chosen, \d none, \d uncertain; 3 rows in = 2 rows out \+ 1 rejects\n$", done.err)


def test_score_warns_of_a_corpus_that_the_tokenizer_shatters(
    segmenter: Segmenter, at_desk: Path, tmp_path: Path
) -> None:
    # the tiny vocabulary has no Cyrillic letter: each word counts as its letters, more than three
    (tmp_path / "ru.csv").write_text("text\nГородской совет открыл новую библиотеку в старой ратуше\n", "utf-8")
    done = segmenter("score", tmp_path / "ru.csv", "--model", "bundle", "--out", tmp_path / "out.csv")
    assert (done.code, "\nwarning: this model's tokenizer cuts 1 of 1 messages (100.0%)" in done.err) == (0, True)


def test_score_says_how_fast_it_is_on_stderr_alone(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter("score", "corpus.csv", "--model", "bundle", "--out", tmp_path / "out.csv")
    assert (done.out, "messages/s" in done.err) == ("", True)


def test_score_runs_on_torch_where_asked(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    tables = []
    for runtime in ("cpu", "torch"):
        out = tmp_path / f"{runtime}.csv"
        done = segmenter(*words("score corpus.csv --model bundle --device cpu --runtime"), runtime, "--out", out)
        assert done.code == 0
        tables.append([line.split(",")[-1] for line in out.read_text("utf-8").splitlines()])
    assert tables[0] == tables[1]  # the same bundle; scores agree to a rounding, not to the bit (test_runtimes.py)


def test_score_takes_its_settings_from_params_where_given(
    segmenter: Segmenter, at_desk: Path, tmp_path: Path, tiny_run: TinyRun, reseal: Callable[..., Bundle]
) -> None:
    # a bundle without a graph cannot do what these settings ask for
    reseal(tiny_run.bundle, tmp_path / "bare", {"cpu": None})
    settings = load_settings(None).model_dump()
    settings["score"]["runtime"] = "cpu"
    (tmp_path / "settings.yaml").write_text(json.dumps(settings), "utf-8")
    line = ["score", "corpus.csv", "--model", tmp_path / "bare", "--out", tmp_path / "out.csv"]
    done = segmenter(*line, "--params", tmp_path / "settings.yaml")
    assert done.err == f"segmenter: {tmp_path / 'bare'}: has no cpu graph; use --runtime torch\n"


def test_an_option_goes_before_params(
    segmenter: Segmenter, at_desk: Path, tmp_path: Path, tiny_run: TinyRun, reseal: Callable[..., Bundle]
) -> None:
    reseal(tiny_run.bundle, tmp_path / "bare", {"cpu": None})
    line = ["score", "bad.csv", "--model", tmp_path / "bare", "--out", tmp_path / "out.csv", "--runtime", "cpu"]
    assert "has no cpu graph" in segmenter(*line, "--params", tiny_run.params_path).err


def test_a_prefix_makes_way_for_a_taken_name(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter(*words("score taken.csv --model bundle --prefix seg_ --out"), tmp_path / "out.csv")
    header = (tmp_path / "out.csv").read_text("utf-8").splitlines()[0].split(",")
    assert (done.code, header[1], header[-2:]) == (0, "language", ["seg_language", "seg_model"])


def test_score_of_several_inputs_is_one_table(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter(*words("score inbox corpus.csv --model bundle --columns id --out"), tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert (done.code, len(lines), lines[0].split(",")[:2]) == (0, 481, ["id", "score_gardeners"])


def test_score_into_a_folder_goes_on_where_it_ended(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    for before in ("", "; 240 messages were scored before"):
        done = segmenter("score", "corpus.csv", "--model", "bundle", "--out", tmp_path / "out")
        assert (done.code, f"240 rows in = 240 rows out + 0 rejects{before}\n" in done.err) == (0, True)


def test_score_reads_and_writes_standard_streams(desk: Path) -> None:
    command = [sys.executable, "-m", "segmenter.cli", *words("score - --model bundle --out -")]
    given = '{"text": "the red bakery"}\n'
    done = subprocess.run(command, cwd=desk, input=given, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["text"]) == (0, "the red bakery")


def test_score_without_an_output_is_a_usage_error(segmenter: Segmenter, at_desk: Path) -> None:
    done = segmenter(*words("score corpus.csv --model bundle"))
    assert (done.code, "--out: needed unless --dry-run is given" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("score corpus.csv --out out", "missing option '--model'"),
        ("score corpus.csv --modle b", "no such option: --modle (Possible options: --model)"),
        (
            "score a.csv --model b --out c --engine d",
            "invalid value for '--engine': 'd' is not one of 'local', 'ray'",
        ),
        ("score a.csv --model b --out c --workers 2", "invalid value for --workers: is for --engine ray"),
        (
            "scoer corpus.csv",
            "no such command 'scoer'. Did you mean 'score', 'convert'?",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_one_sentence(segmenter: Segmenter, line: str, sentence: str) -> None:
    done = segmenter(*words(line))
    assert done.code == 2
    assert re.fullmatch(rf"segmenter: {re.escape(sentence)}; .*--help shows the options\n", done.err)


USER_ERRORS = {
    "missing file": (
        "score nowhere.csv --model bundle --out out.csv",
        "nowhere.csv: there is no such file or folder; check the path",
    ),
    "folder without messages": (
        "score hollow --model bundle --out out.csv",
        "hollow: the folder holds no table; put .csv, .jsonl or .parquet files there",
    ),
    "no text column": (
        "score notext.csv --model bundle --out out.csv",
        "notext.csv: no column 'text' among 'id', 'body'; name the text column (--text-column)",
    ),
    "text column not there": (
        "score corpus.csv --model bundle --out out.csv --text-column body",
        "corpus.csv: no column 'body' among 'id', 'text', 'source', 'created_at'; name the text column (--text-column)",
    ),
    "empty file": (
        "score empty.csv --model bundle --out out.csv",
        "empty.csv: is empty; a CSV table starts with a header line",
    ),
    "empty table": (
        "score header.csv --model bundle --out out.csv",
        "header.csv: no message to score among 0 rows; check the file and --text-column",
    ),
    "bad row": (
        "score bad.csv --model bundle --out out.csv",
        "bad.csv line 3: column 'text' is empty; "
        "mend it (segmenter score and convert can set such rows aside with --rejects FILE)",
    ),
    "taken name": (
        "score taken.csv --model bundle --out out.csv",
        "input: has a column 'language', which scoring adds; give the added columns a --prefix, such as --prefix seg_",
    ),
    "input no table": (
        "score letter.docx --model bundle --out out.csv",
        "letter.docx: is not a table by its name; "
        "name it .csv, .tsv, .jsonl or .parquet (the first three also .gz or .zst)",
    ),
    "output no table": (
        "score corpus.csv --model bundle --out out.txt",
        "out.txt: is not a table by its name; "
        "name it .csv, .tsv, .jsonl or .parquet (the first three also .gz or .zst)",
    ),
    "output is input": (
        "score corpus.csv --model bundle --out corpus.csv",
        "corpus.csv: is the input and cannot be --out too; name another file",
    ),
    "output into the input folder": (
        "score inbox --model bundle --out inbox/out.csv",
        "inbox/out.csv: lies in the input folder, where every table is input, and cannot be --out; name another folder",
    ),
    "output where a file is a folder": (
        "score corpus.csv --model bundle --out letter.docx/out.csv",
        "letter.docx/out.csv: cannot be written (File exists); check the folder's permissions and the free space",
    ),
    "unknown model": (
        "score corpus.csv --model nobody --out out.csv",
        "nobody: is not there; name a bundle folder, or a registered model such as models:/audience@champion",
    ),
    "spoilt model": (
        "score corpus.csv --model spoilt --out out.csv",
        "spoilt: 'model.safetensors' has changed since it was sealed (sha256 differs); fetch the bundle again",
    ),
    "inspect a spoilt model": (
        "inspect spoilt",
        "spoilt: 'model.safetensors' has changed since it was sealed (sha256 differs); fetch the bundle again",
    ),
    "unknown params key": (
        "score corpus.csv --model bundle --out out.csv --params typo.yaml",
        "typo.yaml: score.runtme: unknown key; did you mean 'runtime'?",
    ),
    "missing params": (
        "score corpus.csv --model bundle --out out.csv --params no.yaml",
        "no.yaml: cannot be read (No such file or directory); name an existing params file",
    ),
    "summary of what was never scored": (
        "summarise corpus.csv --out summary",
        "corpus.csv: no column 'audiences'; run segmenter score first (with its --prefix, if it had one)",
    ),
    "summary of nothing": (
        "summarise nowhere.csv --out summary",
        "nowhere.csv: there is no such file or folder; check the path",
    ),
}


@pytest.mark.parametrize(("line", "sentence"), USER_ERRORS.values(), ids=USER_ERRORS)
def test_a_users_fault_is_one_sentence_and_exit_code_2(
    segmenter: Segmenter, at_desk: Path, line: str, sentence: str
) -> None:
    assert segmenter(*words(line)) == Outcome(2, "", f"segmenter: {sentence}\n")


@pytest.mark.parametrize("line", [line for line, _ in USER_ERRORS.values()], ids=USER_ERRORS)
def test_a_users_fault_leaves_no_output(segmenter: Segmenter, at_desk: Path, line: str) -> None:
    before = {path: path.read_bytes() for path in at_desk.rglob("*") if path.is_file()}
    segmenter(*words(line))
    assert {path: path.read_bytes() for path in at_desk.rglob("*") if path.is_file()} == before


def test_rejects_that_name_the_input_leave_it_alone(segmenter: Segmenter, at_desk: Path) -> None:
    before = (at_desk / "bad.csv").read_bytes()
    done = segmenter(*words("score bad.csv --model bundle --out out.csv --rejects bad.csv"))
    assert done.err == "segmenter: bad.csv: is the input and cannot be --rejects too; name another file\n"
    assert (at_desk / "bad.csv").read_bytes() == before


def test_the_process_ends_with_code_2_and_no_traceback(desk: Path) -> None:
    command = [sys.executable, "-m", "segmenter.cli", *words("inspect spoilt")]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_version_is_the_packages(segmenter: Segmenter) -> None:
    assert segmenter("--version") == Outcome(0, f"segmenter {__version__}\n", "")


@pytest.mark.parametrize("line", ["--help", "--version"])
def test_asking_for_help_loads_nothing_heavy(line: str) -> None:
    code = (
        "import sys\nfrom segmenter.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words(line)], capture_output=True, text=True, check=True)
    assert HEAVY & {name.split(".")[0] for name in done.stderr.split()} == set()


def test_help_names_every_command(segmenter: Segmenter) -> None:
    done = segmenter("--help")
    assert [name for name in ("score", "summarise", "sample", "inspect") if f" {name} " not in done.out] == []


def test_sample_writes_as_many_tasks_as_asked_for(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter(*words("sample corpus.csv --model bundle --strategy random -n 12 --out"), tmp_path / "tasks.json")
    assert (done.code, done.out) == (0, "")
    assert len(json.loads((tmp_path / "tasks.json").read_text("utf-8"))) == 12
    # 12 of 240
    assert "240 rows in = 240 messages + 0 rejects; 12 written, each drawn with a chance of 0.05; " in done.err


def test_the_seed_of_sample_goes_before_that_of_its_settings(
    segmenter: Segmenter, at_desk: Path, tmp_path: Path
) -> None:
    for name, seed in (("a", ()), ("b", ("--seed", load_settings(None).sample.seed)), ("c", ("--seed", 5))):
        line = words("sample corpus.csv --model bundle --strategy random -n 12 --out")
        assert segmenter(*line, tmp_path / f"{name}.json", *seed).code == 0
    packaged, same, other = ((tmp_path / f"{name}.json").read_bytes() for name in "abc")
    assert packaged == same != other


def test_sample_of_no_message_is_one_sentence(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> None:
    done = segmenter(*words("sample corpus.csv --model bundle --strategy random -n 0 --out"), tmp_path / "tasks.json")
    assert (done.code, done.err) == (2, "segmenter: -n 0: is no number of messages; ask for 1 at least\n")


def test_inspect_shows_the_whole_digest(segmenter: Segmenter, at_desk: Path) -> None:
    assert audit(at_desk / "bundle").digest in segmenter("inspect", "bundle").out


def test_inspect_shows_each_audience_with_its_threshold(segmenter: Segmenter, at_desk: Path) -> None:
    manifest = audit(at_desk / "bundle").manifest
    lines = [line for line in segmenter("inspect", "bundle").out.splitlines() if line.startswith("audience")]
    for line, audience, part in zip(lines, manifest.audiences, manifest.calibration, strict=True):
        assert line.startswith(f"audience   {audience.id} ({audience.name}): threshold {part.threshold:.2f}, ")


def test_inspect_says_what_the_bundle_guarantees(segmenter: Segmenter, at_desk: Path) -> None:
    manifest = audit(at_desk / "bundle").manifest
    said = manifest.guarantee.sentence() if manifest.guarantee else f"none: {manifest.no_guarantee}"
    assert f"guarantee  {said}\n" in segmenter("inspect", "bundle").out


def test_inspect_says_where_the_labels_come_from(segmenter: Segmenter, at_desk: Path) -> None:
    assert audit(at_desk / "bundle").manifest.reference_labels in segmenter("inspect", "bundle").out


def test_inspect_says_how_finely_each_language_is_cut(segmenter: Segmenter, at_desk: Path) -> None:
    # the tiny vocabulary has every word of the training messages whole
    assert "languages  de 1.0, en 1.0 (pieces a word)" in segmenter("inspect", "bundle").out


def test_inspect_of_a_bundle_without_a_graph_says_none(
    segmenter: Segmenter, tiny_run: TinyRun, tmp_path: Path, reseal: Callable[..., Bundle]
) -> None:
    reseal(tiny_run.bundle, tmp_path / "bare", {"cpu": None})
    assert "cpu graph  none\n" in segmenter("inspect", tmp_path / "bare").out


def test_inspect_as_json_is_the_manifest(segmenter: Segmenter, at_desk: Path) -> None:
    found = json.loads(segmenter("inspect", "bundle", "--json").out)
    assert found == json.loads((at_desk / "bundle" / "manifest.json").read_text("utf-8"))


@pytest.fixture
def summarised(segmenter: Segmenter, at_desk: Path, tmp_path: Path) -> Path:
    """The folder of a summary: the corpus scored, then summarised, by the two commands."""
    scored, out = tmp_path / "scored.parquet", tmp_path / "summary"
    assert segmenter(*words("score corpus.csv --model bundle --out"), scored).code == 0
    done = segmenter("summarise", scored, "--out", out, "--events", "events.csv", "--model", "bundle")
    assert (done.code, done.out) == (0, "")
    return out


def test_a_scored_corpus_becomes_a_page_and_its_figures(summarised: Path) -> None:
    assert sorted(path.name for path in summarised.iterdir()) == [
        "brief.md", "summary.html", "summary.json", "summary.xlsx"
    ]  # fmt: skip


def test_the_page_names_audiences_as_the_model_does(summarised: Path) -> None:
    page = (summarised / "summary.html").read_text("utf-8")
    assert [name for name in ("Gardeners", "Cyclists", "Readers") if name not in page] == []


def test_the_figures_count_every_scored_message(summarised: Path) -> None:
    assert _numbers_of("n_messages", json.loads((summarised / "summary.json").read_text("utf-8")))[0] == 240


def test_the_page_marks_the_events(summarised: Path) -> None:
    assert "harbour festival" in (summarised / "summary.html").read_text("utf-8")


def _numbers_of(key: str, found: Any) -> list[int]:  # noqa: ANN401
    """Every value of a key in JSON, outermost first."""
    if isinstance(found, list):
        return [number for part in found for number in _numbers_of(key, part)]
    if not isinstance(found, dict):
        return []
    own = [found[key]] if key in found else []
    return own + [number for part in found.values() for number in _numbers_of(key, part)]
