"""Images and maps by content: stored once, read back to the last bit, never half-written."""

import gzip
import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steelsight.core.errors import UserError
from steelsight.imaging.combine import combine_maps
from steelsight.imaging.preprocess import Preprocess
from steelsight.station.store import ImageStore, NetworkMaps

PNG = b"\x89PNG\r\n\x1a\n"
A, B = "aa" * 32, "bb" * 32
INSPECTOR = "0123456789abcdef" * 4
STRETCH, PAD = Preprocess(height=32, width=64), Preprocess(height=64, width=32, fit="pad", colour="grey", mean=0.5)


@given(
    arrays.arrays(np.uint8, (2, 32, 64), elements=st.integers(0, 255)),
    arrays.arrays(np.uint8, (2, 64, 32), elements=st.integers(0, 255)),
    st.tuples(st.integers(1, 80), st.integers(1, 80)),
)
@settings(max_examples=25, deadline=None)
def test_maps_come_back_and_combine_as_they_would_have(first: Any, second: Any, size: Any) -> None:
    packed = NetworkMaps((first, second), (STRETCH, PAD)).pack()
    back = NetworkMaps.unpack(packed)
    combined = combine_maps([first, second], [STRETCH, PAD], size)
    for index in range(2):
        np.testing.assert_array_equal(back.of_class(index, size), combined[index])


def test_maps_of_a_rule_that_cuts_at_the_working_size_come_back_in_blocks() -> None:
    map_ = np.random.default_rng(0).integers(0, 256, (1, 32, 64), dtype=np.uint8)
    back = NetworkMaps.unpack(NetworkMaps((map_,), (STRETCH,), "mean", "working").pack())
    assert back.at == "working"
    assert np.array_equal(back.of_class(0, (64, 192)), map_[0].repeat(2, axis=0).repeat(3, axis=1))
    assert NetworkMaps.unpack(NetworkMaps((map_,), (STRETCH,)).pack()).at == "image"


def test_an_image_is_stored_once_and_goes_with_all_its_maps(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    packed = NetworkMaps((np.zeros((1, 32, 64), np.uint8),), (STRETCH,)).pack()
    for _ in range(2):
        store.put_image(A, PNG)
    store.put_image(B, b"BM" + PNG)
    store.put_maps(A, INSPECTOR, packed)
    store.put_maps(A, INSPECTOR[::-1], packed)
    assert store.image_path(A) == tmp_path / "images" / "aa" / f"{A}.png"
    assert store.read_image(A) == PNG
    assert store.read_maps(A, INSPECTOR) is not None
    assert store.read_maps(B, INSPECTOR) is None
    assert store.size() == 2 * len(PNG) + 2 + 2 * len(packed)
    os.utime(store.image_path(B), (5, 5))
    assert [one.sha256 for one in store.oldest()] == [B, A, A, A]
    store.put_image(B, b"BM" + PNG)  # seen again: not the oldest any more
    assert store.oldest()[-1].sha256 == B
    assert store.remove(B, last_used=store.oldest()[-1].used - 1) == 0  # which was stored again meanwhile
    assert store.remove(A) == len(PNG) + 2 * len(packed)
    assert [one.sha256 for one in store.files()] == [B]
    assert store.read_image(A) is None
    assert store.remove(A) == 0


@pytest.mark.parametrize("at", [Path.replace, Path.unlink, Path.stat])
def test_what_is_stored_again_in_the_moment_of_its_removal_stays(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(tmp_path)
    store.put_image(A, PNG)
    path = store.image_path(A)
    assert path is not None
    os.utime(path, (5, 5))
    is_sent_again = [True]

    def first_another_sends_it(self: Path, *more: Any, **named: Any) -> Any:
        if is_sent_again and A in self.name:
            is_sent_again.clear()
            store.put_image(A, PNG)
        return at(self, *more, **named)

    monkeypatch.setattr(Path, at.__name__, first_another_sends_it)
    store.remove(A, last_used=5)
    monkeypatch.undo()
    assert not is_sent_again
    assert store.read_image(A) == PNG
    assert [one.path for one in store.files()] == [path]
    assert not list(tmp_path.rglob(".*.part*"))


def test_leftovers_of_a_crash_are_swept_and_fresh_ones_are_not(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    store.put_image(A, PNG)
    old, fresh = (tmp_path / "images" / "aa" / f".{A}.{number}.part.png" for number in (1, 2))
    for path in (old, fresh):
        path.write_bytes(b"")
    os.utime(old, (5, 5))
    assert [one.sha256 for one in store.files()] == [A]
    store.sweep()
    assert not old.exists()
    assert fresh.exists()
    assert store.read_image(A) == PNG


@pytest.mark.parametrize("kept", [0, 30, -30])
def test_damaged_maps_count_as_not_stored(tmp_path: Path, kept: int) -> None:
    store = ImageStore(tmp_path)
    packed = NetworkMaps((np.zeros((1, 32, 64), np.uint8),), (STRETCH,)).pack()
    store.put_maps(A, INSPECTOR, packed[:kept])
    assert store.read_maps(A, INSPECTOR) is None


@pytest.mark.parametrize("at", range(500, 900, 20))
def test_maps_with_a_hole_count_as_not_stored(tmp_path: Path, at: int) -> None:
    """As a power cut leaves what the disk had no time for: of full length, with zeros in it."""
    store = ImageStore(tmp_path)
    maps = np.random.default_rng(0).integers(0, 9, (1, 32, 64), np.uint8)
    packed = bytearray(NetworkMaps((maps,), (STRETCH,)).pack())
    packed[at : at + 20] = bytes(20)
    store.put_maps(A, INSPECTOR, packed)
    assert store.read_maps(A, INSPECTOR) is None


@pytest.mark.parametrize("compressed", [True, False])
def test_maps_of_an_earlier_version_are_read_and_go_with_their_image(tmp_path: Path, compressed: bool) -> None:
    store = ImageStore(tmp_path)
    map_ = np.random.default_rng(0).integers(0, 256, (2, 32, 64), dtype=np.uint8)
    store.put_image(A, PNG)
    path = tmp_path / "maps" / "aa" / f"{A}.{INSPECTOR[:12]}.npz"
    path.parent.mkdir(parents=True)
    described = np.array(json.dumps([STRETCH.model_dump(mode="json")]))
    (np.savez_compressed if compressed else np.savez)(
        path, preprocesses=described, combine=np.array("votes"), **{"0": map_}
    )
    maps = store.read_maps(A, INSPECTOR)
    assert maps is not None
    assert maps.combine == "votes"
    assert np.array_equal(maps.maps[0], map_)
    store.put_maps(A, INSPECTOR, NetworkMaps((255 - map_,), (STRETCH,)).pack())
    anew = store.read_maps(A, INSPECTOR)
    assert anew is not None
    assert np.array_equal(anew.maps[0], 255 - map_)
    store.remove(A)
    assert store.count() == 0


@pytest.mark.parametrize("how", ["gzip", "zip in gzip", "zip"])
def test_maps_that_would_fill_the_memory_count_as_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    store, maps = ImageStore(tmp_path), NetworkMaps((np.zeros((4, 64, 128), np.uint8),), (STRETCH,))
    packed = maps.pack()
    if how != "gzip":
        zipped = BytesIO()
        with np.load(BytesIO(gzip.decompress(packed))) as archive:
            np.savez_compressed(zipped, **archive)
        packed = gzip.compress(zipped.getvalue()) if how == "zip in gzip" else zipped.getvalue()
    assert len(packed) < 5000
    store.put_maps(A, INSPECTOR, packed)
    assert store.read_maps(A, INSPECTOR) is not None
    monkeypatch.setattr("steelsight.station.store._LARGEST", 20_000)
    assert store.read_maps(A, INSPECTOR) is None


def test_packed_maps_are_what_numpy_and_gzip_read() -> None:
    map_ = np.random.default_rng(0).integers(0, 3, (2, 32, 64), dtype=np.uint8)
    packed = NetworkMaps((map_,), (STRETCH,)).pack()
    assert packed == NetworkMaps((map_,), (STRETCH,)).pack()
    with np.load(BytesIO(gzip.decompress(packed)), allow_pickle=False) as archive:
        assert np.array_equal(archive["0"], map_)


def test_what_the_disk_refuses_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A folder stands for a file that may not be read or removed, which a test cannot have where it may do all."""
    store = ImageStore(tmp_path)
    (tmp_path / "maps" / "aa" / f"{A}.{INSPECTOR[:12]}.npz.gz").mkdir(parents=True)
    with pytest.raises(UserError, match=r"npz\.gz: cannot be read \(.*\); see to the disk and its rights"):
        store.read_maps(A, INSPECTOR)
    with pytest.raises(UserError, match=r"npz\.gz: cannot be removed"):
        store.remove(A)


def test_what_is_no_image_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no image"):
        ImageStore(tmp_path).put_image(A, b"text")
    assert list(tmp_path.rglob("*")) == []
