"""Groups that the user knows: read from a table or from names, joined with twins, and refused in one sentence."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from helpers.data import SAMPLE
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.groups import join_groups, read_groups
from steelsight.imaging.read import list_images

IMAGES = ["a_1.jpg", "a_2.jpg", "b_1.jpg"]


def table(folder: Path, text: str) -> str:
    path = folder / "groups.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_table_beside_made_up_strips_keeps_coils_and_twins_together() -> None:
    names = [path.name for path in list_images(SAMPLE / "train_images")]
    known = read_groups(str(SAMPLE / "groups.csv"), names)
    assert known["coil"] == [name.partition("_")[0] for name in names]
    assert [place for place, of in enumerate(known["twin_of"]) if of != names[place]] == [9]
    alone = np.arange(len(names))
    for kinds in (["coil"], ["twin_of"], ["coil", "twin_of"]):
        groups = join_groups(alone, {kind: known[kind] for kind in kinds})
        assert groups.tolist() == [*range(9), *range(8, 65)]  # the tenth strip is of the ninth's coil, and its twin


def test_a_pattern_finds_the_groups_in_the_names() -> None:
    known = read_groups(r"^(?P<coil>[^_]+)_(?P<side>\d)", ["in/a_1.jpg", "in/b_1.jpg", "in/a_2.jpg"])
    assert known == {"coil": ["in/a", "in/b", "in/a"], "side": ["1", "1", "2"]}


def test_names_that_were_guarded_against_formulas_are_read_as_they_are(tmp_path: Path) -> None:
    known = read_groups(table(tmp_path, "image,twin_of\n'=a.jpg,\nb.jpg,'=a.jpg\n"), ["=a.jpg", "b.jpg"])
    assert join_groups(np.arange(2), known).tolist() == [0, 0]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=8, unique_by=lambda pair: pair[0]))
def test_a_chain_of_images_that_name_each_other_is_one_surface(pairs: list[tuple[int, int]]) -> None:
    """Against the closure of the relation; images 6 to 9 are not in the data: 6 and 7 have rows, 8 and 9 have none."""
    named = dict(pairs)
    rows = "".join(f"{image}.png,{f'{named[image]}.png' if image in named else ''}\n" for image in range(8))
    with TemporaryDirectory() as folder:
        known = read_groups(table(Path(folder), f"image,twin_of\n{rows}"), [f"{image}.png" for image in range(6)])
    linked = np.eye(10, dtype=bool)
    for image, of in pairs:
        linked[image, of] = linked[of, image] = True
    for _ in range(10):
        linked = linked @ linked
    groups = join_groups(np.arange(6), known)
    np.testing.assert_array_equal(groups[:, None] == groups, linked[:6, :6])
    assert known["twin_of"] == [f"{np.flatnonzero(linked[image])[0]}.png" for image in range(6)]


def test_a_chain_goes_on_through_images_that_are_left_out(tmp_path: Path) -> None:
    text = "image,twin_of\na_1.jpg,gone.jpg\ngone.jpg,b_1.jpg\na_2.jpg,\nb_1.jpg,\n"
    known = read_groups(table(tmp_path, text), IMAGES)
    assert join_groups(np.arange(3), known).tolist() == [0, 1, 0]


def test_a_partner_that_is_left_out_is_not_taken_for_the_image_of_its_name_in_another_folder(tmp_path: Path) -> None:
    text = "image,twin_of\ncam1/0001.jpg,cam2/0001.jpg\ncam1/0002.jpg,cam2/0002.png\ncam3/0001.jpg,CAM2/1.jpg\n"
    images = ["cam1/0001.jpg", "cam1/0002.jpg", "cam3/0001.jpg"]
    assert join_groups(np.arange(3), read_groups(table(tmp_path, text), images)).tolist() == [0, 1, 2]
    itself = table(tmp_path, "image,twin_of\n0001.jpg,0001.png\n")
    assert read_groups(itself, ["0001.jpg"]) == {"twin_of": ["0001.jpg"]}
    for name in ("Cam2/1.jpg", "line1/cam2/0001.jpg", "0001.jpg"):
        wrong = table(tmp_path, f"image,twin_of\ncam1/0001.jpg,{name}\ncam2/0001.jpg,\n")
        with pytest.raises(UserError, match=r"write cam2/0001\.jpg if that is meant"):
            read_groups(wrong, ["cam1/0001.jpg", "cam2/0001.jpg"])


def test_a_remark_of_several_lines_is_read_and_loses_no_row(tmp_path: Path) -> None:
    text = 'image,coil,remark\na_1.jpg,1,"first\nsecond"\na_2.jpg,1,\nb_1.jpg,2,\n'
    known = read_groups(table(tmp_path, text), IMAGES)
    assert known == {"coil": ["1", "1", "2"], "remark": ["first\nsecond", "", ""]}
    for lost in ('image,coil\na_1.jpg,"1\na_2.jpg,1"\nb_1.jpg,2\n', 'coil,image\n1,"a_1.jpg\n1,a_2.jpg"\n2,b_1.jpg\n'):
        with pytest.raises(UserError, match=r"groups\.csv: no row for a_2|groups\.csv:2: a field begins here"):
            read_groups(table(tmp_path, lost), IMAGES)


def test_an_empty_field_says_that_the_group_is_not_known(tmp_path: Path) -> None:
    known = read_groups(table(tmp_path, "heat,image\n,b_1.jpg\n7,a_1.jpg\n,a_2.jpg\n,elsewhere.jpg\n"), IMAGES)
    assert known == {"heat": ["7", "", ""]}
    assert join_groups(np.arange(3), known).tolist() == [0, 1, 2]


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=1, max_size=3)
    )
)
def test_images_are_joined_where_a_chain_of_shared_groups_links_them(kinds: list[list[int]]) -> None:
    """Against the closure of the relation, by powers of its matrix; 0 is a group that is not known, but for twins."""
    twins = np.unique(np.array(kinds[0]), return_inverse=True)[1]
    known = {str(place): [str(number or "") for number in kind] for place, kind in enumerate(kinds[1:])}
    linked = twins[:, None] == twins
    for kind in kinds[1:]:
        numbers = np.array(kind)
        linked |= (numbers[:, None] == numbers) & (numbers > 0)
    for _ in kinds[0]:
        linked = linked @ linked
    groups = join_groups(twins, known)
    np.testing.assert_array_equal(groups[:, None] == groups, linked)
    assert list(dict.fromkeys(groups.tolist())) == list(range(groups.max() + 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "groups.csv: the table of groups is empty"),
        ("name,coil\na_1.jpg,1\n", "groups.csv: has the columns name, coil; it takes one called image"),
        ("image\na_1.jpg\n", "groups.csv: has the columns image; it takes one called image and others of groups"),
        ("image,coil\na_1.jpg,1\nb_1.jpg,1\n", "groups.csv: no row for a_2.jpg (1 of 3 images lack one)"),
        ("image,coil\na_1.jpg,1\na_1.jpg,2\n", "groups.csv:3: a_1.jpg has other groups in an earlier row"),
        ("image,coil\na_1.jpg\n", "groups.csv:2: has 1 fields, and the header 2"),
        (
            "image,twin_of\na_1.jpg,\na_2.jpg,A_1.jpg\nb_1.jpg,\n",
            "groups.csv: twin_of names A_1.jpg, and there is no such image; write a_1.jpg",
        ),
        (
            "image,twin_of\na_1.jpg,\na_2.jpg,in/b_001.png\nb_1.jpg,\n",
            "groups.csv: twin_of names in/b_001.png, and there is no such image; write b_1.jpg if that is meant, and if not, "
            "add a row for in/b_001.png",
        ),
    ],
)
def test_a_table_that_does_not_say_it_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as raised:
        read_groups(table(tmp_path, text), IMAGES)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("nowhere.csv", "nowhere.csv: there is no such file"),
        ("(coil", "(coil: neither a CSV file nor a pattern of names"),
        (r"\d+", r"\d+: no such file, and as a pattern it names no group of images"),
        ("nowhere.tsv", "nowhere.tsv: no such file, and as a pattern"),
        ("x" * 5000, "no such file, and as a pattern"),
        (r"(?P<coil>a)_", "no match for b_1.jpg (1 of 3 images lack one)"),
    ],
)
def test_a_pattern_or_a_file_that_is_none_is_one_sentence(wish: str, words: str) -> None:
    with pytest.raises(UserError) as raised:
        read_groups(wish, IMAGES)
    assert words in str(raised.value)


@pytest.mark.parametrize("name", ["groups.csv", "groups.tsv", "coils", "COILS.TXT"])
def test_a_file_is_a_table_whatever_its_suffix_and_its_backslashes_are_slashes(tmp_path: Path, name: str) -> None:
    rows = ("image\ttwin_of", "cam1\\a.jpg\tcam2\\b.jpg", ".\\cam2\\b.jpg\t", "c\\.jpg\t")
    (tmp_path / name).write_text("\n".join(rows))
    images = ["cam1/a.jpg", "cam2/b.jpg", "c\\.jpg"]  # the last has one in its name, as a file of Linux may
    assert read_groups(str(tmp_path / name), images) == {"twin_of": ["cam1/a.jpg", "cam1/a.jpg", "c\\.jpg"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_as_other_programs_write_it(tmp_path: Path, encoding: str, mark: str) -> None:
    rows = [("Image", "coil"), *((image, "ä1") for image in IMAGES)]
    file = tmp_path / "groups.csv"
    file.write_bytes("\r\n".join(mark.join(row) for row in rows).encode(encoding))
    assert read_groups(str(file), IMAGES) == {"coil": ["ä1"] * len(IMAGES)}
