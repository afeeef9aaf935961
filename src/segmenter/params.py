"""Settings as frozen models: params.yaml for training and evaluation, settings.yaml for the wheel.

Every number that changes a result stands in one of these files; there are no defaults in code. Not here: what the
settings mean to a room, which that room's docstrings say.
"""

import difflib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from segmenter.errors import ParamsError

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Split = Literal["train", "dev", "test", "gate", "leave_out"]
COLUMNS = (
    "text",
    "audiences",
    "id",
    "lang",
    "author",
    "source",
    "created_at",
    "label_kind",
    "weight",
    "split",
    "split_unit",
)


class Section(BaseModel):
    """A part of a settings file: unknown keys are refused, types are exact (YAML's `2e-5`, a string, is refused)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Audience(Section):
    """One public a message may be built for; the set is configuration, never code."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Annotated[str, Field(min_length=1)]
    definition: Annotated[str, Field(min_length=1)]


class Text(Section):
    """How a text becomes tokens; sealed into the bundle."""

    rules: Count
    max_tokens: Annotated[int, Field(ge=8)]
    min_letters: Count
    min_language_messages: Count


class LabelledTable(Section):
    """One labelled table: `columns` maps our column names to the table's, `splits` its split values to ours."""

    path: str
    columns: dict[str, str]
    splits: dict[str, Split]
    label_kind: Literal["gold", "silver", "weak"]
    weight: Positive

    @model_validator(mode="after")
    def columns_are_known(self) -> "LabelledTable":
        """Refuse a mapping for a column the data contract does not have."""
        for name in self.columns:
            if name not in COLUMNS:
                raise ValueError(f"columns: {name!r} is not a column of the data contract ({', '.join(COLUMNS)})")
        return self


class Data(Section):
    """Where labels come from and how they are split."""

    tables: Annotated[list[LabelledTable], Field(min_length=1)]
    reference_labels: Annotated[str, Field(min_length=1)]
    dev_share: Annotated[float, Field(gt=0.0, le=0.5)]
    test_share: Annotated[float, Field(gt=0.0, le=0.5)]


class Base(Section):
    """The base encoder: a Hub id with a revision, a local folder, or `embedded`."""

    model: str
    revision: str | None
    pooling: Literal["mean", "first"]


class Train(Section):
    """Fine-tuning."""

    epochs: Count
    batch_tokens: Count
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_share: Share
    dropout: Share
    max_gradient_norm: Positive
    class_balance: Annotated[float, Field(ge=0.0, le=1.0)]
    patience_epochs: Count


class Calibrate(Section):
    """From out-of-fold logits to scores, thresholds and uncertain bands, and the gate of the int8 graph."""

    folds: Annotated[int, Field(ge=2)]
    error_goal: Annotated[float, Field(gt=0.0, lt=0.5)]
    uncertain_share_at_most: Share
    int8_messages: Count
    int8_agreement_at_least: Annotated[float, Field(gt=0.5, le=1.0)]


class Eval(Section):
    """Figures, intervals and baselines."""

    calibration_bins: Count
    bootstrap_rounds: Count
    slice_support_at_least: Count
    tfidf_words: Count
    tfidf_characters: Count
    tfidf_inverse_regularisation: Positive


class Score(Section):
    """Batch scoring."""

    runtime: Literal["auto", "cpu", "torch"]
    device: Literal["auto", "cpu", "cuda"]
    batch_tokens: Count
    chunk_messages: Count


class Tracking(Section):
    """Where runs and versions are kept; the environment variable MLFLOW_TRACKING_URI goes before `uri`."""

    uri: str
    experiment: str
    model_name: str
    run_folder: str


class Summary(Section):
    """The audience-split summary."""

    time_zone: str
    examples: Count
    words: Count
    word_messages_at_least: Count
    source_messages_at_least: Count
    prior_strength: Positive
    word_z_at_least: Annotated[float, Field(ge=0.0)]
    comparison_messages_at_least: Count


class Settings(Section):
    """What the wheel's own commands need; packaged, replaced by `--params FILE`."""

    score: Score
    summary: Summary


class Params(Settings):
    """Everything: one section a stage."""

    seed: Annotated[int, Field(ge=0)]
    audiences: Annotated[list[Audience], Field(min_length=1)]
    text: Text
    data: Data
    base: Base
    train: Train
    calibrate: Calibrate
    eval: Eval
    tracking: Tracking

    @model_validator(mode="after")
    def audience_ids_are_unique(self) -> "Params":
        """Refuse two audiences of one id."""
        ids = [audience.id for audience in self.audiences]
        if len(set(ids)) < len(ids):
            raise ValueError(f"audiences: ids must differ, found {', '.join(ids)}")
        return self

    @property
    def audience_ids(self) -> list[str]:
        """Audience ids in the order of every score column."""
        return [audience.id for audience in self.audiences]


SettingsKind = TypeVar("SettingsKind", bound=Settings)


def load_params(path: Path) -> Params:
    """The params file at `path`.

    Raises:
        ParamsError: The file is missing, not YAML, or a key is unknown, missing or of the wrong type.
    """
    return _validate(Params, _read(path), path)


def load_settings(path: Path | None) -> Settings:
    """The settings of the wheel's commands: the packaged ones, or the `score` and `summary` sections of `path`.

    Raises:
        ParamsError: As `load_params`.
    """
    if path is None:
        packaged = files("segmenter").joinpath("settings.yaml")
        return Settings.model_validate(yaml.safe_load(packaged.read_text("utf-8")))
    others = set(Params.model_fields) - set(Settings.model_fields)  # sections a whole params.yaml also has
    return _validate(Settings, {name: part for name, part in _read(path).items() if name not in others}, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ParamsError(path, f"cannot be read ({error.strerror})", "name an existing params file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(path, f"is not YAML ({' '.join(str(error).split())})", "mend that line") from error
    if not isinstance(raw, dict):
        raise ParamsError(path, f"holds {type(raw).__name__}, not sections", "see training/example/params.yaml for one")
    return raw


def _validate(kind: type[SettingsKind], raw: Mapping[str, Any], path: Path) -> SettingsKind:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        faults = error.errors()  # a misspelt key is two faults, missing and unknown: the second says more
        first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
        where = ".".join(str(part) for part in first["loc"])
        raise ParamsError(path, *_explain(kind, first["type"], where, first["msg"], first.get("input"))) from error


def _explain(kind: type[Settings], fault: str, where: str, message: str, found: object) -> tuple[str, str]:
    if fault == "extra_forbidden":
        known = [name.rsplit(".", 1)[-1] for name in _keys(kind)]
        near = difflib.get_close_matches(where.rsplit(".", 1)[-1], known, n=1)
        return f"{where}: unknown key", f"did you mean {near[0]!r}?" if near else "take it out"
    if fault == "missing":
        return f"{where}: missing", "every key must be given; there are no defaults in code"
    if fault == "float_type" and isinstance(found, str):
        return (
            f"{where}: {found!r} is a string",
            "write the number with a decimal point and no exponent, such as 0.00002",
        )
    if fault == "value_error":  # our own validators' sentences
        return f"{where}: {message}".removeprefix(": ").replace("Value error, ", ""), "mend that value"
    return f"{where}: {message[0].lower()}{message[1:]}, found {_short(found)}", "mend that value"


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(model: type[BaseModel]) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                names += _keys(part)
    return names
