"""What Python says of random masks, maps and rules, for the page's own tests (tests/station/page/js) to say the same.

They are in a file of the repository, so that node alone runs those tests; `PYTHONPATH=src:tests python -m helpers.page_cases`
writes it anew.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.masks import large_regions, least_area
from steelsight.imaging.regions import RegionRuns
from steelsight.imaging.rle import decode_runs, encode_mask, format_runs
from steelsight.rule.rule import Rule, masks

FILE = Path(__file__).parents[1] / "station/page/js/python_says.json"
_STOPS = 9  # of the page's colour scale


def page_cases() -> dict[str, Any]:
    """The cases, the same at every call."""
    random = np.random.default_rng(0)
    drawn = [random.random(shape) < share for shape in ((1, 1), (5, 9), (12, 7)) for share in (0.0, 0.1, 0.5, 0.9, 1.0)]
    return {
        "masks": [_mask_case(mask) for mask in drawn],
        "rules": [_rule_case(random) for _ in range(60)],
        "regions": [_region_case(random, share) for share in (0.2, 0.3, 0.35, 0.4)],
        "inferno": [
            [round(255 * part) for part in mpl.colormaps["inferno"](stop / (_STOPS - 1))[:3]] for stop in range(_STOPS)
        ],
    }


def as_text() -> str:
    """The file: a line a case."""
    kinds = [
        f'"{kind}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"
        for kind, cases in page_cases().items()
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def _mask_case(mask: NDArray[np.bool_]) -> dict[str, Any]:
    height, width = mask.shape
    return {"height": height, "width": width, "pixels": _text(mask), "runs": format_runs(encode_mask(mask))}


def _rule_case(random: np.random.Generator) -> dict[str, Any]:
    """Few values, so that many are a threshold; minimum areas about what the map has, so that half of the masks are kept."""
    map_ = random.integers(100, 110, (4, 6)).astype(np.uint8)
    lower, upper = sorted(random.integers(100, 110, 2).tolist())
    softness = float(random.choice([1.0, 2.0, 3.7, 5.0]))
    p_defect, gate = random.choice([0.0, 0.3, 0.5, 0.51, 0.7, 1.0]), random.choice([0.0, 0.3, 0.5])
    scale = 1 + (softness - 1) * (1 - p_defect)
    least = max(1, int((map_ > upper).sum() / scale) + int(random.integers(-1, 2)))
    rule = Rule(gate=gate, softness=softness, upper=(upper,), lower=(lower,), min_area=(least,))
    return {
        "rule": rule.model_dump(mode="json"),
        "p_defect": float(p_defect),
        "map": map_.ravel().tolist(),
        "mask": _text(masks(rule, float(p_defect), map_[None])[0]),
    }


def _region_case(random: np.random.Generator, share: float) -> dict[str, Any]:
    mask = random.random((40, 160)) < share  # large enough for both limits on what is suspected
    min_area = int(random.integers(1, 30))
    kept = large_regions(RegionRuns.of_mask(mask), least_area(min_area, mask.shape)).runs()
    return _mask_case(mask) | {"min_area": min_area, "kept": _text(decode_runs(kept, mask.shape))}


def _text(mask: NDArray[np.bool_]) -> str:
    """Row by row, "1" where it is set."""
    return "".join("1" if pixel else "0" for pixel in mask.ravel())


if __name__ == "__main__":
    FILE.write_text(as_text())
