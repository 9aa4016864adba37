"""A run's start, and its going on: folds, colour, what is refused; and what it draws."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.training_samples import severstal

from steelsight.core.errors import UserError
from steelsight.dataset.groups import read_groups
from steelsight.dataset.model import Remark
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import Runs
from steelsight.recipe import choose_jobs, load_recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import fingerprint
from steelsight.run.run import Run
from steelsight.strips import make_strips
from steelsight.training.augmentation_examples import draw_examples
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job
from steelsight.training.same_images import check_data
from steelsight.training.start import check_groups, check_start, go_on, start_run


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return OutOfFoldPredictions.of(
        start_run(Run(tmp_path_factory.mktemp("run") / "run"), severstal(), load_recipe("lite"))
    )


def test_a_run_is_opened_as_it_was_started(started: Any) -> None:
    opened = OutOfFoldPredictions.of(started.run)
    assert opened.recipe == started.recipe
    assert np.array_equal(opened.record.folds, started.record.folds)
    assert {member.preprocess.colour for member in opened.recipe.members} == {"grey"}
    assert sorted(set(opened.record.folds.tolist())) == list(range(5))


def test_what_reading_the_data_said_is_recorded(tmp_path: Path) -> None:
    data = severstal()
    said = replace(data, notes=("a note",), remarks=(Remark("left-out", data.root / "more", 3, "3 images left out"),))
    record = start_run(Run(tmp_path / "run"), said, load_recipe("lite")).record
    assert (record.notes, record.remarks) == (said.notes, said.remarks)


def test_twins_share_a_fold(started: Any) -> None:
    record = started.record
    for group in np.unique(record.groups):
        assert len(np.unique(record.folds[record.groups == group])) == 1


def test_a_coil_that_is_rolled_over_midnight_is_one_group_and_two_days_are_not(tmp_path: Path) -> None:
    """Of the coil of the cut, the later image is neither judged nor trained on."""
    make_strips(tmp_path / "strips", 12, size=(64, 256), defective=0.6)
    data = read_dataset(tmp_path / "strips")
    table = tmp_path / "groups.csv"
    of_image = [(1 + index // 3, index // 2) for index in range(12)]
    rows = [f"{one.image_id},{day},c{coil}" for one, (day, coil) in zip(data.samples, of_image, strict=True)]
    table.write_text("\n".join(["image,day,coil", *rows]))
    known = read_groups(str(table), [sample.image_id for sample in data.samples])
    run = Run(tmp_path / "run")
    record = start_run(run, data, load_recipe("demo"), known=known, time="day").record
    assert record.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert [sample.image_id for sample in record.later] == [sample.image_id for sample in data.samples[10:]]
    check_groups(OutOfFoldPredictions.of(run), str(table), "day")


def test_a_run_that_was_split_by_time_goes_on_with_its_groups(tmp_path: Path) -> None:
    """Whatever the order of the images in the data: here a later one comes first, and its coil began earlier."""
    make_strips(tmp_path / "strips", 12, size=(64, 256), defective=0.6)
    data = read_dataset(tmp_path / "strips")
    table = tmp_path / "groups.csv"
    of_image = [(9, 5), *((1 + index // 3, index) for index in range(1, 12))]
    rows = [f"{one.image_id},{day},c{coil}" for one, (day, coil) in zip(data.samples, of_image, strict=True)]
    table.write_text("\n".join(["image,day,coil", *rows]))
    known = read_groups(str(table), [sample.image_id for sample in data.samples])
    start_run(Run(tmp_path / "run"), data, load_recipe("demo"), known=known, time="day")
    evidence = OutOfFoldPredictions.of(Run(tmp_path / "run"))
    check_groups(evidence, str(table), "day")
    with pytest.raises(UserError, match="began without these groups"):
        check_groups(evidence, str(table), None)
    start_run(Run(tmp_path / "other"), data, load_recipe("demo"))
    with pytest.raises(UserError, match="has trained on the later images"):
        check_groups(OutOfFoldPredictions.of(Run(tmp_path / "other")), str(table), "day")


def test_examples_show_an_image_of_each_class_and_a_clean_one(started: Any) -> None:
    draw_examples(started)
    pictures = sorted((started.run.path / "augmentations").glob("*.png"))
    assert 4 <= len(pictures) <= 5
    assert all(cv2.imread(str(picture)).std() > 5 for picture in pictures)


def test_examples_of_a_recipe_of_classifiers_alone_show_masks_as_well(tmp_path: Path) -> None:
    lite = load_recipe("lite", ["members.classify-lite0.weights=random"])
    recipe = lite.model_copy(update={"members": (lite.member("classify-lite0"),)})
    started = OutOfFoldPredictions.of(start_run(Run(tmp_path / "run"), severstal(), recipe))
    draw_examples(started)
    assert len(list((started.run.path / "augmentations").glob("*.png"))) >= 4


def test_data_without_any_defect_is_refused(tmp_path: Path) -> None:
    data = severstal()
    clean = replace(data, samples=tuple(replace(sample, runs=(Runs.empty(),) * 4) for sample in data.samples))
    with pytest.raises(UserError, match="no image shows a defect"):
        start_run(Run(tmp_path / "run"), clean, load_recipe("lite"))
    with pytest.raises(UserError, match="no image is left"):
        start_run(Run(tmp_path / "run"), replace(data, samples=()), load_recipe("lite"))
    assert not (tmp_path / "run").exists()


def test_defects_of_one_surface_alone_are_refused(tmp_path: Path) -> None:
    """The fold that holds them out would train on none: its epoch may even be empty."""
    data = severstal()
    clean = [sample for sample in data.samples if not sample.is_defective][:2]
    defective = next(sample for sample in data.samples if sample.is_defective)
    again = replace(defective, image_id="again.jpg")
    with pytest.raises(UserError, match="defects in at least two groups"):
        start_run(
            Run(tmp_path / "run"), replace(data, samples=(*clean, defective, again)), load_recipe("lite", ["folds=2"])
        )
    assert not (tmp_path / "run").exists()


def test_precision_follows_the_recipe() -> None:
    assert "32" in str(make_fabric("cpu", load_recipe("lite", ["precision=fp32"]))._precision.precision)
    assert "bf16" in str(make_fabric("cpu", load_recipe("lite", ["precision=bf16"]))._precision.precision)


def test_seed_and_folds_change_the_folds(tmp_path: Path) -> None:
    def folds(name: str, *changes: str) -> list[int]:
        return start_run(Run(tmp_path / name), severstal(), load_recipe("lite", changes)).record.folds.tolist()

    base = folds("base")
    assert folds("seed", "seed=1") != base
    assert max(folds("folds", "folds=3")) == 2


def test_jobs_by_name() -> None:
    recipe = load_recipe("lite")
    assert len(choose_jobs(recipe, [])) == 10
    assert [fold for _, fold in choose_jobs(recipe, ["segment-lite0"])] == [0, 1, 2, 3, 4]
    assert [(member.name, fold) for member, fold in choose_jobs(recipe, ["classify-lite0:3"])] == [
        ("classify-lite0", 3)
    ]
    with pytest.raises(UserError, match="did you mean 'classify-lite0:3'"):
        choose_jobs(recipe, ["classify-lite:3"])


def test_a_limit_takes_whole_groups_and_is_written_down(tmp_path: Path) -> None:
    run = start_run(Run(tmp_path / "run"), severstal(), load_recipe("lite", ["folds=2"]), limit=30)
    record = Run(run.path).record
    assert record.of_images == 66
    assert 25 <= len(record.samples) <= 30
    assert record.groups.max() + 1 == len(np.unique(record.groups))
    assert all(record.samples[index].image_id in {one.image_id for one in severstal().samples} for index in range(9))
    assert go_on(Run(run.path), load_recipe("lite"), severstal().root).record.of_images == 66


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="5 folds need at least 5 groups of images"):
        start_run(Run(tmp_path / "run"), severstal(), load_recipe("lite"), limit=4)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_with_its_own_recipe_quick_or_not(tmp_path: Path) -> None:
    run = start_run(Run(tmp_path / "run"), severstal(), load_recipe("lite", quick=True))
    with pytest.raises(UserError, match="go on with it by `quick=`"):
        go_on(run, load_recipe("lite"), severstal().root)
    with pytest.raises(UserError, match="resume it with its own recipe"):
        go_on(run, load_recipe("demo"), severstal().root)
    with pytest.raises(UserError, match="go on with it by `resume=`"):
        check_start(run, load_recipe("lite", quick=True), resume=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("")
    with pytest.raises(UserError, match="exists and is not a run"):
        check_start(Run(tmp_path / "notes"), load_recipe("lite"), resume=True)


def test_a_recipe_whose_run_could_not_be_decided_is_refused_before_it_trains(tmp_path: Path) -> None:
    lite = load_recipe("lite", ["members.*.weights=random"])
    alone = lite.model_copy(update={"members": (lite.member("classify-lite0"),)})
    for resume in (False, True):
        with pytest.raises(UserError, match=r"recipe 'lite': no member has step segment.*give it a segmenter"):
            check_start(Run(tmp_path / "run"), alone, resume=resume)
    assert not (tmp_path / "run").exists()
    check_start(Run(tmp_path / "run"), lite, resume=False)
    check_start(start_run(Run(tmp_path / "run"), severstal(), alone), alone, resume=True)  # of an earlier version


def test_images_without_masks_teach_whole_image_classifiers_and_never_the_fold_of_their_twins(tmp_path: Path) -> None:
    data = severstal()
    defective = [sample for sample in data.samples if sample.is_defective]
    known = [
        replace(sample, image_id=f"reject/{sample.image_id}", runs=(Runs.empty(),) * 4, shown=sample.classes)
        for sample in defective[:6]
    ]
    kept = tuple(sample for sample in data.samples if sample not in defective[:3])
    mixed = replace(data, samples=kept, without_masks=tuple(known))
    run = start_run(Run(tmp_path / "run"), mixed, load_recipe("paper"))
    evidence = OutOfFoldPredictions.of(run)
    record = evidence.record
    assert [(one.image_id, one.shown) for one in record.without_masks] == [(one.image_id, one.shown) for one in known]
    judged = {sample.image_id: fold for sample, fold in zip(record.samples, record.folds.tolist(), strict=True)}
    expected = [judged.get(one.image_id.removeprefix("reject/"), -1) for one in known]
    assert (
        list(record.their_folds) == expected
    )  # of the first three the masks are gone, the others are there with masks too
    assert {-1} < set(expected)
    for member in evidence.recipe.members:
        for fold in (0, 1):
            job = make_job(evidence, member, fold)
            names = {sample.image_id for sample in job.training if sample.shown}
            wanted = {one.image_id for one, of in zip(known, expected, strict=True) if of != fold}
            assert names == (wanted if member.step == "classify" else set())
            assert not any(sample.shown for sample in job.validation)
    check_data(evidence)
    other = replace(mixed, without_masks=(replace(known[0], shown=(1, 2)), *known[1:]))
    assert fingerprint(other) != record.fingerprint == fingerprint(mixed)


def test_members_that_see_windows_or_cells_see_them_whole_and_cut_no_window_from_them(tmp_path: Path) -> None:
    data = severstal()
    known = tuple(replace(one, runs=(Runs.empty(),) * 4, shown=(0,)) for one in data.samples[:2])
    evidence = OutOfFoldPredictions.of(
        start_run(Run(tmp_path / "run"), replace(data, without_masks=known), load_recipe("lite"))
    )
    record = evidence.record
    outside = [one for one, fold in zip(record.without_masks, record.their_folds, strict=True) if fold != 0]
    for member in evidence.recipe.members:
        job = make_job(evidence, member, 0)
        assert not any(sample.shown for sample in job.training)
        assert list(job.whole.labelled) == (outside if member.step == "classify" else [])


def test_classes_alone_without_any_mask_are_refused(tmp_path: Path) -> None:
    data = severstal()
    clean = tuple(sample for sample in data.samples if not sample.is_defective)
    known = (replace(clean[0], image_id="reject.jpg", shown=(0,)),)
    with pytest.raises(UserError, match="no image has a mask of a defect, and 1 have a class alone"):
        start_run(Run(tmp_path / "run"), replace(data, samples=clean, without_masks=known), load_recipe("lite"))
