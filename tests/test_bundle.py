import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TinyRun, tiny_messages

from segmenter.bundle import Bundle, audit, seal, sha256_of
from segmenter.errors import BundleError
from segmenter.text import text_key

Reseal = Callable[[Path, Path, dict[str, Any]], Bundle]
FILES = [
    "config.json",
    "cpu/graph.bin",
    "cpu/graph.xml",
    "model.safetensors",
    "out_of_fold.parquet",
    "row_keys.txt",
    "tokenizer.json",
]


@pytest.fixture
def bundle(tiny_run: TinyRun, tmp_path: Path) -> Path:
    """A copy of a real bundle, to be spoilt."""
    return Path(shutil.copytree(tiny_run.bundle, tmp_path / "bundle"))


def rewrite_manifest(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    change(manifest)
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (bundle / "manifest.sha256").write_text(sha256_of(bundle / "manifest.json") + "\n", "utf-8")


def sentence(bundle: Path, found: str, remedy: str) -> str:
    return f"^{re.escape(f'{bundle}: {found}; {remedy}')}$"


def test_a_sealed_bundle_passes_its_audit(bundle: Path) -> None:
    assert audit(bundle).audience_ids == ["gardeners", "cyclists", "readers"]


def test_the_manifest_lists_every_other_file_with_its_sha256(bundle: Path) -> None:
    assert audit(bundle).manifest.files == {name: sha256_of(bundle / name) for name in FILES}


def test_the_digest_is_the_sha256_of_the_manifest(bundle: Path) -> None:
    assert audit(bundle).digest == sha256_of(bundle / "manifest.json")


def test_the_name_is_the_first_sixteen_digits_of_the_digest(bundle: Path) -> None:
    found = audit(bundle)
    assert (len(found.name), found.digest.startswith(found.name)) == (16, True)


def test_a_changed_threshold_changes_the_digest(bundle: Path) -> None:
    before = audit(bundle).digest
    rewrite_manifest(bundle, lambda manifest: manifest["calibration"][0].update(threshold=0.51))
    assert audit(bundle).digest != before


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_fails_the_audit(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    wanted = sentence(bundle, f"{name!r} has changed since it was sealed (sha256 differs)", "fetch the bundle again")
    with pytest.raises(BundleError, match=wanted):
        audit(bundle)


def test_one_changed_digit_of_the_manifest_fails_the_audit(bundle: Path) -> None:
    found = (bundle / "manifest.json").read_text("utf-8")
    assert '"max_tokens": 48' in found
    (bundle / "manifest.json").write_text(found.replace('"max_tokens": 48', '"max_tokens": 47', 1), "utf-8")
    with pytest.raises(BundleError, match="'manifest.json' has changed since it was sealed"):
        audit(bundle)


def test_a_manifest_without_its_seal_fails_the_audit(bundle: Path) -> None:
    (bundle / "manifest.sha256").unlink()
    with pytest.raises(BundleError, match="'manifest.json' has changed since it was sealed"):
        audit(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_fails_the_audit(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=sentence(bundle, f"lacks {name!r}", "fetch the bundle again")):
        audit(bundle)


@pytest.mark.parametrize("name", ["custom_model.py", "cpu/more.bin", ".hidden"])
def test_an_extra_file_fails_the_audit(bundle: Path, name: str) -> None:
    (bundle / name).write_text("", "utf-8")
    wanted = sentence(bundle, f"holds {name!r}, which its manifest does not list", "fetch the bundle again")
    with pytest.raises(BundleError, match=wanted):
        audit(bundle)


def test_a_link_to_the_same_bytes_fails_the_audit(bundle: Path, tmp_path: Path) -> None:
    elsewhere = shutil.move(bundle / "config.json", tmp_path / "config.json")
    (bundle / "config.json").symlink_to(elsewhere)
    with pytest.raises(BundleError, match=sentence(bundle, "lacks 'config.json'", "fetch the bundle again")):
        audit(bundle)


def test_a_linked_folder_fails_the_audit(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (bundle / "more").symlink_to(tmp_path / "more")
    wanted = sentence(bundle, "holds 'more', which its manifest does not list", "fetch the bundle again")
    with pytest.raises(BundleError, match=wanted):
        audit(bundle)


def test_a_file_named_outside_the_bundle_fails_the_audit(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("tea", "utf-8")
    digest = sha256_of(tmp_path / "outside.txt")
    rewrite_manifest(bundle, lambda manifest: manifest["files"].update({"../outside.txt": digest}))
    with pytest.raises(BundleError, match=sentence(bundle, "lacks '../outside.txt'", "fetch the bundle again")):
        audit(bundle)


@pytest.mark.parametrize("kind", ["nothing", "file", "empty folder"])
def test_a_path_that_is_no_bundle_is_told_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bundle"
    if kind == "file":
        path.write_text("tea", "utf-8")
    elif kind == "empty folder":
        path.mkdir()
    remedy = "name a bundle folder, or a registered model such as models:/audience@champion"
    with pytest.raises(
        BundleError, match=sentence(path, "is not there" if kind == "nothing" else "holds no manifest.json", remedy)
    ):
        audit(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_a_manifest_that_is_not_json_fails_the_audit(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=sentence(bundle, "manifest.json is not JSON", "fetch the bundle again")):
        audit(bundle)


def test_a_bundle_of_a_newer_format_asks_for_an_upgrade(bundle: Path) -> None:
    # a newer format may have other keys: the number is read before anything else
    (bundle / "manifest.json").write_text('{"format": 4, "heads": []}', "utf-8")
    wanted = sentence(bundle, "bundle format 4, this segmenter reads up to 3", "upgrade segmenter")
    with pytest.raises(BundleError, match=wanted):
        audit(bundle)


def test_a_bundle_of_an_older_format_asks_for_a_training(bundle: Path) -> None:
    # format 2 had no guarantee and no out-of-fold scores
    def older(manifest: dict[str, Any]) -> None:
        manifest["format"] = 2
        del manifest["guarantee"]

    rewrite_manifest(bundle, older)
    remedy = "retrain, or use the version it was made with"
    with pytest.raises(BundleError, match=sentence(bundle, "bundle format 2, this segmenter reads 3", remedy)):
        audit(bundle)


def test_a_bundle_whose_manifest_leaves_out_its_out_of_fold_scores_fails_the_audit(bundle: Path) -> None:
    (bundle / "out_of_fold.parquet").unlink()
    rewrite_manifest(bundle, lambda manifest: manifest["files"].pop("out_of_fold.parquet"))
    with pytest.raises(BundleError, match=sentence(bundle, "lacks 'out_of_fold.parquet'", "fetch the bundle again")):
        audit(bundle)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "1"}'])
def test_json_that_is_no_manifest_fails_the_audit(bundle: Path, content: str) -> None:
    (bundle / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(BundleError, match=r"bundle: bundle format (None|'1'), this segmenter reads up to 3; upgrade"):
        audit(bundle)


def test_a_manifest_without_a_field_names_it(bundle: Path) -> None:
    rewrite_manifest(bundle, lambda manifest: manifest.pop("languages"))
    wanted = sentence(bundle, "manifest.json languages: field required", "fetch the bundle again")
    with pytest.raises(BundleError, match=wanted):
        audit(bundle)


def test_a_bundle_of_other_text_rules_is_refused(bundle: Path) -> None:
    rewrite_manifest(bundle, lambda manifest: manifest["text"].update(rules=7))
    remedy = "retrain, or use the version it was made with"
    with pytest.raises(BundleError, match=sentence(bundle, "text rules 7, this segmenter has 2", remedy)):
        audit(bundle)


def test_a_bundle_of_older_text_rules_is_refused_for_them_though_it_lacks_keys(bundle: Path) -> None:
    def older(manifest: dict[str, Any]) -> None:
        manifest["text"] = {"rules": 1, "max_tokens": 48}
        del manifest["pieces_per_word"]

    rewrite_manifest(bundle, older)
    with pytest.raises(
        BundleError, match="text rules 1, this segmenter has 2; retrain, or use the version it was made"
    ):
        audit(bundle)


def test_sealing_replaces_a_former_bundle_whole(tiny_run: TinyRun, bundle: Path, reseal: Reseal) -> None:
    # the former one has a graph, the new one has none: nothing of the former may stay
    reseal(tiny_run.bundle, bundle, {"cpu": None})
    assert sorted(path.name for path in bundle.iterdir()) == [
        "config.json",
        "manifest.json",
        "manifest.sha256",
        "model.safetensors",
        "out_of_fold.parquet",
        "row_keys.txt",
        "tokenizer.json",
    ]


def test_sealing_leaves_nothing_beside_the_bundle(tiny_run: TinyRun, bundle: Path, reseal: Reseal) -> None:
    reseal(tiny_run.bundle, bundle, {})
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_sealing_the_same_parts_again_gives_the_same_digest(tiny_run: TinyRun, tmp_path: Path, reseal: Reseal) -> None:
    first, second = (reseal(tiny_run.bundle, tmp_path / name, {}) for name in ("one", "two"))
    assert first.digest == second.digest


def test_sealing_refuses_a_folder_that_is_not_a_bundle(tiny_run: TinyRun, tmp_path: Path) -> None:
    manifest = audit(tiny_run.bundle).manifest.model_dump(exclude={"format", "files"})
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("keep me", "utf-8")
    (tmp_path / "parts").mkdir()
    wanted = sentence(tmp_path / "letters", "is there and is not a bundle", "name another folder")
    with pytest.raises(BundleError, match=wanted):
        seal(tmp_path / "parts", tmp_path / "letters", manifest)
    assert (tmp_path / "letters" / "dear.txt").read_text("utf-8") == "keep me"


def test_row_keys_are_those_of_the_messages_that_training_saw(tiny_run: TinyRun) -> None:
    # 240 different texts, of which the manifest counts those of train and dev; the rest is test
    found = audit(tiny_run.bundle)
    keys = {text_key(row["text"]) for row in tiny_messages()}
    assert found.row_keys < keys
    assert len(found.row_keys) == sum(found.manifest.n_messages.values())


def test_the_weights_are_readable_by_whoever_can_read_the_rest(tiny_run: TinyRun) -> None:
    modes = {name: (tiny_run.bundle / name).stat().st_mode for name in FILES}
    assert len(set(modes.values())) == 1, modes
