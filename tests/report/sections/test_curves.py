"""The precision-recall curves: a class that no image shows has no average precision."""

import numpy as np
import pytest
from helpers.counted import counts
from markupsafe import Markup
from matplotlib.figure import Figure

from steelsight.report.sections import curves


def test_a_class_without_an_image_has_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure, _: str) -> Markup:
        drawn.append(figure)
        return Markup()

    monkeypatch.setattr(curves, "svg", keep)
    histograms = np.zeros((1, 2, 2, 256), np.uint32)
    histograms[0, :, 0, 3], histograms[0, 0, 1, 200] = 90, 10
    view = curves.curves_view(histograms, counts([[10, 0]], [[10, 0]], [[10, 0]]), ("a", "b"))
    assert np.isnan(view.average_precision[1])
    assert [axes.get_title(loc="left") for axes in drawn[0].axes][:2] == ["a: AP 1.000", "b: AP –"]
