"""What a worker tells goes together, in order, and no parcel grows far beyond a chunk of a file."""

import time
from typing import Any

import numpy as np
import pytest

from steelsight.cluster import parcels
from steelsight.cluster.parcels import Parcel


def piece(size: int) -> dict[str, Any]:
    return {"file": "weights", "content": np.zeros(size, np.uint8)}


def test_messages_keep_their_order_behind_the_images() -> None:
    parcel = Parcel()
    parcel.count(8)
    assert list(parcel.add({"epoch": 1})) == []
    parcel.count(8)
    assert list(parcel.add({"done": True})) == []
    assert parcel.take() == [{"images": 16}, {"epoch": 1}, {"done": True}]
    assert parcel.take() == []


def test_a_full_one_goes_before_the_next_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "CHUNK", 10)
    parcel = Parcel()
    assert list(parcel.add(piece(6))) == []
    assert list(parcel.add({"begins": True})) == []
    [first] = parcel.add(piece(5))
    assert [message.get("content", np.empty(0)).size for message in first] == [6, 0]
    [second] = parcel.add(piece(30))  # larger than a chunk: alone, and not before an empty one
    assert [message["content"].size for message in second] == [5]
    assert [message["content"].size for message in parcel.take()] == [30]


def test_due_is_what_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    parcel = Parcel()
    now += 5
    assert not parcel.is_due()  # nothing is in it
    parcel.count(1)
    assert parcel.is_due()
    parcel.take()
    parcel.count(1)
    assert not parcel.is_due()
    now += 0.5
    assert parcel.is_due()
