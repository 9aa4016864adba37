"""An inspector is believed only when it is whole, unchanged, and of a version that is known."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.policies import make_policy, make_statement
from helpers.tiny_inspector import CLASSES, make_inspector

from steelsight.core.errors import UserError
from steelsight.inspector.artifact import InspectorCard, fingerprint, read_card, write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector

POLICY = make_policy().model_dump(mode="json")
OF_ANOTHER_CLASS = make_policy(rules=[{"verdict": "reject", "class": "brigt"}]).model_dump(mode="json")
STATEMENT = make_statement(defect_class="7").model_dump(mode="json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture
def folder(made: Any, tmp_path: Path) -> Any:
    return shutil.copytree(made, tmp_path / "inspector")


def edit(folder: Any, *, sign: Any, **changes: Any) -> None:
    """Change fields of inspector.json, and its checksum as well if it is to be signed."""
    path = folder / "inspector.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    if sign:
        write_checksums(folder)


def test_what_was_written_is_read(folder: Any) -> None:
    card = read_card(folder)
    assert card.classes == CLASSES
    assert [one.file for one in card.of_step("segment")] == ["segment-0-fold0.onnx", "segment-1-fold0.onnx"]
    write_card(folder, card)
    write_checksums(folder)
    assert read_card(folder) == card


def test_an_inspector_without_a_policy_of_before_is_read_and_gives_no_verdict(folder: Any) -> None:
    path = folder / "inspector.json"
    content = json.loads(path.read_text("utf-8"))
    del content["policy"]
    path.write_text(json.dumps(content | {"schema_version": 1}), "utf-8")
    write_checksums(folder)
    inspector = Inspector.open(folder)
    assert inspector.card.policy is None
    assert not inspector.card.bears_bound
    assert inspector(np.full((64, 416), 200, np.uint8)).verdict is None


def test_it_is_decided_again_without_touching_its_networks(made: Any, folder: Any) -> None:
    rules = [{"verdict": "reject", "class": "bright"}, {"verdict": "review", "area_above": "2 cm2"}]
    policy = make_policy(rules=rules, statements=(make_statement(), make_statement(defect_class="dark")))
    before = read_card(folder).model_copy(update={"schema_version": 1})
    write_card(folder, before.with_policy(policy))
    write_checksums(folder)
    card = read_card(folder)
    assert (card.schema_version, card.policy) == (5, policy)
    assert card.networks == before.networks
    assert fingerprint(folder) != fingerprint(made)
    with pytest.raises(ValueError, match="'brigt' is no class of the data"):
        before.with_policy(make_policy(rules=[{"verdict": "reject", "class": "brigt"}]))


@pytest.mark.parametrize(
    ("evidence", "precision", "bears"),
    [
        ("own", "fp32", True),
        ("other-precision", "int8", False),
        ("calibrated", "int8", True),
        ("cross-validated", "fp32", False),
        ("epoch-selected", "fp32", False),
    ],
)
def test_bounds_are_its_own_where_they_rest_on_what_exactly_its_networks_said(
    made: Any, evidence: str, precision: str, bears: bool
) -> None:
    card = read_card(made).model_copy(update={"precision": precision})
    assert card.with_policy(make_policy(evidence=evidence)).bears_bound == bears


def test_without_classifiers_there_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a policy without a network of step classify"):
        make_inspector(tmp_path / "inspector", classifiers=(), policy=make_policy())


def test_checksums_are_as_sha256sum_writes_them(folder: Any) -> None:
    lines = (folder / "checksums.txt").read_text("utf-8").splitlines()
    assert [line[64:66] for line in lines] == ["  "] * len(lines)
    assert {line[66:] for line in lines} == {path.name for path in folder.iterdir()} - {"checksums.txt"}


def test_a_fingerprint_follows_the_content(made: Any, folder: Any) -> None:
    assert fingerprint(folder) == fingerprint(made)
    edit(folder, sign=True, classes=["bright", "darker"])
    assert fingerprint(folder) != fingerprint(made)


def test_an_edited_card_is_refused(folder: Any) -> None:
    edit(folder, sign=False, classes=["bright", "darker"])
    with pytest.raises(UserError, match=r"inspector\.json: changed since it was exported"):
        Inspector.open(folder)


def test_an_edited_network_is_refused(folder: Any) -> None:
    path = folder / "segment-1-fold0.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"segment-1-fold0\.onnx: changed since it was exported"):
        read_card(folder)


@pytest.mark.parametrize("name", ["segment-1-fold0.onnx", "checksums.txt", "inspector.json"])
def test_a_missing_file_is_named(folder: Any, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: (missing from the inspector|not found, so)"):
        read_card(folder)


def test_a_card_without_a_checksum_is_refused(folder: Any) -> None:
    path = folder / "checksums.txt"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "inspector.json" not in line), "utf-8")
    with pytest.raises(UserError, match=r"inspector\.json: not listed in checksums\.txt"):
        read_card(folder)


@pytest.mark.parametrize("name", ["../elsewhere.txt", "/etc/hostname"])
def test_a_checksum_of_a_file_elsewhere_is_refused(folder: Any, name: str) -> None:
    with (folder / "checksums.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(UserError, match="is no file of this folder"):
        read_card(folder)


def test_a_network_without_a_checksum_is_refused(folder: Any) -> None:
    """Whoever exchanges a network must not get by with leaving out its line."""
    path = folder / "checksums.txt"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "segment-1" not in line), "utf-8")
    with pytest.raises(UserError, match=r"segment-1-fold0\.onnx: not listed in checksums\.txt"):
        read_card(folder)


def test_where_images_with_a_label_alone_count_an_older_steelsight_is_told_to_update(folder: Any) -> None:
    policy = make_policy()
    labels = policy.model_copy(update={"outcome": policy.outcome.model_copy(update={"label_alone": 3})})
    card = read_card(folder)
    assert (card.with_policy(labels).schema_version, card.with_policy(policy).schema_version) == (8, 5)
    assert card.with_policy(labels).with_roi(None).schema_version == 5
    write_card(folder, card.with_policy(labels))
    write_checksums(folder)
    assert read_card(folder).policy == labels
    with pytest.raises(ValueError, match="a label alone, or unusual ones, count in a file of schema_version 5"):
        InspectorCard.model_validate(card.with_policy(labels).model_dump(mode="json") | {"schema_version": 5})


def test_where_groups_are_named_an_older_steelsight_is_told_to_update(folder: Any) -> None:
    card, policy = read_card(folder), make_policy(grouped_by=("coil",))
    write_card(folder, card.with_policy(policy))
    write_checksums(folder)
    kept = read_card(folder)
    assert (kept.schema_version, kept.policy) == (9, policy)
    assert "grouped_by" not in card.with_policy(make_policy()).model_dump_json()
    with pytest.raises(ValueError, match="kinds of groups are named in a file of schema_version 8"):
        InspectorCard.model_validate(kept.model_dump(mode="json") | {"schema_version": 8})


def test_a_newer_schema_is_refused_before_anything_else(folder: Any) -> None:
    edit(folder, sign=False, schema_version=10, something_new={})
    with pytest.raises(UserError, match="schema_version 10 was written by a newer steelsight, this one reads up to 9"):
        read_card(folder)


def test_a_card_that_claims_figures_of_the_run_for_distilled_networks_is_refused(folder: Any) -> None:
    content = json.loads((folder / "inspector.json").read_text("utf-8"))
    edit(folder, sign=True, provenance={**content["provenance"], "evidence": "distilled"})
    with pytest.raises(UserError, match="only then there are no figures out of fold"):
        read_card(folder)


@pytest.mark.parametrize("content", ["{", "[]", '"text"', b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(folder: Any, content: Any) -> None:
    path = folder / "inspector.json"
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, "utf-8")
    with pytest.raises(UserError, match=r"inspector\.json: not (JSON|a JSON object)"):
        read_card(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"surprise": 1}, "surprise: there is no such key; export the run again"),
        ({"classes": ["bright"]}, "the rule has 2 classes, not 1"),
        ({"networks": []}, "no network of step segment"),
        ({"precision": "fp17"}, "precision: 'fp17' is not allowed; did you mean 'fp16'"),
        ({"schema_version": "1"}, "schema_version: '1' is refused: it should be 1, 2, 3, 4, 5, 6, 7, 8 or 9"),
        ({"schema_version": 1, "policy": POLICY}, "a policy stands in a file of schema_version 1, which has none"),
        ({"policy": OF_ANOTHER_CLASS}, "rule 1: class: 'brigt' is no class of the data; did you mean 'bright'"),
        ({"policy": {**POLICY, "pass_at": 0.9}}, "pass_at 0.9 exceeds reject_at 0.72"),
        ({"policy": {**POLICY, "statements": [STATEMENT]}}, "the policy names an unknown class: 7"),
    ],
)
def test_a_signed_card_that_contradicts_itself_is_refused(folder: Any, changes: Any, words: Any) -> None:
    edit(folder, sign=True, **changes)
    with pytest.raises(UserError, match=words):
        read_card(folder)


@pytest.mark.parametrize("file", ["../network.onnx", "a/b.onnx", "network.pkl", ""])
def test_a_network_is_an_onnx_file_in_the_folder(made: Any, file: str) -> None:
    content = read_card(made).model_dump(mode="json")
    content["networks"][0]["file"] = file
    with pytest.raises(ValueError, match="should match pattern"):
        InspectorCard.model_validate(content)


def test_two_networks_share_no_file(made: Any) -> None:
    content = read_card(made).model_dump(mode="json")
    content["networks"][0]["file"] = content["networks"][1]["file"]
    with pytest.raises(ValueError, match="two networks share a file"):
        InspectorCard.model_validate(content)


def test_another_folder_is_no_inspector(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no inspector; name the folder that `steelsight export RUN --out` wrote"):
        read_card(tmp_path)


def test_what_a_killed_replacement_left_aside_is_named(folder: Any) -> None:
    aside = folder.rename(folder.with_name(".inspector.0123abcd.former"))
    with pytest.raises(UserError, match="was replacing it was killed; what stood there is whole in") as refused:
        read_card(folder)
    assert f"{aside}: rename that to {folder}" in str(refused.value)
    aside.rename(folder)
    read_card(folder)


def test_a_run_is_told_from_what_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: lite\n", "utf-8")
    with pytest.raises(UserError, match="a run, which is no inspector yet; make one of it with `steelsight export "):
        read_card(tmp_path)
