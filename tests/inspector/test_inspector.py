"""The inspector as a program uses it, on drawn strips, without torch."""

import importlib.util
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.parity import assert_alike
from helpers.policies import make_policy
from helpers.tiny_inspector import CLASSES, PADDED, RULE, STRETCHED, by_hand, make_inspector

from steelsight.cascade.judge import Prediction, judge
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.imaging.combine import combine_maps, to_8bit
from steelsight.imaging.read import ImageError, list_images, read_image
from steelsight.imaging.rle import encode_mask
from steelsight.imaging.roi import Polygons, Roi
from steelsight.inspector.artifact import InspectorCard, fingerprint, write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector
from steelsight.rule.rule import masks
from steelsight.verdicts.verdict import UNREADABLE, give_verdict, say_suspected

IMAGES = list_images(SAMPLE / "train_images")[:24]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


def expected(source: Any, image: Any) -> Any:
    """P(defect), maps and masks from the ground's definitions and the networks' formulas."""
    p = float(by_hand("classify", STRETCHED.to_input(image)[None])[0])
    maps = [to_8bit(by_hand("segment", one.to_input(image)[None])[0]) for one in (STRETCHED, PADDED)]
    combined = combine_maps(maps, [STRETCHED, PADDED], image.shape[:2])
    runs = tuple(encode_mask(mask) for mask in masks(RULE, p, combined))
    return Prediction(source, image, p, runs, maps=combined if p > RULE.gate else None)


def test_the_stream_says_what_the_definitions_say(folder: Any) -> None:
    inspector = Inspector.open(folder)
    judged = list(inspector.stream(IMAGES, keep_maps=True))
    assert [one.source.path for one in judged] == IMAGES
    assert inspector.classes == CLASSES
    for one in judged:
        assert_alike(expected(one.source, one.image), one, inspector.engine("throughput"), RULE)
    assert sum(runs.area > 0 for one in judged for runs in one.runs) > 5
    assert 0 < sum(one.p_defect > RULE.gate for one in judged) < len(judged)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_image_at_a_time_says_the_same(folder: Any, threads: int) -> None:
    inspector = Inspector.open(folder, device="cpu", threads=threads)
    for streamed in inspector.stream(IMAGES[:6], keep_maps=True):
        for given in (streamed.source.path, str(streamed.source.path), streamed.image):
            one = inspector(given)
            assert_alike(streamed, one, inspector.engine("latency"), RULE)
            assert (one.maps is not None) == (one.p_defect > RULE.gate)
            assert one.sha256 == (None if given is streamed.image else streamed.sha256)


def test_an_endless_stream_is_taken_a_few_batches_ahead(folder: Any) -> None:
    taken = []

    def endless() -> Iterator[Any]:
        for path in itertools.cycle(IMAGES):
            taken.append(path)
            yield path

    stream = Inspector.open(folder, threads=2).stream(endless())
    first = [one.source.path for one in itertools.islice(stream, 50)]
    stream.close()
    assert first == list(itertools.islice(itertools.cycle(IMAGES), 50))
    assert len(taken) < 50 + 40


def test_what_cannot_be_read(folder: Any, tmp_path: Path) -> None:
    bad = tmp_path / "text.jpg"
    bad.write_text("no image")
    inspector = Inspector.open(folder)
    judged = list(inspector.stream([IMAGES[0], bad, tmp_path / "gone.png", IMAGES[1]]))
    assert [one.error is None for one in judged] == [True, False, False, True]
    with pytest.raises(ImageError, match=r"text\.jpg"):
        inspector(bad)


def test_images_far_from_what_it_was_made_with_are_flagged_and_judged(folder: Any) -> None:
    inspector = Inspector.open(folder)
    image = read_image(IMAGES[0])
    white = np.full_like(image, 255)
    flags = [inspector(pixels).flags for pixels in (image, image[:100], np.tile(image, (1, 3)), white, white[:9, :9])]
    blank = ("brightness", "contrast", "sharpness")
    assert flags[:4] == [(), ("size",), ("size",), blank]
    assert flags[4][:2] == ("size", "brightness")
    assert inspector(white).p_defect > 0.9


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (256, 1600, 3), (700, 900)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_size_depth_and_colour(folder: Any, shape: Any, dtype: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    judged = Inspector.open(folder, threads=1)(pixels)
    assert judged.size == shape[:2]
    assert 0 <= judged.p_defect <= 1


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_colour_file_is_judged_as_its_pixels_are(folder: Any, tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (8, 52, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / f"a{suffix}"), cv2.resize(colours, (416, 64)))
    inspector = Inspector.open(folder)
    by_file, by_pixels = inspector(tmp_path / f"a{suffix}"), inspector(read_image(tmp_path / f"a{suffix}"))
    assert by_file.p_defect == by_pixels.p_defect
    assert by_file.maps is not None
    assert np.array_equal(by_file.maps, by_pixels.maps)


def test_onnx_runtime_says_the_same(folder: Any) -> None:
    pytest.importorskip("onnxruntime")
    from steelsight.inspector.onnxruntime import OnnxRuntimeEngine

    inspector = Inspector.open(folder, device="cpu")
    engine = OnnxRuntimeEngine.load(folder, inspector.card, ["CPUExecutionProvider"])
    sources = [Source(path.name, path) for path in IMAGES]
    both = judge(sources, engine, RULE, keep_maps=True), inspector.stream(sources, keep_maps=True)
    for one, other in zip(*both, strict=True):
        assert_alike(one, other, engine, RULE)


def test_an_absent_device_is_one_sentence(folder: Any) -> None:
    from steelsight.inspector.onnxruntime import has_cuda

    if has_cuda():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(UserError, match="`device=cuda`"):
        next(Inspector.open(folder, device="cuda").stream(IMAGES))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "tpu"}, "`device=tpu`"),
        ({"threads": 0}, "`threads=0`: threads of the processor are a whole number from 1 on"),
        ({"threads": -1}, "`threads=-1`"),
        ({"threads": "2"}, "`threads=2`"),
        ({"trust": "x.pem"}, r"`trust=x\.pem`: one text in place of a list"),
    ],
)
def test_an_argument_out_of_its_range_is_refused_before_anything_is_read(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Inspector.open("nowhere", **wrong)


def test_a_stream_is_of_paths(folder: Any) -> None:
    inspector = Inspector.open(folder)
    for one in (str(IMAGES[0]), IMAGES[0]):
        with pytest.raises(UserError, match=r"`paths=.*: one text in place of a list"):
            inspector.stream(one)  # type: ignore[arg-type]
    with os.scandir(IMAGES[0].parent) as entries:
        first = next(entry for entry in entries if entry.name == IMAGES[0].name)
    (judged,) = inspector.stream([first])  # type: ignore[list-item]
    assert judged.p_defect == inspector(IMAGES[0]).p_defect
    with pytest.raises(UserError, match="ndarray in a stream"):
        list(inspector.stream([np.zeros((4, 4), np.uint8)]))  # type: ignore[list-item]


def test_a_name_that_no_file_has_is_told_as_of_a_missing_file(folder: Any) -> None:
    inspector = Inspector.open(folder)
    with pytest.raises(ImageError, match="a NUL character in the name"):
        inspector("a\0b.jpg")
    lost, found = inspector.stream(["a\0b.jpg", IMAGES[0]])
    assert "a NUL character in the name" in str(lost.error)
    assert found.error is None


def test_a_damaged_network_is_one_sentence(tmp_path: Path) -> None:
    folder = make_inspector(tmp_path / "inspector")
    (folder / "segment-0-fold0.onnx").write_bytes(b"no network")
    write_checksums(folder)
    with pytest.raises(UserError, match=r"segment-0-fold0\.onnx: not an ONNX network"):
        next(Inspector.open(Path(folder)).stream(IMAGES))


def test_each_image_has_its_verdict_alone_and_in_a_stream(tmp_path: Path) -> None:
    """Some for each reason; at this gate, images below `pass_at` may have masks."""
    rules = [{"verdict": "reject", "class": "bright", "total_area_above": "10 %"}]
    policy = make_policy(pass_at=0.2, reject_at=0.8, rules=rules)
    rule = RULE.model_copy(update={"gate": 0.05})
    inspector = Inspector.open(make_inspector(tmp_path / "inspector", rule=rule, policy=policy))
    images = list_images(SAMPLE / "train_images")
    verdicts: dict[str, Any] = {}
    for judged in inspector.stream([*images, tmp_path / "gone.jpg"]):
        said = verdicts.setdefault(judged.verdict.answer, [])
        said.append(judged.verdict.reason)
        if judged.error is not None:
            assert judged.verdict == UNREADABLE
            continue
        if judged.source.path in images[:4]:
            assert inspector(judged.source.path).verdict == judged.verdict
        bare = give_verdict(policy, CLASSES, judged.p_defect, judged.regions, judged.size, judged.flags)
        assert judged.verdict == say_suspected(
            bare, policy, CLASSES, judged.suspected, judged.size, is_faint=judged.is_faint
        )
        assert judged.verdict.answer != "pass" or not judged.is_defective
    assert {"pass", "review", "reject"} == set(verdicts)
    reasons = [reason for said in verdicts.values() for reason in said]
    for part in (
        "is at most 0.20",
        "lies between",
        "low enough",
        "exceeds 0.80",
        "by the classifiers alone",
        "(rule 1)",
    ):
        assert any(part in reason for reason in reasons), part


@pytest.mark.parametrize("black", [True, False])
def test_a_region_of_interest_holds_in_every_runtime(folder: Any, tmp_path: Path, black: bool) -> None:
    """Networks see black outside if they have learned to, and the whole image otherwise."""
    from steelsight.inspector.openvino import OpenVinoEngine

    left = (((0, 0), (0.4, 0), (0.4, 1), (0, 1)),)
    card = Inspector.open(folder).card.with_roi(Roi(polygons=Polygons(inside=left)))
    assert card.roi is not None
    assert not card.roi.black
    card = card.model_copy(update={"roi": card.roi.model_copy(update={"black": black})})
    write_card(Path(shutil.copytree(folder, tmp_path / "inspector")), card)
    write_checksums(tmp_path / "inspector")
    inspector = Inspector.open(tmp_path / "inspector", device="cpu")
    assert inspector.card.roi == card.roi
    assert fingerprint(tmp_path / "inspector") != fingerprint(folder)
    engines: list[Any] = [OpenVinoEngine.load(tmp_path / "inspector", card)]
    if importlib.util.find_spec("onnxruntime"):
        from steelsight.inspector.onnxruntime import OnnxRuntimeEngine

        engines.append(OnnxRuntimeEngine.load(tmp_path / "inspector", card, ["CPUExecutionProvider"]))
    found, rule = 0, RULE.model_copy(update={"gate": 0.0})
    for one in inspector.stream(IMAGES[:8]):
        edge = round(0.4 * one.size[1])
        seen = np.array(one.image)
        if black:
            seen[:, edge:] = 0
        p = float(by_hand("classify", STRETCHED.to_input(seen)[None])[0])
        maps = [to_8bit(by_hand("segment", way.to_input(seen)[None])[0]) for way in (STRETCHED, PADDED)]
        combined = combine_maps(maps, [STRETCHED, PADDED], one.size)
        combined[:, :, edge:] = 0
        runs = tuple(encode_mask(mask) for mask in masks(rule, p, combined))
        truth = Prediction(one.source, one.image, p, runs, maps=combined)
        for engine in engines:
            (said,) = judge([one.source], engine, rule, keep_maps=True)
            assert_alike(truth, said, engine, rule)
            assert not said.masks[:, :, edge:].any()
        assert one.area == edge * one.size[0]
        found += said.is_defective
    assert found > 2


def test_in_a_notebook_it_is_a_line_and_so_is_what_it_says(folder: Any, tmp_path: Path) -> None:
    inspector = Inspector.open(folder)
    assert repr(inspector) == f"Inspector({str(folder)!r}, classes={CLASSES!r}, device='auto')"
    said = repr(inspector(IMAGES[0]))
    assert said.startswith(f"Prediction({IMAGES[0].name!r}, size=(256, 1600), p_defect=")
    assert len(said) < 400
    (tmp_path / "none.jpg").write_bytes(b"no image")
    (unreadable,) = inspector.stream([tmp_path / "none.jpg"])
    assert "error=" in repr(unreadable)


def test_a_card_without_a_region_is_written_as_before_there_was_one(folder: Any) -> None:
    card = Inspector.open(folder).card
    assert "roi" not in card.model_dump(mode="json")
    with_one = card.with_roi(Roi(strip=True))
    assert (with_one.schema_version, with_one.with_roi(None).schema_version) == (6, 5)
    with pytest.raises(ValueError, match="schema_version 4, which has none"):
        InspectorCard.model_validate(with_one.model_dump(mode="json") | {"schema_version": 4})
