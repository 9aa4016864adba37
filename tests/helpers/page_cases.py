"""What Python says of random masks, maps and rules, for the page's own tests (tests/station/page/js) to say the same.

They are in a file of the repository, so that node alone runs those tests; `PYTHONPATH=src:tests python -m helpers.page_cases`
writes it anew.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from helpers.engines import BrightPixels, Engine
from numpy.typing import NDArray

from steelsight.cascade.masks import CombinedMaps
from steelsight.cascade.suspect import suspect
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import encode_mask, format_runs
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
        "suspected": [_suspected_case(random, kind) for kind in _SUSPECTED for _ in range(5)],
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


_WAY = Preprocess(height=64, width=64)  # large enough for both limits on what is suspected
_SUSPECTED = ("many", "few", "marked", "weak", "equal", "nothing")


def _suspected_case(random: np.random.Generator, kind: str) -> dict[str, Any]:
    """Maps of three classes in few steps, so that sums and peaks of regions are often equal; whole numbers alone, which
    are the same on every machine."""
    size, classes = (_WAY.height, _WAY.width), 3
    sigma = 1.5 if kind in ("many", "equal") else 4
    blurred = [cv2.GaussianBlur(random.integers(0, 256, size, np.uint8), (0, 0), sigma) for _ in range(classes)]
    steps = np.stack([(one.astype(int) - one.min()) * 8 // (int(one.max()) + 1 - one.min()) for one in blurred])
    top = {"nothing": random.integers(0, 3), "weak": random.integers(3, 60)}.get(kind, random.integers(100, 256))
    weaker = random.choice([1, 3, 3], (classes, 1, 1))
    if kind == "equal":
        maps = np.where(steps > 5, top, 0).astype(np.uint8)
    else:
        maps = (np.maximum(steps - 4, 0) * top * weaker // 9).astype(np.uint8)
    lower = random.integers(60, 100, classes) if kind == "weak" else random.integers(3, 60, classes)
    is_above = (maps > lower[:, None, None]).any(axis=(1, 2))
    found = is_above & (random.random(classes) < 0.6) if kind == "marked" else np.zeros(classes, bool)
    rule = Rule(
        gate=0,
        upper=(255,) * classes,
        lower=tuple(lower.tolist()),
        min_area=tuple(random.integers(1, 40, classes).tolist()),
    )
    engine = Engine((), (BrightPixels(_WAY),), ("a", "b", "c"))
    runs = [encode_mask((map_ > level) & of) for map_, level, of in zip(maps, lower, found, strict=True)]
    place = suspect(CombinedMaps(np.zeros(size, np.uint8), [maps], engine), runs, rule)
    return {
        "height": size[0],
        "width": size[1],
        "maps": [_in_runs(map_) for map_ in maps],
        "rule": rule.model_dump(mode="json"),
        "found": found.tolist(),
        "suspected": [format_runs(of_class) for of_class in place.runs],
        "is_faint": place.is_faint,
    }


def _in_runs(map_: NDArray[np.uint8]) -> list[int]:
    """Row by row, a level and how many pixels have it, and so on."""
    flat = map_.ravel()
    starts = np.flatnonzero(np.diff(flat.astype(np.int16), prepend=-1))
    return np.stack([flat[starts], np.diff(starts, append=flat.size)], axis=1).ravel().tolist()


def _text(mask: NDArray[np.bool_]) -> str:
    """Row by row, "1" where it is set."""
    return "".join("1" if pixel else "0" for pixel in mask.ravel())


if __name__ == "__main__":
    FILE.write_text(as_text())
