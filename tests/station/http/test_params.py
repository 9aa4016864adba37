"""What does not fit is refused in a sentence, for every query alike."""

from typing import Any

import pytest
from httpx import Client


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=NaN", "limit=" + "9" * 5000, "cursor=x", "cursor=WyJkb3VidCIsIE5hTiwgMV0", "order=best",
     "verdict=maybe", "name=%00", "name=" + "a" * 301, "since=yesterday", "since=0001-01-01T00:00:00%2B14:00", "since=inf",
     "until=9999-12-31T23:59:59-14:00", "class=%00", "inspector=Z", "door=window", "reviewed=perhaps", "colour=red"],
)  # fmt: skip
def test_what_does_not_fit_is_422_with_a_sentence(client: Client, query: Any) -> None:
    for path in ("/api/v1/inspections", "/api/v1/log.csv", "/api/v1/log.parquet"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 422, answer.text
        assert isinstance(answer.json()["detail"], str)
