"""`progress.png` from logs as training writes them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from steelsight.core.errors import UserError
from steelsight.plots.training_curves import class_dice, draw_progress
from steelsight.run.job_log import read_log

SEGMENT = {
    "phase": "bce_dice",
    "learning_rate": 3e-3,
    "train_loss": 0.9,
    "valid_loss": 1.0,
    "seconds": 2.5,
    "train_dice_batch": 0.3,
    "valid_dice_batch": 0.25,
    "valid_dice_image": 0.2,
    "valid_dice_pair": 0.6,
    "train_dice_per_class": [0.1, 0.0, 0.5],
    "valid_dice_per_class": [0.2, None, 0.4],
}
CLASSIFY = {
    "phase": "bce",
    "learning_rate": 3e-3,
    "train_loss": 0.7,
    "valid_loss": 0.69,
    "train_accuracy": 0.5,
    "valid_accuracy": 0.6,
    "train_auc": 0.7,
    "valid_auc": 0.8,
}


def _log(path: Path, row: dict[str, object], epochs: int) -> Path:
    path.write_text("".join(json.dumps({"epoch": epoch, **row}) + "\n" for epoch in range(epochs)))
    return path


@pytest.mark.parametrize(("row", "panels"), [(SEGMENT, 4), (CLASSIFY, 4)])
def test_draws_a_panel_for_each_figure_that_is_followed(tmp_path: Path, row: dict[str, object], panels: int) -> None:
    out = tmp_path / "progress.png"
    draw_progress(_log(tmp_path / "log.jsonl", row, 3), out, title="member, fold 0")
    picture = cv2.imread(str(out))
    assert picture.shape[1] == 330 * panels
    assert picture.std() > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "progress.png"]


def test_a_half_written_last_line_is_left_out(tmp_path: Path) -> None:
    log = _log(tmp_path / "log.jsonl", SEGMENT, 2)
    log.write_text(log.read_text() + '{"epoch": 2, "tra')
    assert read_log(log).epochs == (0, 1)


def test_a_broken_line_inside_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"epoch": 0}\noops\n{"epoch": 1}\n')
    with pytest.raises(UserError, match="line 2"):
        read_log(log)


def test_a_missing_log_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        draw_progress(tmp_path / "log.jsonl", tmp_path / "progress.png", title="")


def test_phases_and_class_curves(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [{**SEGMENT, "epoch": epoch, "phase": phase} for epoch, phase in enumerate(["focal", "focal", "dice"])]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = read_log(log)
    assert job.phase_starts() == (2,)
    assert job.class_curves("train_dice_per_class") == ((0.1,) * 3, (0.0,) * 3, (0.5,) * 3)
    assert job.seconds == pytest.approx(7.5)
    assert job.last_of_classes("valid_dice_per_class") == (0.2, None, 0.4)
    assert read_log(_log(tmp_path / "classifier.jsonl", CLASSIFY, 2)).last_of_classes("valid_dice_per_class") == ()


def test_each_class_has_one_name_for_its_curves_on_the_fold_and_in_training(tmp_path: Path) -> None:
    log = _log(tmp_path / "log.jsonl", SEGMENT, 3)
    axes = Figure().subplots()
    class_dice(axes, read_log(log), ("dark", "bright", "rough"))
    drawn = {(line.get_linestyle(), tuple(np.asarray(line.get_ydata()).tolist())) for line in axes.get_lines()}
    assert drawn == {("-", (0.2,) * 3), ("-", (0.4,) * 3), (":", (0.1,) * 3), (":", (0.0,) * 3), (":", (0.5,) * 3)}
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["dark", "rough", "bright"]


def test_an_empty_log_still_gives_a_picture(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("")
    draw_progress(log, tmp_path / "progress.png", title="just begun")
    assert (tmp_path / "progress.png").stat().st_size > 1000
