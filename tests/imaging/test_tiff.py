"""What a TIFF says of itself is heard: white, alpha, pages."""

import numpy as np
import pytest
from helpers.decoded import GREY, GREY_16, read
from helpers.pictures import tiff


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_white_is_zero_it_is_turned_round_in_any_depth(dtype: type) -> None:
    grey = GREY if dtype == np.uint8 else GREY_16
    np.testing.assert_array_equal(read(tiff(np.iinfo(dtype).max - grey, photometric=0)), grey)
