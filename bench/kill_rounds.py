"""Kills the station at random moments, starts it again, and counts what is in its log: every image exactly once.

    python bench/kill_rounds.py --door watch --rounds 200 --images 2000 --source FOLDER ...
    python bench/kill_rounds.py --door http --rounds 200 --images 2000 --source FOLDER ...

watch   A camera (a thread) puts the images into the folder while `steelsight watch` is killed with SIGKILL and started again;
        in every other stretch of ten rounds inspected files are moved away. At the end one run ends by itself.
        Then: each image has one entry in the log and one row in images.csv, and each file lies in one place, whole.
http    Four clients post the images round and round while `steelsight serve` is killed and started again.
        Then: each answer that a client has got in full stands in the log, word for word.

In every other round the kill comes at a moment drawn evenly between the start and twice the time that a start takes on this
machine, which is measured first; in the others within a second after the first new result, so that it hits a station at work.
Images are real ones; where there are fewer than
wanted, the rest are hard links to them under further names. The inspector is the tests' tiny one, unless another is named.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from csv import DictReader
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
from machine import print_machine

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

CLIENTS = 4
STRETCH = 10


class Station:
    """One process of the station at a time."""

    def __init__(self, work: Path, *command: str | Path) -> None:
        self._command = [sys.executable, "-m", "steelsight.cli.main", *map(str, command)]
        self._environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
        self.output = work / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str | Path) -> None:
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [*self._command, *map(str, more)], env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self._process is not None
        if self._process.poll() is not None:
            raise SystemExit(f"the station ended by itself:\n{self.output.read_text()}")
        self._process.send_signal(number)
        return self._process.wait(120)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(3600)


def real_images(sources: list[Path], count: int, folder: Path) -> list[Path]:
    """That many images under names of their own, the first ones with contents that differ."""
    found: dict[str, Path] = {}
    for path in sorted(
        one for source in sources for one in source.rglob("*") if one.suffix in (".jpg", ".png", ".bmp")
    ):
        if "masks" not in path.parts and not (path.suffix == ".png" and path.with_suffix(".jpg").exists()):
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    if not found:
        raise SystemExit(f"no image in {sources}")
    folder.mkdir()
    made = []
    for number, path in enumerate(islice(cycle(found.values()), count)):
        made.append(folder / f"{number:05d}-{path.name}")
        if number < len(found):
            shutil.copyfile(path, made[-1])
        else:
            os.link(made[number % len(found)], made[-1])
    print(f"{count} images, {min(count, len(found))} of them with a content of their own", flush=True)
    return made


def query(database: Path, statement: str) -> list[tuple[Any, ...]]:
    if not database.is_file():
        return []
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def entries(database: Path) -> int:
    return int((query(database, "SELECT count(*) FROM inspections") or [(0,)])[0][0])


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and not holds():
        time.sleep(0.01)


class Camera(threading.Thread):
    """Puts images into a folder: under a temporary name first, slowly under their own, or at once as a link."""

    def __init__(self, images: list[Path], folder: Path, draw: random.Random, seconds: float) -> None:
        super().__init__(daemon=True)
        self._images, self._folder, self._draw, self._pause = images, folder, draw, seconds / len(images)
        self.ways: Counter[str] = Counter()

    def run(self) -> None:
        for image in self._images:
            target = self._folder / image.name
            way = self._draw.choice(("renamed", "slowly", "linked"))
            self.ways[way] += 1
            content = image.read_bytes()
            match way:
                case "renamed":
                    part = target.with_name(f"{image.name}.part")
                    part.write_bytes(content)
                    part.rename(target)
                case "slowly":
                    with target.open("wb") as stream:
                        stream.write(content[: len(content) // 2])
                        stream.flush()
                        time.sleep(self._draw.uniform(0, 0.3))
                        stream.write(content[len(content) // 2 :])
                case _:
                    os.link(image, target)
            time.sleep(self._draw.uniform(0, 2 * self._pause))


def watch_rounds(given: argparse.Namespace, work: Path, draw: random.Random) -> dict[str, Any]:
    images = real_images(given.source, given.images, work / "images")
    folder, done, data, out = (work / name for name in ("line", "done", "data", "out"))
    folder.mkdir()
    database = data / "log.sqlite"
    station = Station(
        work, "watch", given.inspector, folder, "--data", data, "--out", out, "--device", "cpu",
        *("--settle", "0.1", "--poll", "0.2", "--patience", "5"),
    )  # fmt: skip
    start_up = start_up_seconds(station)
    camera = Camera(images, folder, draw, given.rounds * start_up)
    camera.start()
    counts, at_work = [0], 0
    for number in range(given.rounds):
        station.start(*(("--move", done) if number // STRETCH % 2 else ()))
        if number % 2:
            wait_until(lambda: entries(database) > counts[-1], 4 * start_up)
            time.sleep(draw.uniform(0, 1))
        else:
            time.sleep(draw.uniform(0, 2 * start_up))
        station.kill()
        ((count, names),) = query(database, "SELECT count(*), count(DISTINCT name) FROM inspections") or [(0, 0)]
        if count != names or count < counts[-1]:
            raise SystemExit(f"round {number}: {count} entries of {names} images, {counts[-1]} before")
        at_work += count > counts[-1]
        counts.append(count)
        if number % 20 == 19:
            print(f"round {number + 1}: {count} images in the log", flush=True)
    camera.join()
    station.start("--once")
    status = station.wait()
    return {
        "start_up_seconds": round(start_up, 2),
        "kills": given.rounds,
        "kills_after_new_results": at_work,
        "by_kill": counts[-1],
        "camera": dict(camera.ways),
        "status_of_the_last_run": status,
        **check_watch(images, folder, done, data, out),
    }


def start_up_seconds(station: Station) -> float:
    """From the start to the end of a run that finds nothing to do, the first one, which makes the log, left out."""
    for _ in range(2):
        began = time.perf_counter()
        station.start("--once")
        if station.wait():
            raise SystemExit(station.output.read_text())
    return time.perf_counter() - began


def check_watch(images: list[Path], folder: Path, done: Path, data: Path, out: Path) -> dict[str, Any]:
    """Count every way in which an image could be there other than once."""
    logged = query(data / "log.sqlite", "SELECT id, name, sha256, error FROM inspections")
    names = Counter(name for _, name, _, _ in logged)
    with (out / "images.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(int(row["LogId"]), row["ImageId"]) for row in DictReader(stream)]
    with (out / "submission.csv").open(encoding="utf-8", newline="") as stream:
        masks = Counter(int(row["LogId"]) for row in DictReader(stream))
    hashes = {image.name: hashlib.sha256(image.read_bytes()).hexdigest() for image in images}
    places = Counter(
        path.name for place in (folder, done) if place.is_dir() for path in place.rglob("*") if path.is_file()
    )
    files = [path for place in (folder, done) if place.is_dir() for path in place.rglob("*") if path.is_file()]
    stored = {path.stem for path in (data / "images").rglob("*.*") if not path.name.startswith(".")}
    return {
        "images": len(images),
        "in_log": len(logged),
        "missing_from_log": sum(name not in names for name in hashes),
        "more_than_once_in_log": sum(count > 1 for count in names.values()),
        "unreadable_in_log": sum(error is not None for *_, error in logged),
        "with_another_content_in_log": sum(hashes.get(name) != digest for _, name, digest, _ in logged),
        "in_csv": len(rows),
        "csv_differs_from_log": len(set(rows) ^ {(number, name) for number, name, _, _ in logged})
        + len(rows)
        - len(set(rows)),
        "csv_rows_of_masks_differ": len({*masks.values()} - {2}) + abs(len(masks) - len(logged)),
        "files_not_in_one_place": sum(places[name] != 1 for name in hashes) + len(set(places) - set(hashes)),
        "files_damaged": sum(hashlib.sha256(path.read_bytes()).hexdigest() != hashes.get(path.name) for path in files),
        "moved": len(list(done.rglob("*"))) if done.is_dir() else 0,
        "images_missing_from_store": len(set(hashes.values()) - stored),
        "integrity_check": query(data / "log.sqlite", "PRAGMA integrity_check")[0][0],
    }


class Client(threading.Thread):
    """Posts images one after the other, whatever happens to the server, and keeps every answer that came whole."""

    def __init__(self, images: list[Path], draw: random.Random) -> None:
        super().__init__(daemon=True)
        self._images, self._draw = images, draw
        self.address: str | None = None
        self.over = False
        self.answers: list[dict[str, Any]] = []
        self.statuses: Counter[str] = Counter()

    def run(self) -> None:
        left = cycle(self._images)
        while not self.over:
            address = self.address
            if address is None:
                time.sleep(0.01)
                continue
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
                while not self.over and self.address == address:
                    count = self._draw.choice((1, 1, 3))
                    files = [("files", (image.name, image.read_bytes())) for image in islice(left, count)]
                    try:
                        response = client.post("/api/v1/inspections", files=files)
                        self.statuses[str(response.status_code)] += 1
                        if response.status_code == 200:
                            self.answers.extend(response.json()["inspections"])
                    except (httpx.TransportError, json.JSONDecodeError) as error:
                        self.statuses[type(error).__name__] += 1
                        time.sleep(0.05)


def http_rounds(given: argparse.Namespace, work: Path, draw: random.Random) -> dict[str, Any]:
    images = real_images(given.source, given.images, work / "images")
    data = work / "data"
    database = data / "log.sqlite"
    clients = [Client(images[place::CLIENTS], random.Random(draw.random())) for place in range(CLIENTS)]
    for client in clients:
        client.start()
    station = Station(work, "serve", given.inspector, "--data", data, "--port", "0", "--device", "cpu")
    began = time.perf_counter()
    address = serve(station)
    while not is_ready(address):
        time.sleep(0.05)
        if time.perf_counter() - began > 120:
            raise SystemExit(f"the server is not ready after two minutes:\n{station.output.read_text()}")
    start_up = time.perf_counter() - began
    station.kill()
    at_work = 0
    for number in range(given.rounds):
        before = answers_of(clients)
        began = time.perf_counter()
        end = began + (4 * start_up if number % 2 else draw.uniform(0, 2 * start_up))
        address = serve(station, until=end)
        for client in clients:
            client.address = address
        if number % 2:

            def has_answered(before: int = before) -> bool:
                return answers_of(clients) > before

            wait_until(has_answered, 4 * start_up)
            time.sleep(draw.uniform(0, 1))
        else:
            time.sleep(max(0.0, end - time.perf_counter()))
        station.kill()
        for client in clients:
            client.address = None
        answered = answers_of(clients)
        at_work += answered > before
        if number % 20 == 19:
            print(f"round {number + 1}: {answered} images answered", flush=True)
    for client in clients:
        client.over = True
    for client in clients:
        client.join(90)
    return {
        "start_up_seconds": round(start_up, 2),
        "kills": given.rounds,
        "kills_after_answers": at_work,
        "statuses": dict(sum((client.statuses for client in clients), Counter())),
        **check_http([answer for client in clients for answer in client.answers], database),
    }


def serve(station: Station, until: float | None = None) -> str | None:
    """Start the server; gives its address, None where the time is over before it says one."""
    station.start()
    while until is None or time.perf_counter() < until:
        said = station.output.read_text()
        if "open: " in said and said.endswith("\n"):
            return said.split("open: ")[1].split()[0].rstrip("/")
        time.sleep(0.01)
    return None


def answers_of(clients: list[Client]) -> int:
    return sum(len(client.answers) for client in clients)


def is_ready(address: str | None) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def check_http(answers: list[dict[str, Any]], database: Path) -> dict[str, Any]:
    """Hold every answer against the log."""
    logged = {
        row[0]: row[1:] for row in query(database, "SELECT id, name, sha256, p_defect, verdict, runs FROM inspections")
    }
    missing = differing = 0
    for answer in answers:
        entry = logged.get(answer["id"])
        if entry is None:
            missing += 1
            continue
        name, digest, p_defect, verdict, runs = entry
        same = (answer["name"], answer["sha256"], answer["p_defect"], answer["verdict"]) == (
            name,
            digest,
            p_defect,
            verdict,
        )
        differing += not (same and list(answer["runs"].values()) == json.loads(runs))
    return {
        "answered": len(answers),
        "answered_and_missing_from_log": missing,
        "answered_otherwise_than_logged": differing,
        "answered_twice_under_one_number": len(answers) - len({answer["id"] for answer in answers}),
        "in_log": len(logged),
        "integrity_check": query(database, "PRAGMA integrity_check")[0][0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--door", choices=("watch", "http"), required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--source", type=Path, nargs="+", default=[ROOT / "demo" / "strips"])
    parser.add_argument("--inspector", type=Path, help="the tests' tiny one if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for all of it, on the disk that is to be tried; kept")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="kill-rounds-"))
    work.mkdir(parents=True, exist_ok=True)
    if given.inspector is None:
        from helpers.tiny_inspector import make_inspector

        given.inspector = make_inspector(work / "inspector")
    began, draw = time.perf_counter(), random.Random(given.seed)
    figures = (watch_rounds if given.door == "watch" else http_rounds)(given, work, draw)
    figures["seconds"] = round(time.perf_counter() - began)
    print(json.dumps(figures, indent=2))
    if given.work is None:
        shutil.rmtree(work)


if __name__ == "__main__":
    print_machine()
    main()
