"""The pyfunc flavour, as models-from-code, for `mlflow models serve`, `load_model` and `spark_udf`; never on our own path."""

from pathlib import Path

import mlflow
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc import PythonModel, PythonModelContext

from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer


class AudienceFlavour(PythonModel):  # type: ignore[misc]  # mlflow publishes no types
    """A data frame with a `text` column in, the columns that scoring adds out, row for row."""

    _scorer: Scorer

    def load_context(self, context: PythonModelContext) -> None:
        """Audit the bundle and open it."""
        self._scorer = open_scorer(Path(context.artifacts["bundle"]), load_settings(None).score)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None) -> pd.DataFrame:
        """Score the `text` column.

        Args:
            context: Unused; the bundle is already open.
            model_input: One message a row, in the column `text`.
            params: Unused; MLflow passes it.

        Returns:
            score_<audience>, audiences, verdict, reason, language, model; the input's index.
        """
        scored = self._scorer.score([text or "" for text in model_input["text"].tolist()])
        added: pd.DataFrame = pa.table(self._scorer.columns(scored, prefix="")).to_pandas()
        return added.set_index(model_input.index)


mlflow.models.set_model(AudienceFlavour())
