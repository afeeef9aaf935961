from pathlib import Path

import pytest
from conftest import TinyRun, TinyVersion

from segmenter.errors import BundleError
from segmenter.named import opened


def test_a_folder_is_opened_as_it_stands(tiny_run: TinyRun) -> None:
    with opened(str(tiny_run.bundle)) as bundle:
        assert bundle.path == tiny_run.bundle


def test_a_registered_version_is_there_for_the_length_of_the_block(
    tiny_version: TinyVersion, tiny_run: TinyRun, tiny_store: str
) -> None:
    with opened(f"models:/audience/{tiny_version.number}") as bundle:
        folder = bundle.path
        assert folder not in (tiny_run.bundle, tiny_run.bundle.parent)
        assert bundle.audience_ids == [audience.id for audience in tiny_run.params.audiences]
    assert not folder.exists()


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no manifest\.json"), opened(str(tmp_path)):
        pass
