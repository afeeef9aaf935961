"""What every section is, and the kinds of numbers in them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Precision = Literal["auto", "fp32", "bf16"]


class Section(BaseModel):
    """A part of a settings file: unknown keys are refused, types are exact (YAML's `2e-5`, a string, is refused)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
