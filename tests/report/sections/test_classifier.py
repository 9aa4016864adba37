"""Three answers at each operating point, and every image counted once."""

import numpy as np

from steelsight.metrics.classification import OPERATING_POINTS
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
