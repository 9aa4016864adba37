"""`steelsight export --distil` as a user types it: one network a step that answers as all folds do, and claims nothing."""

import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli, start_cli
from helpers.small_run import small_run

from steelsight.api.trained_run import TrainedRun
from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.dataset.read import read_dataset
from steelsight.export.distil.compare import FreshImages
from steelsight.export.distil.distil import fresh_later
from steelsight.export.distil.student import SUFFIX, student_of
from steelsight.export.plan import make_plan
from steelsight.imaging.read import read_image
from steelsight.inspector.artifact import read_card
from steelsight.inspector.distilled import DistillingLoss
from steelsight.inspector.inspector import Inspector
from steelsight.networks.torch_engine import load_engine
from steelsight.recipe import Member
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.strips import make_strips
from steelsight.training.distil.answers import Answers

UNLABELLED = str(SAMPLE / "test_images/fresh0[0-3].jpg")
FEW = str(SAMPLE / "test_images/fresh1*.jpg")
"""Two images on which an export is compared with torch."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small run, whose recipe takes few steps; not to be changed."""
    folder = tmp_path_factory.mktemp("distil") / "run"
    shutil.copytree(small_run(tmp_path_factory), folder)
    made = Run(folder)
    write_run_recipe(folder, made.recipe.model_copy(update={"members": tuple(map(_quick, made.recipe.members))}))
    return Run(folder)


def _quick(member: Member) -> Member:
    phases = (member.phases[0].model_copy(update={"epochs": 2}),)
    sampling = member.sampling.model_copy(update={"batch": 4, "device_batch": 4, "least_steps": 2, "steps_factor": 0.1})
    keep = member.keep.model_copy(update={"last": 1})
    return member.model_copy(update={"phases": phases, "sampling": sampling, "keep": keep, "validate_every": 2})


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "strips"
    make_strips(folder, 6, seed=4242, strips_per_coil=1, defective=0.6)
    return folder


@pytest.fixture(scope="module")
def distilled(run: Run, fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """With images that have no labels, made-up strips, and images to compare on."""
    out = tmp_path_factory.mktemp("distilled") / "inspector"
    done = run_cli(
        "export", run.path, "--out", out, "--distil", "--unlabelled", UNLABELLED, "--made-up", "3",
        "--compare", fresh, "--images", FEW, "--json", timeout=2400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_one_network_a_step_that_says_who_taught_it_and_claims_nothing(run: Run, distilled: tuple[Path, dict]) -> None:
    out, said = distilled
    card = read_card(out)
    assert [(one.member, one.step) for one in card.networks] == [
        (f"classify{SUFFIX}", "classify"),
        (f"segment-unet{SUFFIX}", "segment"),
    ]
    assert card.schema_version == 7
    assert (card.policy, card.provenance.evidence, card.provenance.out_of_fold) == (None, "distilled", None)
    assert card.rule == read_decision(run).rule
    about = card.provenance.distilled
    assert about is not None
    assert (about.teachers, about.training, about.unlabelled, about.made_up) == (4, 11, 4, 3)
    assert said["distilled"] == about.model_dump(mode="json")
    assert said["next"] == f"steelsight decide {out} --calibrate DATA"
    loss = about.loss
    assert loss is not None
    assert (loss.images, loss.images_of) == (6, "the labelled images of strips")
    assert loss.lost == pytest.approx(loss.teachers - loss.distilled)
    text = (out / "README.md").read_text("utf-8")
    flat = " ".join(text.split())
    assert "has no evidence of its own" in flat
    assert "Dice lost against the ensemble: " in flat
    assert "on 6 images that neither learned from" in flat
    assert "out of fold" not in flat
    nested = read_decision(run).nested.figures.dice
    assert f"{nested:.4f}" not in text
    assert "steelsight decide THIS_FOLDER --calibrate DATA" in flat


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_loss_is_that_of_the_exported_masks(
    run: Run, fresh: Path, distilled: tuple[Path, dict], tmp_path: Path
) -> None:
    """Both inspectors on the same images by the verbs, scored by `score`."""
    out, said = distilled
    teachers = tmp_path / "teachers"
    assert run_cli("export", run.path, "--out", teachers, "--images", FEW, timeout=1200).returncode == 0
    dice = {}
    for name, inspector in (("teachers", teachers), ("distilled", out)):
        results = tmp_path / f"{name}-results"
        assert run_cli("inspect", inspector, fresh / "train_images", "--out", results).returncode == 0
        scored = run_cli(
            "score",
            fresh / "train.csv",
            results / "submission.csv",
            "--images",
            fresh / "train_images",
            "--classes",
            "1,2,3,4",
            "--json",
        )
        assert scored.returncode == 0, scored.stderr
        dice[name] = json.loads(scored.stdout)["dice"]
    loss = said["distilled"]["loss"]
    assert dice == pytest.approx({"teachers": loss["teachers"], "distilled": loss["distilled"]}, abs=2e-3)


def test_its_answers_are_what_the_ensemble_says_as_it_is_deployed(run: Run, distilled: tuple[Path, dict]) -> None:
    (folder,) = (run.path / "distilled").iterdir()
    answers = Answers(folder / "answers")
    decision = read_decision(run)
    engine = load_engine(run, run.recipe, decision.classes, *decision.jobs_of((0, 1)), device="cpu")
    everything = decision.rule.model_copy(update={"gate": 0.0})
    samples = run.record.samples[:3]
    sources = find_sources([str(one.path) for one in samples])
    for number, judged in enumerate(judge(sources, engine, everything, keep_maps=True)):
        answer = answers.read(number)
        assert answer.p_defect == pytest.approx(judged.p_defect, abs=1e-6)
        assert judged.maps is not None
        assert np.abs(answer.maps.astype(int) - judged.maps).max() <= 1


def test_it_learns_towards_the_ensemble(run: Run, distilled: tuple[Path, dict]) -> None:
    """Its weights are no longer those that it started from, and its log is there."""
    (folder,) = (run.path / "distilled").iterdir()
    log = (folder / "students" / f"segment-unet{SUFFIX}" / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["train_loss"] for line in log]
    assert len(losses) == 2
    assert all(np.isfinite(losses))


def test_a_program_distils_as_the_verb_does(
    run: Run, fresh: Path, distilled: tuple[Path, dict], tmp_path: Path
) -> None:
    """What the verb has taught is there, and is used again."""
    made = TrainedRun.open(run.path).distil(
        tmp_path / "out", unlabelled=[UNLABELLED], made_up=3, compare=fresh, images=[FEW]
    )
    assert made.card.provenance.distilled == read_card(distilled[0]).provenance.distilled
    for network in made.card.networks:
        assert (made.folder / network.file).read_bytes() == (distilled[0] / network.file).read_bytes()


def test_calibration_is_its_evidence_and_refuses_what_it_learned_from(
    distilled: tuple[Path, dict], fresh: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(distilled[0], tmp_path / "inspector"))
    wide = ("--max-escape", "0.9", "--max-overkill", "0.9", "--confidence", "0.6")
    calibrated = run_cli("decide", out, "--calibrate", fresh, *wide)
    assert calibrated.returncode == 0, calibrated.stderr
    card = read_card(out)
    assert card.policy is not None
    assert (card.policy.evidence, card.schema_version) == ("calibrated", 8 if card.policy.outcome.flagged else 7)
    assert card.provenance.distilled is not None
    text = " ".join((out / "README.md").read_text("utf-8").split())
    assert "Its evidence is the images that it was calibrated on" in text
    assert "has no evidence of its own" not in text
    verdicts = [judged.verdict for judged in Inspector.open(out).stream(find_sources([str(fresh / "train_images")]))]
    assert all(verdict is not None for verdict in verdicts)


def test_images_without_labels_are_learned_from_and_so_no_fresh_ones(
    run: Run, distilled: tuple[Path, dict], tmp_path: Path
) -> None:
    labelled = tmp_path / "labelled"
    shutil.copytree(SAMPLE / "test_images", labelled / "train_images")
    (labelled / "train.csv").write_text("ImageId,ClassId,EncodedPixels\nfresh00.jpg,1,1 4\n")
    refused = run_cli("decide", distilled[0], "--calibrate", labelled)
    assert (refused.returncode, "trained on this file" in refused.stderr) == (2, True), refused.stderr
    compared = run_cli(
        "export", run.path, "--out", tmp_path / "out", "--distil", "--unlabelled", UNLABELLED, "--made-up", "3",
        "--compare", labelled,
    )  # fmt: skip
    assert compared.returncode == 2
    assert "trained on this file" in compared.stderr
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_read_is_not_learned_from_and_no_hindrance(run: Run, tmp_path: Path) -> None:
    labelled, archive = tmp_path / "labelled", tmp_path / "archive"
    copied = Path(shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns("distilled")))
    shutil.copytree(SAMPLE / "test_images", labelled / "train_images")
    (labelled / "train.csv").write_text("ImageId,ClassId,EncodedPixels\nfresh00.jpg,1,1 4\n")
    archive.mkdir()
    shutil.copy(SAMPLE / "test_images/fresh00.jpg", archive / "copy.jpg")
    (archive / "gone.jpg").symlink_to("nowhere.jpg")
    (archive / "text.jpg").write_text("no image")
    done = run_cli(
        "export", copied, "--out", tmp_path / "out", "--distil", "--unlabelled", archive, "--compare", labelled
    )
    assert done.returncode == 2
    assert "fresh00.jpg: the inspector's networks were trained on this file; 1 of the given images" in done.stderr
    (labelled / "train.csv").write_text("ImageId,ClassId,EncodedPixels\nfresh00.jpg,9,1 4\n")
    done = run_cli("export", copied, "--out", tmp_path / "out", "--distil", "--compare", labelled)
    assert done.returncode == 2
    assert "class '9' is not one of the run's" in done.stderr
    assert not (copied / "distilled").exists()  # what is refused begins nothing


def test_networks_that_find_nothing_have_nothing_to_lose() -> None:
    loss = DistillingLoss(
        images_of="made-up strips", images=6, groups=6, teachers=0.9, distilled=0.9, lost=0.0, low=None, high=None,
        teachers_defective=0.0, distilled_defective=0.0, teachers_false_alarms=0.0, distilled_false_alarms=0.0,
    )  # fmt: skip
    assert "+0.0000 (0.9000 before, 0.9000 now); neither finds a pixel of a defect" in loss.sentence
    for found in ("teachers_defective", "distilled_defective", "teachers_false_alarms", "distilled_false_alarms"):
        assert "neither finds" not in loss.model_copy(update={found: 0.4}).sentence
    without = loss.model_copy(update=dict.fromkeys(("teachers_defective", "distilled_defective")))
    assert "neither finds" not in without.sentence


def test_later_images_that_lie_among_those_without_labels_are_not_compared_on(run: Run, tmp_path: Path) -> None:
    later = read_dataset(SAMPLE, decode=False).samples[-4:]
    plan = make_plan(run, "all", "fp32", 0.002, [FEW], lambda what, done, of: None)
    plan = replace(plan, record=replace(plan.record, later=later, later_groups=np.arange(4)))
    others = find_sources([UNLABELLED])
    for unlabelled in ((), others):
        fresh = fresh_later(plan, unlabelled)
        assert isinstance(fresh, FreshImages)
        assert (fresh.samples, fresh.groups.tolist()) == (later, [0, 1, 2, 3])
    (tmp_path / "archive").mkdir()
    cv2.imwrite(str(tmp_path / "archive" / "new.png"), read_image(later[2].path))
    said = fresh_later(plan, (*others, *find_sources([str(tmp_path / "archive")])))
    assert isinstance(said, str)
    assert said.startswith("the run's later images are among those without labels (")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ctrl_c_then_resume_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    shutil.rmtree(copied / "distilled", ignore_errors=True)
    command = ("export", copied, "--out", tmp_path / "inspector", "--images", FEW, "--distil")
    first = start_cli(*command)
    job = f"jobs/segment-unet{SUFFIX}/checkpoint.pt"
    deadline = time.monotonic() + 600
    while not list(copied.glob(f"distilled/*/students/*{SUFFIX}/log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 130, errors
    assert f"this goes on: steelsight export {copied} --out {tmp_path / 'inspector'} --images" in errors
    assert errors.rstrip().endswith("--distil --resume")
    assert not (tmp_path / "inspector").exists()
    refused = run_cli(*command)
    assert (refused.returncode, "go on with it by --resume" in refused.stderr) == (2, True), refused.stderr
    resumed = run_cli(*command, "--resume", "--json", timeout=2400)
    assert resumed.returncode == 0, resumed.stderr
    about = json.loads(resumed.stdout)["distilled"]
    assert about["loss"] is None
    assert "no labelled images were given" in about["not_measured"]
    (folder,) = (copied / "distilled").iterdir()
    assert not (folder / job).exists()
    again = run_cli(*command, "--json")  # what is done is not done again, and needs no --resume
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["distilled"]["seconds"] == about["seconds"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--unlabelled", "."], "--unlabelled: belongs to --distil"),
        (["--made-up", "3"], "--made-up: belongs to --distil"),
        (["--compare", "."], "--compare: belongs to --distil"),
        (["--resume"], "--resume: belongs to --distil"),
        (["--distil", "--precision", "int8"], "--precision int8: distilled networks are written in fp32"),
        (["--distil", "--folds", "0"], "one network a step is no ensemble"),
        (["--distil", "--unlabelled", "nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_nothing(run: Run, options: list[str], says: str, tmp_path: Path) -> None:
    done = run_cli("export", run.path, "--out", tmp_path / "out", *options)
    assert done.returncode == 2, done.stderr
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_student_learns_by_cross_entropy_and_a_classifier_sees_whole_images(run: Run) -> None:
    for member in run.recipe.members:
        student = student_of(member)
        assert all(
            (phase.loss.cross_entropy, phase.loss.dice, phase.loss.focal) == (1, 0, 0) for phase in student.phases
        )
        assert student.keep.weights == "average"
        assert student.sampling.batch % student.sampling.device_batch == 0
        assert (student.training_preprocess == student.preprocess) or student.step == "segment"
