"""The calibration's section: it says what was kept, draws it, and holds back where there is nothing to say."""

import numpy as np
import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from steelsight.report import page
from steelsight.report.sections.calibration import CalibrationView, calibration_view
from steelsight.verdicts.calibration import PARTS

Evidence = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]


def simulated(images: int, sharpness: float) -> Evidence:
    rng = np.random.default_rng(0)
    logit = 2 * rng.normal(rng.choice([-1, 1], images), 1)
    defective = rng.random(images) < 1 / (1 + np.exp(-logit))
    return 1 / (1 + np.exp(-sharpness * logit)), defective, np.arange(images) % 3, np.arange(images)


def text_of(view: CalibrationView) -> str:
    environment = Environment(
        loader=PackageLoader("steelsight.report", "templates"), autoescape=True, undefined=StrictUndefined
    )
    for name in ("figure", "percent", "interval", "thousands"):
        environment.filters[name] = getattr(page, name)
    return environment.get_template("calibration.html.j2").render(calibration=view)


@pytest.mark.parametrize("images", [300, 1200])
def test_before_and_after_are_told_and_drawn(images: int) -> None:
    view = calibration_view(*simulated(images, sharpness=3))
    assert view is not None
    assert [(row.name, row.kept) for row in view.rows] == [
        ("as it is", False),
        ("temperature", True),
        ("isotonic", False),
    ]
    text = text_of(view)
    assert f"judged on {images:,} images" in text
    assert "P(defect) is calibrated by temperature" in text
    assert "temperature (kept)" in text
    assert f"{view.rows[1].judged.log_loss:.4f}" in text
    assert "Orange: before. Blue: after" in text
    assert 'aria-label="Reliability curve of P(defect)"' in text


def test_fresh_images_have_no_folds_and_are_dealt_into_parts() -> None:
    p, defective, folds, groups = simulated(300, sharpness=3)
    of_folds, dealt = calibration_view(p, defective, folds, groups), calibration_view(p, defective, folds * 0, groups)
    assert of_folds is not None
    assert dealt is not None
    said = " ".join(text_of(dealt).split())
    assert "dealt into five parts, each way fitted without the part that it is judged on" in said
    assert "fitted without its part" in said
    assert "fold" not in said
    assert "each fitted without the fold that it is judged on" in " ".join(text_of(of_folds).split())
    assert PARTS == 5


def test_where_nothing_is_kept_there_is_no_after() -> None:
    view = calibration_view(*simulated(200, sharpness=1))
    assert view is not None
    assert not view.changed
    text = text_of(view)
    assert "as it is (kept)" in text
    assert "Orange" not in text


def test_too_few_images_are_shown_as_they_are_with_the_reason() -> None:
    view = calibration_view(*simulated(16, sharpness=1))
    assert view is not None
    assert len(view.rows) == 1
    text = text_of(view)
    assert "too few" in text
    assert "Three ways" not in text


def test_one_kind_of_image_or_one_probability_says_nothing() -> None:
    p, defective, folds, groups = simulated(50, sharpness=1)
    assert calibration_view(p, np.ones(50, bool), folds, groups) is None
    assert calibration_view(np.ones(50), defective, folds, groups) is None
