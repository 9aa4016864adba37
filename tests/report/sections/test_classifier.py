"""Three answers at each operating point, and every image counted once."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from steelsight.metrics.classification import OPERATING_POINTS
from steelsight.report.sections import classifier
from steelsight.report.sections.classifier import classifier_view


def test_each_matrix_holds_every_image_once() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.4
    p_defect = np.clip(truth * 0.4 + rng.random(200) * 0.6, 0, 1)
    view = classifier_view(p_defect, truth, np.arange(200), [0.55])
    assert [(point.lower, point.upper) for point in view.points] == list(OPERATING_POINTS)
    for point in view.points:
        assert sum(point.defective) == truth.sum()
        assert sum(point.clean) == (~truth).sum()
        assert point.defective[1] + point.clean[1] == point.confusion.inconclusive
    assert view.auc_interval[0] <= view.auc <= view.auc_interval[1]


def test_more_gates_than_one_are_said_to_be_of_the_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(classifier, "svg", lambda figure, _: figures.append(figure))
    truth = np.arange(40) < 20
    for gates, named in (([0.5, 0.5], "gate"), ([0.4, 0.5], "gates, of the nested rule of each fold")):
        classifier_view(np.linspace(1, 0, 40), truth, np.arange(40), gates)
        legend = figures[-1].axes[0].get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()].count(named) == 1
