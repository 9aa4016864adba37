"""Files by way of the object store come out as they went in, and nothing is written beside their folder."""

from pathlib import Path

import pytest
from helpers.object_store import Store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.cluster import shipped
from steelsight.cluster.shipped import Packed, PackedFile, pack, safe_path, unpack


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contents=st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_files_come_out_as_they_went_in(
    contents: list[bytes], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever falls on the seam of two chunks."""
    monkeypatch.setattr(shipped, "CHUNK", 64)
    root, store = tmp_path_factory.mktemp("packed"), Store()
    paths = [root / f"a{number}/{number}.bin" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.parent.mkdir()
        path.write_bytes(content)
    folder = unpack(store, pack(store, root, paths, "key"), root)
    assert [(folder / path.relative_to(root)).read_bytes() for path in paths] == contents
    assert all(0 < len(chunk) <= 64 for chunk in store.values)


def test_the_second_worker_of_a_node_takes_what_the_first_has_written(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"content")
    store = Store()
    packed = pack(store, tmp_path, [tmp_path / "a.bin"], "key")
    folder = unpack(store, packed, tmp_path)
    assert folder.parent.stat().st_mode & 0o77 == 0
    assert unpack(Store(), packed, tmp_path) == folder  # a store without anything
    assert (folder / "a.bin").read_bytes() == b"content"


@pytest.mark.parametrize("path", ["../a", "/etc/a", "a/../../b", ""])
def test_a_name_that_leads_out_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out"):
        safe_path(path)
    with pytest.raises(ValueError, match="leads out"):
        unpack(Store(), Packed("key", (PackedFile(path, ()),), ()), tmp_path)
    assert not (tmp_path / "a").exists()
