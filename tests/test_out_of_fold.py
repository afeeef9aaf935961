from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from conftest import TinyRun, tiny_messages

from segmenter.bundle import audit
from segmenter.calibration import to_scores
from segmenter.out_of_fold import OutOfFold, read_out_of_fold, write_out_of_fold


def test_the_bundle_keeps_every_trusted_training_message_with_its_labels(tiny_run: TinyRun) -> None:
    bundle = audit(tiny_run.bundle)
    found = read_out_of_fold(bundle)
    train = pd.read_parquet(tiny_run.folder / "data" / "train.parquet")
    assert found.audience_ids == ["gardeners", "cyclists", "readers"]
    assert found.logits.shape == found.truth.shape == (bundle.manifest.n_messages["train"], 3)
    wanted = [[name == label for name in found.audience_ids] for label in train["audiences"].str.join("|")]
    assert found.truth.tolist() == wanted
    assert found.languages.tolist() == train["lang"].tolist()


def test_messages_of_one_author_share_a_number(tiny_run: TinyRun) -> None:
    found = read_out_of_fold(audit(tiny_run.bundle))
    train = pd.read_parquet(tiny_run.folder / "data" / "train.parquet")
    numbers = pd.Series(found.clusters).groupby(train["author"]).nunique()
    assert numbers.max() == 1
    assert len(set(found.clusters.tolist())) > 1


def test_it_holds_no_text_and_no_author(tiny_run: TinyRun) -> None:
    raw = pq.read_table(tiny_run.bundle / "out_of_fold.parquet")
    labels = [f"{kind}_{name}" for kind in ("logit", "truth") for name in ("gardeners", "cyclists", "readers")]
    assert raw.column_names == [*labels, "lang", "cluster"]
    told = set(raw["lang"].to_pylist())
    assert not told & {row[name] for row in tiny_messages() for name in ("text", "author")}


def test_its_logits_under_the_sealed_calibration_are_scores(tiny_run: TinyRun) -> None:
    bundle = audit(tiny_run.bundle)
    scores = to_scores(read_out_of_fold(bundle).logits, bundle.manifest.calibration)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_none_at_all_is_a_table_too(tiny_run: TinyRun, tmp_path: Path) -> None:
    bundle, names = audit(tiny_run.bundle), ["gardeners", "cyclists", "readers"]
    nothing = (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.bool_), np.zeros(0, np.str_), np.zeros(0, np.int64))
    write_out_of_fold(tmp_path, OutOfFold(names, *nothing))
    found = read_out_of_fold(type(bundle)(tmp_path, bundle.manifest, bundle.digest))
    assert (found.logits.shape, found.truth.shape, len(found.clusters)) == ((0, 3), (0, 3), 0)
