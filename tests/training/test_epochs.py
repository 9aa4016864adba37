"""A job's epochs: log, kept weights, and a resume that ends in the same bits as a training that nobody killed."""

import json
import signal
import time
from pathlib import Path

import pytest
import torch
from helpers.data import run_cli, start_cli
from helpers.training_samples import few_images, member, sets, severstal
from lightning.fabric import Fabric
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from steelsight.core.errors import UserError
from steelsight.recipe import Member
from steelsight.run.run import JobFolder
from steelsight.training.checkpoint import Weights
from steelsight.training.epochs import Hooks, TrainingJob, fit, job_loader
from steelsight.training.job import new_network
from steelsight.training.kept_images import ImageCache, ReadFor

TINY = (
    "members.*.input={height: 32, width: 96, colour: grey}",
    "members.*.phases.1.epochs=3",
    "members.*.keep.last=2",
    "members.*.validate_every=1",
    "members.*.sampling.batch=4",
    "members.*.sampling.device_batch=4",
    "members.*.sampling.least_steps=2",
    "members.*.sampling.steps_factor=0.1",
    "members.segment-lite0.decoder_channels=[16,16,8,8,8]",
    "members.classify-lite0.weights=imagenet",
)
READ = ImageCache(read=ReadFor(grey=True))
QUIET = Hooks(lambda images: None, lambda line: None)


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    made = Fabric(accelerator="cpu", devices=1, precision="32-true")
    made.launch()
    return made


def train(of: Member, folder: Path, fabric: Fabric, hooks: Hooks = QUIET) -> tuple[Weights, list[dict]]:
    samples = severstal().samples
    folder.mkdir(parents=True, exist_ok=True)
    job = TrainingJob(of, 0, 0, severstal().classes, samples[10:], samples[:10], JobFolder(folder), READ)
    with job_loader(job, fabric.device, 0) as loader:
        weights = fit(job, new_network(job), fabric, loader, hooks)
    return weights, [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


class KilledError(Exception):
    """Stands for a kill at the end of an epoch, before its checkpoint."""


@pytest.mark.parametrize("name", ["classify-lite0", "segment-lite0"])
def test_a_resumed_job_ends_in_the_same_bits(name: str, tmp_path: Path, fabric: Fabric) -> None:
    of = member(name, *TINY)
    whole, log = train(of, tmp_path / "whole", fabric)

    def kill(line: dict) -> None:
        if line["epoch"] == 1:
            raise KilledError

    with pytest.raises(KilledError):
        train(of, tmp_path / "killed", fabric, Hooks(lambda images: None, kill))
    resumed, resumed_log = train(of, tmp_path / "killed", fabric)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    timing = ("seconds", "images_per_second")
    assert [{k: v for k, v in line.items() if k not in timing} for line in log] == [
        {k: v for k, v in line.items() if k not in timing} for line in resumed_log
    ]
    assert (tmp_path / "killed" / "progress.png").stat().st_size > 5000


def test_a_loss_that_is_no_number_is_told_of_the_epoch_as_a_person_counts(tmp_path: Path, fabric: Fabric) -> None:
    of = member("classify-lite0", *TINY)
    (phase,) = of.phases
    schedule = phase.schedule.model_copy(
        update=dict.fromkeys(("start", "maximum"), 1e30)
    )  # beyond what a recipe may say
    of = of.model_copy(update={"phases": (phase.model_copy(update={"schedule": schedule}),)})
    with pytest.raises(UserError, match=r"the loss is no longer a number in epoch 1; lower schedule\.maximum"):
        train(of, tmp_path / "job", fabric)


def test_a_checkpoint_between_phases_and_one_at_the_end_hold_what_is_needed(tmp_path: Path, fabric: Fabric) -> None:
    one = member("segment-lite0", *TINY, "members.*.phases.1.epochs=1", "members.*.keep.last=1")
    of = one.model_copy(update={"phases": one.phases * 2})
    whole, _ = train(of, tmp_path / "whole", fabric)

    def kill(line: dict) -> None:
        if line["epoch"] == 1:  # of the second phase
            raise KilledError

    with pytest.raises(KilledError):
        train(of, tmp_path / "killed", fabric, Hooks(lambda images: None, kill))
    for folder in ("killed", "whole"):
        resumed, log = train(of, tmp_path / folder, fabric)
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)
        assert [line["epoch"] for line in log] == [0, 1]
        assert [line["phase"] for line in log] == [0, 1]  # of two that are equal: a warm restart


def test_fields_that_only_a_training_shows(tmp_path: Path, fabric: Fabric) -> None:
    of = member("classify-lite0", *TINY)
    base, log = train(of, tmp_path / "base", fabric)
    assert all("valid_accuracy" in line for line in log)
    assert all(0 <= line["valid_auc"] <= 1 and line["train_loss"] > 0 for line in log)
    assert all(line["train_auc"] is None or 0 <= line["train_auc"] <= 1 for line in log)  # None where all are defective

    def changed(*overrides: str) -> tuple[Weights, list[dict]]:
        name = "-".join(overrides).replace("members.*.", "")
        return train(member("classify-lite0", *TINY, *overrides), tmp_path / name, fabric)

    def differ(other: Weights) -> bool:
        return any(not torch.equal(base[key], other[key]) for key in base)

    assert differ(changed("members.*.keep.last=1")[0])
    assert differ(changed("members.*.weights=random")[0])
    assert differ(changed("members.*.keep.weights=best")[0])
    assert ["valid_accuracy" in line for line in changed("members.*.validate_every=2")[1]] == [False, True, True]
    fewer = changed("members.*.sampling.defect_free_in_validation=false")[1]
    assert fewer[-1]["valid_loss"] != log[-1]["valid_loss"]


def test_the_average_is_the_mean_of_the_last_epochs_and_best_is_the_best(tmp_path: Path, fabric: Fabric) -> None:
    seen: list[Weights] = []
    of = member("segment-lite0", *TINY, "members.*.keep.last=3")
    averaged, _ = train(of, tmp_path / "three", fabric)
    for epochs in (1, 2, 3):
        phase = of.phases[0].model_copy(update={"epochs": epochs})
        keep = of.keep.model_copy(update={"last": 1})
        shorter = of.model_copy(update={"phases": (phase,), "keep": keep})
        seen.append(train(shorter, tmp_path / f"first-{epochs}", fabric)[0])
    for key, mean in averaged.items():
        if mean.is_floating_point():
            expected = torch.stack([weights[key] for weights in seen]).mean(0)
            assert torch.allclose(mean, expected, rtol=1e-4, atol=1e-6), key
    keep_best = of.keep.model_copy(update={"weights": "best"})
    best, log = train(of.model_copy(update={"keep": keep_best}), tmp_path / "best", fabric)
    scores = [line["valid_dice_image"] for line in log]
    chosen = seen[scores.index(max(scores))]
    assert all(torch.equal(best[key], chosen[key]) for key in best)


def test_where_nothing_can_be_validated_the_last_epoch_is_kept(tmp_path: Path, fabric: Fabric) -> None:
    samples = severstal().samples
    clean = [sample for sample in samples if not sample.is_defective][:4]
    kept = []
    for keep in ("{weights: best}", "{weights: average, last: 1}"):
        of = member("segment-lite0", *TINY, f"members.*.keep={keep}")
        folder = JobFolder(tmp_path / str(len(kept)))
        folder.path.mkdir()
        job = TrainingJob(of, 0, 0, severstal().classes, samples[:10], clean, folder, READ)
        with job_loader(job, fabric.device, 0) as loader:
            kept.append(fit(job, new_network(job), fabric, loader, QUIET))
    assert all(torch.equal(kept[0][key], kept[1][key]) for key in kept[0])


@pytest.mark.parametrize("first", [3e-4, 0.1])
def test_the_best_epoch_is_that_of_all_phases(first: float, tmp_path: Path, fabric: Fabric) -> None:
    """The second phase goes on from the last weights of the first, and either may hold the best epoch."""
    of = member("segment-lite0", *TINY, "members.*.keep={weights: best}", "members.*.phases.1.epochs=1")
    rates = (first, 3e-4 if first > 0.001 else 0.1)
    phases = [
        of.phases[0].model_copy(
            update={"schedule": of.phases[0].schedule.model_copy(update={"start": rate, "ramp": 1})}
        )
        for rate in rates
    ]
    best, log = train(of.model_copy(update={"phases": tuple(phases)}), tmp_path / "both", fabric)
    scores = [line["valid_dice_image"] for line in log]
    until = phases[: scores.index(max(scores)) + 1]
    last = of.keep.model_copy(update={"weights": "average", "last": 1})
    expected, _ = train(of.model_copy(update={"phases": tuple(until), "keep": last}), tmp_path / "until", fabric)
    assert all(torch.equal(best[key], expected[key]) for key in best)
    assert scores[0] != scores[1]


def test_the_batch_dice_of_the_validation_is_over_batches_of_their_own_size(tmp_path: Path, fabric: Fabric) -> None:
    logs = []
    for size in (4, 1):
        of = member("segment-lite0", *TINY, "members.*.phases.1.epochs=1", "members.*.keep.last=1")
        sampling = of.sampling.model_copy(update={"validation_batch": size})
        logs.append(train(of.model_copy(update={"sampling": sampling}), tmp_path / str(size), fabric)[1][0])
    assert logs[0]["train_loss"] == logs[1]["train_loss"]
    assert logs[0]["valid_dice_image"] == pytest.approx(logs[1]["valid_dice_image"], rel=1e-4)
    assert abs(logs[0]["valid_dice_batch"] - logs[1]["valid_dice_batch"]) > 1e-4
    assert logs[1]["valid_dice_batch"] == pytest.approx(logs[1]["valid_dice_image"], rel=1e-4)


@pytest.mark.slow
def test_kill_9_in_the_middle_of_an_epoch_then_resume(tmp_path: Path) -> None:
    """The real verb, a real kill, and the same bits as an undisturbed run."""
    long = sets(*TINY, "folds=2", "members.*.sampling.least_steps=6")
    command = ["train", few_images(tmp_path / "data"), "--recipe", "lite", *long]
    command += ["--only", "segment-lite0:0", "--device", "cpu", "--workers", "0"]
    assert run_cli(*command, "--out", tmp_path / "whole").returncode == 0
    victim = start_cli(*command, "--out", tmp_path / "killed")
    checkpoint = tmp_path / "killed/jobs/segment-lite0/fold0/checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not (tmp_path / "killed/jobs/segment-lite0/fold0/done.json").exists()
    assert run_cli(*command, "--out", tmp_path / "killed", "--resume").returncode == 0
    name = "jobs/segment-lite0/fold0/weights.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
    log = (tmp_path / "killed/jobs/segment-lite0/fold0/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [0, 1, 2]


def test_tensorboard_is_written_when_asked(tmp_path: Path, fabric: Fabric) -> None:
    asked = Hooks(lambda images: None, lambda line: None, tensorboard=True)
    _, log = train(member("segment-lite0", *TINY), tmp_path / "job", fabric, asked)
    written = EventAccumulator(str(tmp_path / "job/tensorboard"))
    written.Reload()
    assert set(written.Tags()["scalars"]) >= {"train_loss", "valid_dice_pair", "valid_dice_per_class/3"}
    third = [line["valid_dice_per_class"][2] for line in log]
    assert [event.value for event in written.Scalars("valid_dice_per_class/3")] == pytest.approx(third)
