"""The log as a file over HTTP."""

import csv
import io

import pyarrow.parquet as pq
from helpers.found import found
from httpx import Client


def test_the_log_as_a_file(client: Client) -> None:
    passed = {str(one["id"]) for one in found(client, verdict="pass", limit=1000)}
    answer = client.get("/api/v1/log.csv", params={"verdict": "pass"})
    assert answer.headers["content-disposition"] == 'attachment; filename="log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["id"] for row in rows} == passed
    table = pq.read_table(io.BytesIO(client.get("/api/v1/log.parquet", params={"verdict": "pass"}).content))
    assert set(map(str, table["id"].to_pylist())) == passed
