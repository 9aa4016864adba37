"""A run of untrained networks on real images, exported whole or not at all."""

import json
import shutil

import numpy as np
import pytest
import torch
from data import SAMPLE, needs_sample
from export.small_run import without_classifiers
from safetensors.torch import load_file, save_file

from steelsight import __version__
from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.dataset.record import read_record
from steelsight.decision.decision import read_decision
from steelsight.errors import UserError
from steelsight.export.export import export_run
from steelsight.export.parity import Parity, check, measure
from steelsight.export.plan import make_plan
from steelsight.export.readme import readme
from steelsight.export.reduced import write_reduced
from steelsight.export.where import here
from steelsight.images import list_images, read_image
from steelsight.inspector.artifact import read_card
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.openvino import runs_in_bf16
from steelsight.networks.engine import load_engine
from steelsight.recipe import read_run_recipe
from steelsight.rle import format_runs

pytestmark = needs_sample
TEST_IMAGES = SAMPLE / "test_images"


def torch_engine(run, folds=(0, 1)):
    decision = read_decision(run)
    return load_engine(run, read_run_recipe(run), decision.classes, *decision.jobs_of(folds), device="cpu")


def copied(run, tmp_path):
    return shutil.copytree(run, tmp_path / "run")


def test_the_inspector_says_of_unseen_images_what_torch_says(run, exported):
    sources = find_sources([str(TEST_IMAGES)])
    rule = read_decision(run).rule
    inspector = Inspector.open(exported.folder, device="cpu")
    assert inspector.card.rule == rule
    passed = 0
    for one, other in zip(judge(sources, torch_engine(run), rule), inspector.stream(sources), strict=True):
        assert one.p_defect == pytest.approx(other.p_defect, abs=1e-5)
        areas = [[runs.area for runs in judged.runs] for judged in (one, other)]
        assert np.abs(np.subtract(*areas)).max() <= 3
        passed += one.is_defective and [format_runs(runs) for runs in one.runs] == [
            format_runs(runs) for runs in other.runs
        ]
    assert passed > 1


def test_the_card_says_what_it_was_made_of(run, exported):
    card = read_card(exported.folder)
    assert card == exported.card
    record, recipe = read_record(run), read_run_recipe(run)
    assert card.classes == record.classes
    assert [(one.member, one.fold, one.step) for one in card.networks] == [
        *(("classify", fold, "classify") for fold in (0, 1)),
        *(("segment-unet", fold, "segment") for fold in (0, 1)),
    ]
    assert all(one.preprocess == recipe.member(one.member).preprocess for one in card.networks)
    origin = card.provenance
    assert (origin.folds, origin.evidence, origin.fingerprint) == ((0, 1), "cross-validated", record.fingerprint)
    assert origin.recipe == recipe.model_dump(mode="json")
    assert origin.steelsight == __version__
    assert origin.versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    nested = read_decision(run).nested.figures
    assert (origin.out_of_fold.images, origin.out_of_fold.nested_dice) == (len(record.samples), nested.dice)
    assert card.familiar.images == len(record.samples)
    assert (card.familiar.height, card.familiar.width) == ((256, 256), (1600, 1600))
    assert not any(card.familiar.flags(read_image(sample.path)) for sample in record.samples)


def test_parity_is_written_as_measured_and_within_its_tolerance(exported):
    parity = Parity.model_validate(json.loads((exported.folder / "parity.json").read_text("utf-8")))
    assert parity == exported.parity
    assert (parity.images, parity.pairs, parity.precision, parity.computed_in) == (11, 44, "fp32", "fp32")
    assert parity.found_pairs > 3
    assert 0 < parity.p_defect_difference < 1e-5
    assert parity.map_difference <= 1 / 255
    assert parity.same_gate_share == parity.same_answer_share == 1
    assert parity.mean_dice > 0.999
    assert parity.dice_loss is None


def test_a_stranger_finds_what_it_is_and_how_to_run_it(exported):
    text = (exported.folder / "README.md").read_text("utf-8")
    for name in (*exported.card.classes, *(one.file for one in exported.card.networks), "steelsight inspect"):
        assert name in text
    assert "no guarantee" in text
    assert str(exported.folder) not in text


def test_a_soft_gate_is_explained_where_there_is_one(exported):
    """By the page of the same card with either gate."""
    rule = exported.card.rule
    hard, soft = (
        readme(exported.card.model_copy(update={"rule": rule.model_copy(update={"softness": one})}), exported.parity)
        for one in (1.0, 5.0)
    )
    assert "soft" not in hard.split("## Rule")[1].split("## Figures")[0]
    assert "multiplied by 5 - 4 x P(defect)" in " ".join(soft.split())


def test_networks_of_other_weights_are_refused(run, exported, tmp_path):
    """The folds' weights change places: the same graph, exported by the same code, from another training."""
    other = copied(run, tmp_path)
    weights = [other / f"jobs/segment-unet/fold{fold}/weights.safetensors" for fold in (0, 1)]
    save_file(load_file(weights[1]), weights[0])
    sources = find_sources([str(TEST_IMAGES)])
    engine, rule = Inspector.open(exported.folder, device="cpu").engine("throughput"), exported.card.rule
    parity = measure(sources, torch_engine(other), engine, rule, here("fp32"), lambda done, of: None)
    assert parity.map_difference > 1 / 255
    with pytest.raises(
        UserError, match=r"nothing was exported.*a map of .*\.jpg differs by 0\.\d+, more than the 0\.0039"
    ):
        check(parity)


def test_a_network_that_answers_with_nan_leaves_nothing_behind(run, tmp_path):
    """Found by the comparison, when the networks are written already; and a run without classifiers comes that far."""
    broken = without_classifiers(copied(run, tmp_path))
    path = broken / "jobs/segment-unet/fold1/weights.safetensors"
    weights = load_file(path)
    weights["network.segmentation_head.0.bias"][0] = torch.nan
    save_file(weights, path)
    with pytest.raises(
        UserError, match=r"nothing was exported: segment-unet:1 in torch answers with nan, which is no prob"
    ):
        export_run(broken, tmp_path / "made" / "inspector", folds="1")
    assert list((tmp_path / "made").iterdir()) == []


def test_an_interruption_leaves_nothing_behind(run, tmp_path):
    def interrupt(what, done, of):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_run(run, tmp_path / "inspector", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_image_is_named(run, exported, tmp_path):
    bad = tmp_path / "cut.jpg"
    bad.write_bytes(list_images(TEST_IMAGES)[0].read_bytes()[:9000])
    engine = torch_engine(run)
    with pytest.raises(UserError, match=r"cut\.jpg: the file breaks off"):
        measure(find_sources([str(bad)]), engine, engine, exported.card.rule, here("fp32"), lambda done, of: None)


def test_missing_weights_are_one_sentence(run, tmp_path):
    broken = copied(run, tmp_path)
    (broken / "jobs/segment-unet/fold1/weights.safetensors").unlink()
    with pytest.raises(UserError, match="job segment-unet:1 is not done"):
        export_run(broken, tmp_path / "inspector")
    assert not (tmp_path / "inspector").exists()


def test_images_that_are_gone_are_one_sentence(run, tmp_path):
    moved = copied(run, tmp_path)
    header = json.loads((moved / "dataset.json").read_text("utf-8"))
    (moved / "dataset.json").write_text(json.dumps(header | {"root": str(tmp_path / "gone")}), "utf-8")
    with pytest.raises(UserError, match=r"11 of the 11 images of .*without --images.*`root` of .*dataset\.json"):
        export_run(moved, tmp_path / "inspector")
    with pytest.raises(UserError, match="--precision int8 is judged on them"):
        export_run(moved, tmp_path / "inspector", precision="int8", images=[str(TEST_IMAGES)])
    with pytest.raises(UserError, match="--folds 2: the run has the folds 0 to 1"):
        export_run(run, tmp_path / "inspector", folds="2")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["notes.txt"], "it holds notes.txt and would be replaced"),
        (["inspector.json", "checksums.txt", "mine.jpg"], "it holds mine.jpg"),
        (None, "a file or link of this name"),
    ],
)
def test_what_is_no_inspector_is_not_replaced(run, tmp_path, files, words):
    out = tmp_path / "out"
    if files is None:
        out.write_text("mine")
    else:
        out.mkdir()
        for name in files:
            (out / name).write_text("{}")
    with pytest.raises(UserError, match=words):
        export_run(run, out)
    assert out.is_file() or sorted(path.name for path in out.iterdir()) == sorted(files)


def test_bf16_is_measured_where_the_processor_has_it_and_not_made_up_elsewhere(run, exported, tmp_path):
    told = []
    plan = make_plan(run, "all", "bf16", 0.002, (), lambda what, done, of: told.append((done, of)))
    told.clear()  # of what the verdicts rest on
    card = exported.card.model_copy(update={"precision": "bf16"})
    loss = write_reduced(plan, card, exported.folder, tmp_path)
    for its in card.networks:
        assert (tmp_path / its.file).read_bytes() == (exported.folder / its.file).read_bytes()
    if runs_in_bf16("bf16"):
        assert (loss.images, loss.not_measured) == (11, None)
        assert abs(loss.lost) < 0.1
        assert told[-1] == (22, 22)
    else:
        assert (loss.lost, loss.kept) == (None, None)
        assert "does not compute in bf16" in loss.not_measured
        assert told == []
