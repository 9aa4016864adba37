"""Labels of a strip: exact ones are the drawn pixels, loose ones surround them as an annotator would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelsight.imaging.rle import decode_runs
from steelsight.strips.labels import DOUBTFUL, HALF, OVERLOOKED, exact, loose


@given(arrays(np.uint8, (6, 9), elements=st.integers(0, 4)))
def test_exact_labels_are_the_pixels(truth: np.ndarray) -> None:
    for number, runs in enumerate(exact(truth), start=1):
        np.testing.assert_array_equal(decode_runs(runs, (6, 9)), truth == number)


def test_loose_ones_are_wider_sometimes_missing_and_the_same_again() -> None:
    truth = np.zeros((256, 400), np.uint8)
    truth[100:140, 150:220] = 3
    drawn = truth == 3
    seen, missing, part, elsewhere, draws = [], 0, 0, 0, 400
    for index in range(draws):
        masks = [decode_runs(runs, (256, 400)) for runs in loose(7, index, truth)]
        assert not masks[0].any()
        assert not masks[1].any()
        assert not masks[3].any()
        covered = (masks[2] & drawn).sum() / drawn.sum()
        missing += covered == 0
        part += 0 < covered < 0.8
        elsewhere += (masks[2] & ~drawn).sum() > 0 and covered == 0
        seen.append(masks[2].sum() / drawn.sum())
    assert missing / draws == pytest.approx(OVERLOOKED, abs=0.04)
    assert part / draws == pytest.approx(HALF, abs=0.04)
    assert elsewhere <= missing
    assert elsewhere / draws < 4 * DOUBTFUL
    assert 1 < np.median(seen) < 1.8
    one, again = (loose(7, 3, truth)[2] for _ in range(2))
    assert (one.starts.tolist(), one.lengths.tolist()) == (again.starts.tolist(), again.lengths.tolist())
