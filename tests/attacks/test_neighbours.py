"""Who has no token is told nothing of where a station keeps things, and no other account of its machine can read them."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import IMAGES, send, served

from steelsight.station.http.middleware.security import Access

TOKEN = "0123456789abcdef-secret"


@contextmanager
def without_a_disk(data: Path) -> Iterator[None]:
    """A station whose folder is replaced by a file."""
    shutil.move(data, data.with_name("away"))
    data.write_bytes(b"")
    try:
        yield
    finally:
        data.unlink()
        shutil.move(data.with_name("away"), data)


def test_readiness_tells_the_reason_to_who_has_the_token_alone(
    inspector_folder: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "secret-place"
    with served(inspector_folder, data, Access(TOKEN)) as (_, client), without_a_disk(data):
        for headers, is_told in (({}, False), ({"Authorization": f"Bearer {TOKEN}"}, True)):
            answer = client.get("/readyz", headers=headers)
            assert answer.status_code == 503
            assert ("secret-place" in answer.text) == is_told
        assert "secret-place" in caplog.text


def test_strangers_who_ask_again_and_again_fill_no_log(
    inspector_folder: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A look is told once, however many ask for it."""
    data = tmp_path / "data"
    with served(inspector_folder, data, Access(TOKEN)) as (_, client), without_a_disk(data):
        start = time.monotonic()
        for _ in range(100):
            assert client.get("/readyz").status_code == 503
        looks = 2 + (time.monotonic() - start)
    assert 1 <= sum(record.name == "steelsight.station" for record in caplog.records) <= looks


def test_without_any_token_nobody_is_told(inspector_folder: Any, tmp_path: Path) -> None:
    data = tmp_path / "secret-place"
    with served(inspector_folder, data) as (_, client), without_a_disk(data):
        for answer in (client.get("/readyz"), send(client, IMAGES[0])):
            assert answer.status_code == 503
            assert "secret-place" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_word_before_the_token_is_taken_in_any_case(inspector_folder: Any, tmp_path: Path, scheme: str) -> None:
    with served(inspector_folder, tmp_path / "data", Access(TOKEN)) as (_, client):
        for token, status in ((TOKEN, 200), (TOKEN[:-1], 401), ("x", 401)):
            answer = client.get("/api/v1/inspector", headers={"Authorization": f"{scheme} {token}"})
            assert answer.status_code == status
        assert client.get("/api/v1/inspector", headers={"Authorization": TOKEN}).status_code == 401


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_no_other_account_can_read_what_a_station_writes(inspector_folder: Any, tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    before = os.umask(0o022)
    try:
        with served(inspector_folder, data) as (_, client):
            assert send(client, *IMAGES[:6]).status_code == 200
            assert client.get("/readyz").status_code == 200
            found = {path: path.stat().st_mode & 0o077 for path in (data, *data.rglob("*"))}
    finally:
        os.umask(before)
    assert any(path.name.endswith(".npz.gz") for path in found)
    assert any(path.name == "log.sqlite-wal" for path in found)
    assert not {path: mode for path, mode in found.items() if mode}
