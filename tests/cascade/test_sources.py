import pytest
from data import SAMPLE, needs_sample

from steelsight.cascade.sources import Source, find_sources
from steelsight.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "b/a.jpg", "b/c.PNG", "b/notes.txt", "b/.hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def ids(*given):
    return [source.image_id for source in find_sources([str(path) for path in given])]


def test_a_folder_gives_what_is_below_it_by_its_path_inside(folder):
    assert ids(folder) == ["a.jpg", "b/a.jpg", "b/c.PNG"]


def test_files_and_patterns_give_file_names(folder):
    assert ids(folder / "b" / "c.PNG", folder / "a.jpg") == ["c.PNG", "a.jpg"]
    assert ids(folder / "b" / "*.PNG") == ["c.PNG"]
    assert ids(folder / "**" / "*.txt") == ["notes.txt"]


def test_a_file_named_twice_counts_once(folder):
    assert find_sources([str(folder / "b"), str(folder / "b/*.PNG"), str(folder / "b/a.jpg")]) == (
        Source("a.jpg", folder / "b/a.jpg"),
        Source("c.PNG", folder / "b/c.PNG"),
    )


def test_two_images_of_one_name_are_refused(folder):
    with pytest.raises(UserError, match=r"would both be named 'a\.jpg'"):
        find_sources([str(folder / "a.jpg"), str(folder / "b")])


@pytest.mark.parametrize("name", ["nothing.jpg", "*.bmp", "empty"])
def test_nothing_there_is_refused_with_the_path(folder, name):
    (folder / "empty").mkdir()
    with pytest.raises(UserError) as refused:
        find_sources([str(folder / name)])
    assert str(refused.value).startswith(str(folder / name))


@needs_sample
def test_the_sample_is_found_whole():
    assert len(find_sources([str(SAMPLE / "train_images")])) == 66
