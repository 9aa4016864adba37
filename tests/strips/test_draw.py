"""One strip from (seed, index): the same whatever else is drawn, its truth the drawn pixels, its statistics those stated."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import cv2
import numpy as np
import pytest
from helpers.data import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.strips import Strip, draw_strip
from steelsight.strips.coil import coil_of
from steelsight.strips.draw import planned
from steelsight.strips.twins import SHARE, source_of

SMALL = (64, 400)
COMPETITION = 6666 / 12568
"""The share of defective images in its training set."""

DIGESTS = {
    (1, 1): "199514154a93d1c7",
    (1, 2): "a60d91c6bc5e1707",
}
"""Of 8 strips of a seed and line: the same on every processor."""


def same(a: Strip, b: Strip) -> bool:
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.truth, b.truth)
        and (a.coil, a.twin_of)
        == (
            b.coil,
            b.twin_of,
        )
    )


def test_order_threads_and_count_change_nothing() -> None:
    forwards = [draw_strip(3, index, size=SMALL) for index in range(16)]
    backwards = [draw_strip(3, index, size=SMALL) for index in reversed(range(16))][::-1]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda index: draw_strip(3, index, size=SMALL), range(16)))
    alone = draw_strip(3, 15, size=SMALL)
    assert all(same(*pair) for pair in zip(forwards, backwards, strict=True))
    assert all(same(*pair) for pair in zip(forwards, beside, strict=True))
    assert same(alone, forwards[15])


@pytest.mark.parametrize(("seed", "line"), DIGESTS)
def test_pixels_are_those_of_every_other_machine(seed: int, line: int) -> None:
    digest = hashlib.sha256()
    for index in range(8):
        strip = draw_strip(seed, index, size=(128, 800), strips_per_coil=1, line=line)
        digest.update(strip.image.tobytes() + strip.truth.tobytes())
    assert digest.hexdigest()[:16] == DIGESTS[seed, line]


def test_a_processor_without_newer_instructions_draws_the_same() -> None:
    """OpenCV and numpy are told to do without whatever they would choose for this processor."""
    modest = {
        "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,AVX,FP16,FMA3,SSE4_2",
        "OPENCV_IPP": "disabled",
        "NPY_DISABLE_CPU_FEATURES": ",".join(numpy_dispatches()),
        "PYTHONPATH": str(ROOT / "src"),
    }
    program = (
        "import hashlib\nfrom steelsight.strips import draw_strip\ndigest = hashlib.sha256()\nfor index in range(8):\n"
        "    strip = draw_strip(1, index, size=(128, 800), strips_per_coil=1)\n"
        "    digest.update(strip.image.tobytes() + strip.truth.tobytes())\nprint(digest.hexdigest()[:16])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | modest,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert done.stdout.strip() == DIGESTS[1, 1]


def numpy_dispatches() -> list[str]:
    """The instructions that numpy chooses at run time and this processor has."""
    config = np.show_config(mode="dicts")
    return list(config["SIMD Extensions"].get("found", []))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**63 - 1),
    index=st.integers(0, 10**6),
    size=st.tuples(st.integers(32, 128), st.integers(32, 256)),
    difficulty=st.floats(0, 1),
    line=st.sampled_from((1, 2)),
)
def test_any_size_and_seed_gives_a_strip_with_its_defects(
    seed: int, index: int, size: tuple[int, int], difficulty: float, line: int
) -> None:
    strip = draw_strip(seed, index, size=size, defective=1, difficulty=difficulty, line=line)
    assert (strip.image.shape, strip.image.dtype, strip.truth.shape) == (size, np.uint8, size)
    if strip.twin_of is None:  # a twin may have been shifted away from a defect at the edge
        assert set(np.unique(strip.truth)) - {0} == set(coil_of(seed, strip.coil, 1).trouble)


def test_truth_is_the_drawn_pixels() -> None:
    drawn = 0
    for index in range(24):
        strip = draw_strip(11, index, size=(128, 800), defective=1, strips_per_coil=1, difficulty=0)
        good = draw_strip(11, index, size=(128, 800), defective=1, strips_per_coil=1, difficulty=0, with_defects=False)
        harmed = strip.truth > 0
        changed = strip.image != good.image
        assert not changed[~harmed].any()
        assert not good.truth.any()
        if harmed.sum() > 50:
            drawn += 1
            assert changed[harmed].mean() > 0.25
    assert drawn >= 20


def test_the_floor_of_a_large_set_is_the_competitions() -> None:
    """The Dice of an empty answer: the share of (image, class) pairs without a defect."""
    coils = {number: coil_of(5, number, COMPETITION) for number in range(3142)}
    classes = [planned(5, source_of(5, index), coils[source_of(5, index) // 4]) for index in range(12568)]
    assert 1 - sum(map(len, classes)) / (4 * len(classes)) == pytest.approx(0.859, abs=0.006)
    assert np.mean([bool(shown) for shown in classes]) == pytest.approx(COMPETITION, abs=0.02)
    shares = [np.mean([number in shown for shown in classes if shown]) for number in (1, 2, 3, 4)]
    assert shares == pytest.approx([897 / 6666, 247 / 6666, 5150 / 6666, 801 / 6666], abs=0.03)


@pytest.mark.parametrize("defective", [0.0, 0.2, 1.0])
def test_the_share_of_defective_strips_is_the_one_asked_for(defective: float) -> None:
    strips = [draw_strip(2, index, size=(32, 64), defective=defective, strips_per_coil=2) for index in range(400)]
    assert np.mean([strip.truth.any() for strip in strips]) == pytest.approx(
        defective, abs=0.07 if defective == 0.2 else 0.02
    )


def test_a_coil_has_one_trouble_and_one_texture() -> None:
    strips = [draw_strip(4, index, size=SMALL, defective=0.7) for index in range(60)]
    for number in {strip.coil for strip in strips}:
        shown = {tuple(np.unique(strip.truth)) for strip in strips if strip.coil == number and strip.truth.any()}
        assert len(shown) <= 1
        assert coil_of(4, number, 0.7) == coil_of(4, number, 0.7)
    assert len({coil_of(4, number, 0.7).texture for number in range(15)}) == 15


def test_what_occurs_on_defective_strip_occurs_on_good_strip_too() -> None:
    strips = [draw_strip(6, index, size=(32, 96), strips_per_coil=1) for index in range(500)]
    for kind in ("oil", "drops", "scale", "roll", "weld", "dots", "bands", "tread"):
        good = [kind in strip.marks for strip in strips if not strip.truth.any()]
        bad = [kind in strip.marks for strip in strips if strip.truth.any()]
        assert any(good), kind
        assert abs(np.mean(good) - np.mean(bad)) < 0.12, kind


def test_twins_show_the_surface_of_an_earlier_strip_under_another_light() -> None:
    strips = {index: draw_strip(8, index, size=(128, 800)) for index in range(150) if source_of(8, index) != index}
    assert len(strips) >= 2
    for index, twin in strips.items():
        assert twin.twin_of is not None
        first = draw_strip(8, twin.twin_of, size=(128, 800))
        assert first.twin_of is None
        assert (first.coil, twin.twin_of < index) == (twin.coil, True)
        assert not np.array_equal(first.image, twin.image)
    shares = np.mean([source_of(8, index) != index for index in range(4000)])
    assert shares == pytest.approx(SHARE, abs=0.01)


def test_line_2_is_brighter_and_lit_from_the_other_side() -> None:
    def seen(line: int) -> tuple[float, float]:
        images = [
            draw_strip(9, index, size=SMALL, defective=0, strips_per_coil=1, line=line).image for index in range(40)
        ]
        steel = [image[:, image.mean(axis=0) > 20].astype(float) for image in images]
        steel = [part for part in steel if part.size]
        return (
            float(np.mean([part.mean() for part in steel])),
            float(np.mean([part[-16:].mean() / part[:16].mean() for part in steel])),
        )

    (first, downwards), (second, upwards) = seen(1), seen(2)
    assert second > 1.05 * first
    assert downwards > 1.1
    assert upwards < 0.95


def test_the_harder_the_fainter() -> None:
    def contrast(difficulty: float) -> float:
        found = []
        for index in range(20):
            wish = {"size": SMALL, "defective": 1, "strips_per_coil": 1, "difficulty": difficulty}
            strip, good = draw_strip(10, index, **wish), draw_strip(10, index, **wish, with_defects=False)
            found.append(np.abs(strip.image.astype(int) - good.image)[strip.truth > 0].mean())
        return float(np.mean(found))

    assert contrast(0) > 1.3 * contrast(0.5) > 1.6 * contrast(1)


@pytest.mark.slow
def test_statistics_lie_where_those_of_real_strips_do() -> None:
    """The median over 40 strips lies between the quartiles of the 88 real ones, give or take a tenth of their distance."""
    statistics = bench_module("strips_stats").statistics
    rows = []
    for index in range(40):
        strip = draw_strip(12, index, defective=COMPETITION, strips_per_coil=1)
        content = cv2.imencode(".jpg", strip.image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        rows.append(statistics(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)))
    for name, (low, high) in QUARTILES.items():
        room = 0.1 * (high - low)
        assert low - room <= np.median([row[name] for row in rows]) <= high + room, name


QUARTILES = {
    "black columns": (0.0, 0.63),
    "grey 10 %": (45, 67.3),
    "grey 50 %": (68.7, 99),
    "grey 90 %": (95.7, 137.3),
    "correlation along 1": (0.57, 0.735),
    "correlation along 4": (0.317, 0.516),
    "correlation along 16": (0.105, 0.387),
    "correlation across 1": (0.67, 0.77),
    "correlation across 4": (0.209, 0.39),
    "correlation across 16": (-0.015, 0.072),
    "columns": (2.49, 5.66),
    "rows": (0.88, 1.44),
    "detail 2": (1.317, 1.838),
    "detail 8": (0.479, 1.063),
    "detail 32": (0.362, 1.012),
    "light across": (0.104, 0.188),
    "light along": (0.099, 0.138),
}
"""A quarter and three quarters of the real strips lie below these."""


def bench_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"size": (0, 400)}, "size 0x400: height and width"),
        ({"size": (256, 99999)}, "size 256x99999"),
        ({"defective": 1.2}, "share of defective strips 1.2: it must lie between 0 and 1"),
        ({"defective": float("nan")}, "share of defective strips nan"),
        ({"difficulty": -0.1}, "difficulty -0.1"),
        ({"strips_per_coil": 0}, "0 strips per coil"),
        ({"line": 3}, "line 3: there are two lines"),
        ({"seed": -1}, "seed -1"),
        ({"index": -1}, "strip -1"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        draw_strip(**{"seed": 1, "index": 0, "size": SMALL} | wrong)
