"""A problem is said when it begins and when it is over, and a thousand files in trouble are not a thousand sentences."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.station.watch.problems import ProblemLog


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans())))
def test_each_begins_and_ends_in_turn(looks: list[tuple[str, bool]]) -> None:
    told: list[str] = []
    problems, wrong = ProblemLog(told.append), set[str]()
    for what, is_wrong in looks:
        before = len(told)
        if is_wrong:
            problems.begin(what, f"{what} is wrong")
        else:
            assert problems.end(what, f"{what} is right") == (what in wrong)
        assert (len(told) > before) == (is_wrong != (what in wrong))
        wrong = wrong | {what} if is_wrong else wrong - {what}
        assert problems.count == len(wrong)
        assert set(problems.sentences) == {f"{one} is wrong" for one in wrong}


def test_the_first_ten_files_are_named_and_that_there_are_more_is_said_once() -> None:
    told: list[str] = []
    problems = ProblemLog(told.append)
    for _ in range(2):
        for number in range(30):
            problems.begin_file(f"{number}.jpg", f"{number}.jpg is wrong")
    assert told == [*(f"{number}.jpg is wrong" for number in range(10)), "more files cannot be read at present"]
    assert (problems.count, problems.sentences) == (30, [])
    for number in range(30):
        problems.end_file(f"{number}.jpg")
    problems.begin_file("0.jpg", "again")
    assert (problems.count, told[-1]) == (1, "again")
