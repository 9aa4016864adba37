"""A run of untrained networks on drawn strips, exported whole or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import SAMPLE
from helpers.parity import assert_alike
from helpers.shaken_run import shaken
from helpers.small_run import without_classifiers
from safetensors.torch import load_file, save_file

from steelsight import __version__
from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.core.errors import UserError
from steelsight.export.compare_image import ComparedSide
from steelsight.export.export import Exported, export_run
from steelsight.export.parity import check, measure
from steelsight.export.platform import here
from steelsight.export.tolerance import LEVEL, PIXELS, PROBABILITY, TOLERANCE, are_alike
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.artifact import read_card
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.parity import Parity
from steelsight.inspector.readme import parity_lines, readme
from steelsight.networks.torch_engine import load_engine
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision

TEST_IMAGES = SAMPLE / "test_images"


def torch_engine(run: Any, folds: Any = (0, 1)) -> Any:
    decision = read_decision(Run(run))
    return load_engine(Run(run), Run(run).recipe, decision.classes, *decision.jobs_of(folds), device="cpu")


def copied(run: Any, tmp_path: Path) -> Any:
    return shutil.copytree(run, tmp_path / "run")


def test_the_inspector_says_of_unseen_images_what_torch_says(run: Path, exported: Exported) -> None:
    sources = find_sources([str(TEST_IMAGES)])
    rule = read_decision(Run(run)).rule
    inspector = Inspector.open(exported.folder, device="cpu")
    assert inspector.card.rule == rule
    engine, found = torch_engine(run), 0
    both = judge(sources, engine, rule, keep_maps=True), inspector.stream(sources, keep_maps=True)
    for one, other in zip(*both, strict=True):
        assert_alike(one, other, engine, rule)
        found += one.is_defective
    assert found > 1


def test_the_card_says_what_it_was_made_of(run: Path, exported: Exported) -> None:
    card = read_card(exported.folder)
    assert card == exported.card
    record, recipe = Run(run).record, Run(run).recipe
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
    nested = read_decision(Run(run)).nested.figures
    assert (origin.out_of_fold.images, origin.out_of_fold.nested_dice) == (len(record.samples), nested.dice)
    assert card.familiar.images == len(record.samples)
    assert (card.familiar.height, card.familiar.width) == ((256, 256), (1600, 1600))
    assert not any(card.familiar.flags(read_image(sample.path)) for sample in record.samples)


def test_parity_is_written_as_measured_and_within_its_tolerance(exported: Exported) -> None:
    parity = Parity.model_validate(json.loads((exported.folder / "parity.json").read_text("utf-8")))
    assert parity == exported.parity
    assert (parity.images, parity.pairs, parity.precision, parity.computed_in) == (11, 44, "fp32", "fp32")
    assert parity.found_pairs > 3
    assert parity.tolerance == TOLERANCE
    assert parity.p_defect_difference <= PROBABILITY
    assert parity.map_difference <= LEVEL
    assert round(parity.images * (1 - parity.same_gate_share)) == parity.near_gate_images
    assert round(parity.images * (1 - parity.same_verdict_share)) == parity.near_verdict_images
    assert are_alike(parity.most_pixels, parity.least_dice)
    assert (parity.differing_pairs, parity.dice_loss) == (0, None)


def test_a_stranger_finds_what_it_is_and_how_to_run_it(exported: Exported) -> None:
    text = (exported.folder / "README.md").read_text("utf-8")
    for name in (*exported.card.classes, *(one.file for one in exported.card.networks), "steelsight inspect"):
        assert name in text
    assert "no guarantee" in text
    assert str(exported.folder) not in text


def test_a_soft_gate_is_explained_where_there_is_one(exported: Exported) -> None:
    """By the page of the same card with either gate."""
    rule = exported.card.rule
    hard, soft = (
        readme(exported.card.model_copy(update={"rule": rule.model_copy(update={"softness": one})}), exported.parity)
        for one in (1.0, 5.0)
    )
    assert "soft" not in hard.split("## Rule")[1].split("## Figures")[0]
    assert "multiplied by 5 - 4 x P(defect)" in " ".join(soft.split())


@pytest.fixture(scope="module")
def sides(run: Path, exported: Exported) -> Any:
    """What the run says, and what its inspector says; each test changes something of the second."""
    card, decision = exported.card, read_decision(Run(run))
    return (
        ComparedSide("torch", torch_engine(run), decision.rule, decision.policy),
        ComparedSide("OpenVINO", open_engine(exported.folder, card, device="cpu"), card.rule, card.policy),
    )


def refused(reference: Any, exported: Any, match: Any) -> Any:
    measured = measure(
        find_sources([str(TEST_IMAGES)]), reference, exported, here("fp32", "fp32"), lambda done, of: None
    )
    with pytest.raises(UserError, match=rf"nothing was exported: .*{match}"):
        check(measured)
    return measured


def test_networks_of_other_weights_are_refused(run: Path, sides: Any, tmp_path: Path) -> None:
    """The folds' weights change places: the same graph, exported by the same code, from another training."""
    other = copied(run, tmp_path)
    weights = [other / f"jobs/segment-unet/fold{fold}/weights.safetensors" for fold in (0, 1)]
    save_file(load_file(weights[1]), weights[0])
    measured = refused(
        replace(sides[0], engine=torch_engine(other)),
        sides[1],
        r"a map of .*\.jpg differs by [01](\.\d+)?, more than the 0\.0039",
    )
    assert measured.parity.map_difference > LEVEL


def test_classes_that_change_places_are_refused(run: Path, sides: Any, tmp_path: Path) -> None:
    """In the last layers of both folds."""
    other = copied(run, tmp_path)
    for fold in (0, 1):
        path = other / f"jobs/segment-unet/fold{fold}/weights.safetensors"
        weights = load_file(path)
        for name in ("weight", "bias"):
            head = f"network.segmentation_head.0.{name}"
            weights[head] = weights[head][[1, 0, 2, 3]].contiguous()
        save_file(weights, path)
    measured = refused(replace(sides[0], engine=torch_engine(other)), sides[1], r"a map of .*\.jpg differs by")
    names = sides[1].engine.classes
    found = " ".join(fault.text for fault in measured.faults if fault.kind == "mask")
    assert f"class {names[0]} of " in found
    assert f"class {names[1]} of " in found
    assert f"class {names[2]} of " not in found


@pytest.mark.parametrize(
    ("step", "change", "words"),
    [
        ("classify", {"deviation": 0.05}, r"P\(defect\) of .*\.jpg differs by"),
        ("segment", {"fit": "pad"}, r"a map of .*\.jpg differs by"),
    ],
)
def test_another_preprocessing_is_refused(exported: Exported, sides: Any, step: str, change: Any, words: str) -> None:
    networks = tuple(
        its.model_copy(update={"preprocess": its.preprocess.model_copy(update=change)}) if its.step == step else its
        for its in exported.card.networks
    )
    card = exported.card.model_copy(update={"networks": networks})
    refused(sides[0], replace(sides[1], engine=open_engine(exported.folder, card, device="cpu")), words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "gate",
            r"one side alone lets .*\.jpg through its gate, with P\(defect\) 0\.\d+ at a gate of 0\.\d+ by torch and",
        ),
        (
            "upper",
            r"class \d of .*\.jpg has a mask of \d+ pixels by torch alone, and its area above the upper threshold",
        ),
        (
            "lower",
            r"the masks of class \d of .*\.jpg differ by \d+ pixels, at Dice 0\.\d+, and 3 pixels or Dice 0\.999",
        ),
        ("min_area", r"class \d of .*\.jpg has a mask of \d+ pixels by torch alone"),
        ("pass_at", r"the verdict of .*\.jpg is \w+ by torch and \w+ by OpenVINO, though its masks are the same"),
    ],
)
def test_a_changed_threshold_is_refused(exported: Exported, sides: Any, change: str, words: str) -> None:
    """Each by what it changes: the networks are the same."""
    reference, other = sides
    rule = exported.card.rule
    if change == "gate":  # the scores of untrained networks lie close together
        reference, changed = (
            replace(side, rule=rule.model_copy(update={"gate": gate}))
            for side, gate in ((reference, 0.01), (other, 0.99))
        )
    elif change == "pass_at":
        nothing = rule.model_copy(update={"min_area": (256 * 1600,) * 4})  # what has a mask does not pass
        reference, changed = (
            replace(side, rule=nothing, policy=side.policy.model_copy(update={"pass_at": bound, "reject_at": None}))
            for side, bound in ((reference, 1.0), (other, 0.0))
        )
    else:
        to = {"upper": 255, "lower": 110, "min_area": 6000}[change]
        changed = replace(other, rule=rule.model_copy(update={change: (to,) * 4}))
    refused(reference, changed, words)


def test_numbers_of_another_processor_are_no_fault(sides: Any) -> None:
    """As AVX512 adds up: 1e-5 of a probability, by which single pixels flip; and three times as much."""
    for by in (1e-5, 3e-5):
        measured = measure(
            find_sources([str(SAMPLE / "train_images")]),
            sides[0],
            replace(sides[0], engine=shaken(sides[0].engine, by)),
            here("fp32", "fp32"),
            lambda done, of: None,
        )
        assert measured.parity.same_found_masks_share < 1
        check(measured)
    assert measured.parity.most_pixels > PIXELS
    assert any(f"by {measured.parity.most_pixels} pixel" in line for line in parity_lines(measured.parity))


@pytest.mark.slow
def test_a_mask_may_hang_on_a_pixel_at_the_minimum_area(sides: Any) -> None:
    """Which one side finds and the other does not; with another minimum area, neither does and it is a fault."""
    torch_side = sides[0]
    off = shaken(torch_side.engine, 3e-5)
    sources = find_sources([str(SAMPLE / "train_images")])
    counts = np.array(
        [
            [
                (one.maps[index] > level).sum() if one.maps is not None else 0
                for index, level in enumerate(torch_side.rule.upper)
            ]
            for engine in (torch_side.engine, off)
            for one in judge(sources, engine, torch_side.rule, keep_maps=True)
        ]
    ).reshape(2, len(sources), -1)
    image, index = np.argwhere((counts[0] != counts[1]) & (counts.min(axis=0) > 0))[0]
    least = list(torch_side.rule.min_area)
    least[index] = int(counts[:, image, index].max())
    reference = replace(torch_side, rule=torch_side.rule.model_copy(update={"min_area": tuple(least)}))
    exported = replace(reference, engine=off)
    measured = measure(sources, reference, exported, here("fp32", "fp32"), lambda done, of: None)
    near = measured.parity.near_area_pairs
    assert near > 0
    check(measured)
    assert f"{near} at the minimum area by one side alone" in parity_lines(measured.parity)[2]
    own = int(counts[0, image, index])
    least[index] = own + 1 if own == least[index] else own
    changed = replace(
        exported, engine=torch_side.engine, rule=reference.rule.model_copy(update={"min_area": tuple(least)})
    )
    measured = measure(sources, reference, changed, here("fp32", "fp32"), lambda done, of: None)
    assert measured.parity.p_defect_difference == measured.parity.near_area_pairs == 0
    with pytest.raises(UserError, match="is not at the minimum area within the pixels that differ"):
        check(measured)


@pytest.mark.slow
def test_a_network_that_answers_with_nan_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    """Found by the comparison, when the networks are written already; and a run without classifiers comes that far."""
    broken = without_classifiers(copied(run, tmp_path))
    path = broken / "jobs/segment-unet/fold1/weights.safetensors"
    weights = load_file(path)
    weights["network.segmentation_head.0.bias"][0] = torch.nan
    save_file(weights, path)
    with pytest.raises(
        UserError, match=r"nothing was exported: segment-unet:1 in torch answers with nan, which is no prob"
    ):
        export_run(Run(broken), tmp_path / "made" / "inspector", folds="1")
    assert list((tmp_path / "made").iterdir()) == []


def test_an_interruption_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    def interrupt(what: Any, done: Any, of: Any) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_run(Run(run), tmp_path / "inspector", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_image_is_named(run: Path, exported: Exported, tmp_path: Path) -> None:
    bad = tmp_path / "cut.jpg"
    bad.write_bytes(list_images(TEST_IMAGES)[0].read_bytes()[:9000])
    side = ComparedSide("torch", torch_engine(run), exported.card.rule)
    with pytest.raises(UserError, match=r"cut\.jpg: the decoder says: Premature end"):
        measure(find_sources([str(bad)]), side, side, here("fp32", "fp32"), lambda done, of: None)


def test_missing_weights_are_one_sentence(run: Path, tmp_path: Path) -> None:
    broken = copied(run, tmp_path)
    (broken / "jobs/segment-unet/fold1/weights.safetensors").unlink()
    with pytest.raises(UserError, match="job segment-unet:1 is not done"):
        export_run(Run(broken), tmp_path / "inspector")
    assert not (tmp_path / "inspector").exists()


def test_images_that_are_gone_are_one_sentence(run: Path, tmp_path: Path) -> None:
    moved = copied(run, tmp_path)
    header = json.loads((moved / "dataset.json").read_text("utf-8"))
    (moved / "dataset.json").write_text(json.dumps(header | {"root": str(tmp_path / "gone")}), "utf-8")
    with pytest.raises(UserError, match=r"11 of the 11 images of .*without `images=`.*`root` of .*dataset\.json"):
        export_run(Run(moved), tmp_path / "inspector")
    with pytest.raises(UserError, match="`precision=int8` is judged on them"):
        export_run(Run(moved), tmp_path / "inspector", precision="int8", images=[str(TEST_IMAGES)])
    with pytest.raises(UserError, match="`folds=2`: the run has the folds 0 to 1"):
        export_run(Run(run), tmp_path / "inspector", folds="2")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["notes.txt"], "it holds notes.txt and would be replaced"),
        (["inspector.json", "checksums.txt", "mine.jpg"], "it holds mine.jpg"),
        (None, "a file or link of this name"),
    ],
)
def test_what_is_no_inspector_is_not_replaced(run: Path, tmp_path: Path, files: Any, words: str) -> None:
    out = tmp_path / "out"
    if files is None:
        out.write_text("mine")
    else:
        out.mkdir()
        for name in files:
            (out / name).write_text("{}")
    with pytest.raises(UserError, match=words):
        export_run(Run(run), out)
    assert out.is_file() or sorted(path.name for path in out.iterdir()) == sorted(files)
