"""Settings files: params.yaml for training and evaluation, settings.yaml for the wheel; read, checked, explained.

Every number that changes a result stands in one of these files; there are no defaults in code. Not here: the sections
they consist of (sections.py).
"""

import difflib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from segmenter.errors import ParamsError
from segmenter.sections import (
    Adapt,
    Audience,
    Audit,
    Base,
    Calibrate,
    Data,
    Duplicates,
    Eval,
    Explain,
    Gate,
    Learning,
    Sample,
    Score,
    Section,
    Summary,
    Text,
    Tracking,
    Train,
)


class Settings(Section):
    """What the wheel's own commands need; packaged, replaced by `--params FILE`."""

    score: Score
    duplicates: Duplicates
    sample: Sample
    explain: Explain
    summary: Summary


class Params(Settings):
    """Everything: one section a stage."""

    seed: Annotated[int, Field(ge=0)]
    audiences: Annotated[list[Audience], Field(min_length=1)]
    text: Text
    data: Data
    audit: Audit
    adapt: Adapt | None
    base: Base
    train: Train
    learning: Learning
    calibrate: Calibrate
    eval: Eval
    gate: Gate
    tracking: Tracking

    @model_validator(mode="after")
    def audience_ids_are_unique(self) -> "Params":
        """Refuse two audiences of one id."""
        ids = [audience.id for audience in self.audiences]
        if len(set(ids)) < len(ids):
            raise ValueError(f"audiences: ids must differ, found {', '.join(ids)}")
        return self

    @model_validator(mode="after")
    def labels_are_mapped_to_audiences(self) -> "Params":
        """Refuse a map of labels that leads to no audience."""
        for table in self.data.tables:
            for label, audiences in table.labels.items():
                unknown = [audience for audience in audiences if audience not in self.audience_ids]
                if unknown:
                    raise ValueError(f"data.tables.labels: {label!r} is mapped to {unknown[0]!r}, which is no audience")
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
