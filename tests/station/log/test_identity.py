"""A data folder belongs to one log: another one, whatever it is, is refused before anything is touched."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.older_log import make_older
from helpers.station_results import CLASSES, INSPECTOR, START, make_result

from steelsight.core.errors import UserError
from steelsight.station.log.identity import BELONGING, adopt, claim, open_log
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.retention import Pruned, prune, set_unknown_aside
from steelsight.station.settings import LOG_NAME, StationSettings
from steelsight.station.store import ImageStore

PNG = b"\x89PNG\r\n\x1a\n"
NOW = START + timedelta(days=100)


@pytest.fixture
def data(tmp_path: Path) -> Any:
    return tmp_path / "station"


def wish(data: Any, url: Any = None, **changes: Any) -> Any:
    return StationSettings(data=data, database=url, name="line 1", **changes)


def inspect(log: Any, data: Any, *numbers: Any) -> Any:
    """Have images stored and logged, long ago."""
    store = ImageStore(data)
    log.register(INSPECTOR, CLASSES, "{}")
    for number in numbers:
        store.put_image(f"{number:064x}", PNG + bytes(number))
    for file in store.files():
        os.utime(file.path, (START.timestamp(),) * 2)
    return log.add([make_result(number) for number in numbers])


def use(data: Any, url: Any, *numbers: Any) -> Any:
    """A station that starts, inspects, and ends; gives the mark of its folder."""
    with open_log(wish(data, url)) as log:
        inspect(log, data, *numbers)
    return json.loads((data / BELONGING).read_text())


def tree(data: Any) -> Any:
    """All files with their content, but SQLite's own, which any reader makes."""
    return {
        path.relative_to(data): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_folder_and_its_log_bear_one_identity(url: str, data: Any) -> None:
    mark = use(data, url, 1, 2)
    assert use(data, url, 3) == mark
    with open_log(wish(data, url)) as log:
        assert prune(log, ImageStore(data), wish(data, url), NOW) == Pruned(0, 0, 0)
    assert ImageStore(data).count() == 3


def test_another_log_is_refused_and_nothing_is_touched(new_url: Any, data: Any) -> None:
    first, second = new_url(), new_url()
    use(data, first, 1, 2)
    with InspectionLog.open(second) as log:  # of another station
        claim(log, ImageStore(data.parent / "other"))
        before = tree(data)
        for touch in (
            lambda: open_log(wish(data, second)),
            lambda: prune(log, ImageStore(data), wish(data, second), NOW),
        ):
            with pytest.raises(
                UserError, match=r"its images belong to another log .* nothing was touched; name that log"
            ):
                touch()
    assert tree(data) == before


def test_where_its_log_is_not_none_is_made(new_url: Any, data: Any) -> None:
    """A damaged log was moved away, or the URL of the database was forgotten: the folder is not a new one."""
    use(data, new_url(), 1, 2)
    before, second = tree(data), new_url()
    with pytest.raises(UserError, match=r"there is no log here, and none was made.*put it or a backup of it in place"):
        open_log(wish(data, second))
    with pytest.raises(UserError, match="there is no log"):  # nothing was made by the first try
        InspectionLog.open(second, make=False)
    assert tree(data) == before


def test_the_variable_of_the_database_was_forgotten(tmp_path: Path, data: Any) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    use(data, url, 1)
    with pytest.raises(UserError, match=r"elsewhere\.sqlite\); name that log or its database's URL"):
        open_log(wish(data))
    assert not (data / LOG_NAME).exists()
    use(data, url, 2)


def test_a_folder_of_before_follows_the_log_that_names_its_images(new_url: Any, data: Any) -> None:
    own, other = new_url(), new_url()
    use(data, own, 1, 2)
    (data / BELONGING).unlink()
    make_older(own)
    ImageStore(data).put_image("f" * 64, PNG)  # newer than the log, say
    InspectionLog.open(other).close()
    before = tree(data)
    with pytest.raises(UserError, match="names none of the images there, and nothing was touched"):
        open_log(wish(data, other))
    with pytest.raises(UserError, match="there is no log here, and none was made"):
        open_log(wish(data, new_url()))
    assert tree(data) == before
    mark = use(data, own, 3)
    assert use(data, own) == mark


@pytest.mark.parametrize("content", ["", "{", "[]", '{"log": 1}', "[" * 100_000])
def test_of_a_torn_mark_the_images_decide(url: str, data: Any, content: str) -> None:
    mark = use(data, url, 1)
    (data / BELONGING).write_text(content)
    assert use(data, url) == mark


def test_a_backup_of_before_the_identity_is_the_folders_own(tmp_path: Path, data: Any) -> None:
    mark = use(data, None, 1)
    log = data / LOG_NAME
    shutil.copy(log, tmp_path / "backup.sqlite")
    make_older(f"sqlite:///{tmp_path}/backup.sqlite")
    use(data, None, 2)
    shutil.copy(tmp_path / "backup.sqlite", log)
    assert use(data, None) == mark


def test_an_older_backup_loses_no_image(tmp_path: Path, data: Any) -> None:
    with open_log(wish(data)) as log:
        inspect(log, data, 1)
    shutil.copy(data / LOG_NAME, tmp_path / "backup.sqlite")
    with open_log(wish(data)) as log:
        newer = inspect(log, data, *range(2, 12))
        log.review(newer[0].id, after_version=0, agrees=True, word="reject")
    shutil.copy(data / LOG_NAME, tmp_path / "newest.sqlite")
    shutil.copy(tmp_path / "backup.sqlite", data / LOG_NAME)
    store = ImageStore(data)
    before = {file.sha256 for file in store.files()}
    settings = wish(data, keep_days=1, keep_gb=1e-9)
    with open_log(settings) as log:
        pruned = prune(log, store, settings, NOW)
    assert (pruned.inspections, pruned.images, pruned.aside) == (1, 1, 10)
    assert {file.sha256 for file in store.aside.files()} == before - {f"{1:064x}"}
    shutil.copy(tmp_path / "newest.sqlite", data / LOG_NAME)  # and all is as it was, when its log comes back
    with open_log(wish(data)) as log:
        assert prune(log, store, wish(data), NOW).back == 10
    assert store.aside.count() == 0
    assert store.read_image(f"{2:064x}") == PNG + bytes(2)


def test_a_folder_is_given_to_another_log_by_name_alone(new_url: Any, data: Any) -> None:
    first, second = new_url(), new_url()
    use(data, first, 1, 2)
    store = ImageStore(data)
    with InspectionLog.open(second) as log:
        adopt(log, store)
        assert set_unknown_aside(log, store) == 2
    use(data, second, 3)
    with pytest.raises(UserError, match="belong to another log"):
        open_log(wish(data, first))
    with InspectionLog.open(first) as log:  # and back
        adopt(log, store)
        assert set_unknown_aside(log, store) == 1
        assert prune(log, store, wish(data, first), NOW).back == 2
    assert {file.sha256[-1] for file in store.files()} == {"1", "2"}
    assert {file.sha256[-1] for file in store.aside.files()} == {"3"}


def test_stations_that_share_a_log_may_share_a_folder_or_not(url: str, tmp_path: Path) -> None:
    marks = [use(tmp_path / name, url, number) for number, name in enumerate(["a", "b", "a"], start=1)]
    assert marks[0] == marks[1] == marks[2]
    for name, count in (("a", 2), ("b", 1)):
        with open_log(wish(tmp_path / name, url)) as log:
            assert prune(log, ImageStore(tmp_path / name), wish(tmp_path / name, url), NOW) == Pruned(0, 0, 0)
        assert ImageStore(tmp_path / name).count() == count


def test_many_may_claim_a_new_folder_at_once(url: str, data: Any) -> None:
    with ThreadPoolExecutor(6) as pool:
        for log in pool.map(lambda _: open_log(wish(data, url)), range(6)):
            log.close()
    with open_log(wish(data, url)) as log:
        claim(log, ImageStore(data))


def test_a_folder_says_where_its_log_was_without_the_password(url: str, data: Any) -> None:
    if url.startswith("sqlite"):
        pytest.skip("a file has no password")
    secret = url.replace("station@", "station:s3cret@") + "&application_name=s3cret"
    with InspectionLog.open(secret) as log:
        adopt(log, ImageStore(data))
    assert "s3cret" not in (data / BELONGING).read_text()
    assert "station" in (data / BELONGING).read_text()
