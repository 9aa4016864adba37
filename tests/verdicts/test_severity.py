"""Severity rules: what they hold of, what they say, and which files are refused."""

import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from helpers.data import ROOT
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.imaging.regions import Region
from steelsight.verdicts.severity import Severity, judge_severity, read_severity

CLASSES = ("1", "2", "3", "scale, deep")
SIZE = (256, 1600)
ISSUE = """
mm_per_pixel: {across: 0.5, along: 0.4}
rules:
  - {verdict: reject, class: "4"}
  - {verdict: reject, area_above: 2 cm²}
  - {verdict: reject, class: 1, more_than: 5, per: metre}
"""


def region(
    class_index: int = 0, left: int = 100, top: int = 100, width: int = 5, height: int = 5, area: int = 20
) -> Region:
    return Region(class_index, left, top, width, height, area, 0.9)


def judge(rule: dict[str, object], *regions: Region, size: tuple[int, int] = SIZE, mm: object = 0.5) -> str | None:
    """The reason of one rule."""
    fired = judge_severity(
        Severity.model_validate({"mm_per_pixel": mm, "rules": [{"verdict": "reject", **rule}]}), CLASSES, regions, size
    )
    return None if fired is None else fired.reason


def read(folder: Path, text: str, classes: tuple[str, ...] = ("1", "2", "3", "4")) -> Severity:
    (folder / "severity.yaml").write_text(text, "utf-8")
    return read_severity(folder / "severity.yaml", classes)


def test_the_rule_of_the_issue(tmp_path: Path) -> None:
    severity = read(tmp_path, ISSUE)
    classes = ("1", "2", "3", "4")
    assert judge_severity(severity, classes, [], SIZE) is None
    assert judge_severity(severity, classes, [region(3)], SIZE) == ("reject", "1 defect of class 4 (rule 1)")
    assert judge_severity(severity, classes, [region(1, area=1000)], SIZE) is None
    assert judge_severity(severity, classes, [region(1, area=1001)], SIZE) == (
        "reject",
        "1 defect of class 2 with an area of 2.002 cm², above 2 cm² (rule 2)",
    )
    assert judge_severity(severity, classes, [region()] * 3, SIZE) is None  # 0.64 m: 3.2 at most
    assert judge_severity(severity, classes, [region()] * 4, SIZE) == (
        "reject",
        "4 defects of class 1, 6.2 per metre, more than 5 (rule 3)",
    )


@pytest.mark.parametrize(
    ("rule", "holds", "not_quite", "reason"),
    [
        ({"class": "2"}, [region(1)], [region(0)], "1 defect of class 2"),
        ({"class": "scale, deep"}, [region(3)], [region(2)], "1 defect of class scale, deep"),
        ({"more_than": 0}, [region(2)], [], "1 defect of class 3, more than 0"),
        ({"more_than": 2}, [region()] * 3, [region()] * 2, "3 defects, more than 2"),
        (
            {"class": "1", "more_than": 5, "per": "metre"},
            [region()] * 5,
            [region()] * 4,  # of 0.8 m: exactly 5 per metre
            "5 defects of class 1, 6.2 per metre, more than 5",
        ),
        (
            {"area_above": "50 px2"},
            [region(area=51), region(2, area=70)],
            [region(area=50)],
            "2 defects, the largest of class 3 with an area of 70 px, above 50 px",
        ),
        (
            {"area_above": "0.5 %"},
            [region(area=2049)],
            [region(area=2048)],
            "1 defect of class 1 with an area of 0.5002 %, above 0.5 %",
        ),
        (
            {"class": "1", "total_area_above": "10 mm2"},
            [region(area=20), region(area=21), region(1, area=99)],
            [region(area=20), region(area=20), region(1, area=99)],
            "2 defects of class 1, together 10.2 mm², above 10 mm²",
        ),
        (
            {"longer_than": "30 mm"},
            [region(width=61)],
            [region(width=60, height=61)],
            "1 defect of class 1 with a length of 30.5 mm, above 30 mm",
        ),
        (
            {"wider_than": "1.5 cm"},
            [region(height=31)],
            [region(height=30, width=31)],
            "1 defect of class 1 with a width of 1.6 cm, above 1.5 cm",
        ),
        (
            {"class": "3", "nearer_to_edge_than": "20 mm"},
            [region(2, top=39)],
            [region(2, top=40), region(2, top=256 - 40 - 5), region(0, top=0), region(2, left=0)],
            "1 defect of class 3 with a distance of 19.5 mm from the edge, below 20 mm",
        ),
        (
            {"nearer_to_edge_than": "40 px"},
            [region(top=256 - 39 - 5)],
            [region(top=256 - 40 - 5)],
            "1 defect of class 1 with a distance of 39 px from the edge, below 40 px",
        ),
        (
            {"area_above": "50 px2", "longer_than": "9 px", "more_than": 1},
            [region(area=51, width=10)] * 2,
            [region(area=51, width=10), region(area=51, width=9), region(area=50, width=10)],
            "2 defects, the largest of class 1 with an area of 51 px, above 50 px and a length of 10 px, above 9 px, more "
            "than 1",
        ),
    ],
)
def test_a_condition_holds_strictly_and_says_so(rule: Any, holds: Any, not_quite: Any, reason: Any) -> None:
    assert judge(rule, *holds) == f"{reason} (rule 1)"
    assert judge(rule, *not_quite) is None


def test_the_gravest_rule_speaks_and_of_equal_ones_the_first() -> None:
    rules = [
        {"verdict": "review", "more_than": 0},
        {"verdict": "reject", "class": "3"},
        {"verdict": "reject", "area_above": "10 px2"},
    ]
    severity = Severity.model_validate({"rules": rules})
    assert judge_severity(severity, CLASSES, [region(2)], SIZE) == ("reject", "1 defect of class 3 (rule 2)")
    assert judge_severity(severity, CLASSES, [region(0, area=9)], SIZE).answer == "review"
    assert judge_severity(severity, CLASSES, [region(0)], SIZE).reason.endswith("(rule 3)")


def test_exactly_the_limit_is_not_above_it_in_any_unit() -> None:
    """As floats, 20,000 x 0.1 x 0.1 exceeds 200."""
    assert 20_000 * (0.1 * 0.1) > 200
    assert judge({"area_above": "2 cm2"}, region(area=20_000), mm=0.1) is None
    assert judge({"area_above": "200 mm2"}, region(area=20_000), mm=0.1) is None
    assert judge({"area_above": "2 cm2"}, region(area=20_001), mm=0.1) == (
        "1 defect of class 1 with an area of 2.0001 cm², above 2 cm² (rule 1)"
    )


DECIMAL = st.decimals("0.001", "50", places=3)
REGIONS = st.lists(
    st.builds(
        Region,
        st.integers(0, 3),
        st.integers(0, 1000),
        st.integers(0, 150),
        st.integers(1, 500),
        st.integers(1, 100),
        st.integers(1, 9000),
        st.just(0.5),
    ),
    max_size=6,
)


@given(
    REGIONS,
    DECIMAL,
    DECIMAL,
    st.fixed_dictionaries(
        {},
        optional={
            "class": st.sampled_from(CLASSES),
            "area_above": DECIMAL,
            "longer_than": DECIMAL,
            "wider_than": DECIMAL,
            "nearer_to_edge_than": DECIMAL,
            "total_area_above": DECIMAL,
            "more_than": st.integers(0, 6),
        },
    ).filter(bool),
)
def test_rules_in_millimetres_hold_as_counted_by_hand(regions: Any, across: Any, along: Any, rule: Any) -> None:
    units = {name: "mm2" if "area" in name else "mm" for name in rule if "than" in name or "area" in name}
    units.pop("more_than", None)
    written = {name: f"{value} {units[name]}" if name in units else value for name, value in rule.items()}
    per_metre = {"per": "metre"} if "more_than" in rule and across > along else {}
    reason = judge({**written, **per_metre}, *regions, mm={"across": str(across), "along": str(along)})
    meant = [
        one
        for one in regions
        if rule.get("class", CLASSES[one.class_index]) == CLASSES[one.class_index]
        and one.area * across * along > rule.get("area_above", -1)
        and one.width * along > rule.get("longer_than", -1)
        and one.height * across > rule.get("wider_than", -1)
        and min(one.top, SIZE[0] - one.top - one.height) * across < rule.get("nearer_to_edge_than", Decimal("inf"))
    ]
    total = sum(one.area for one in meant) * across * along
    limit = rule.get("more_than", 0) * (SIZE[1] * along / 1000 if per_metre else 1)
    assert (reason is not None) == (len(meant) > limit and total > rule.get("total_area_above", -1))
    if reason is not None:
        assert reason.startswith(f"{len(meant)} defect")


def test_rules_survive_being_written_and_read(tmp_path: Path) -> None:
    severity = read(tmp_path, ISSUE)
    written = severity.model_dump(mode="json")
    assert written["rules"][1] == {"verdict": "reject", "area_above": "2 cm2"}
    assert Severity.model_validate(written) == severity
    assert Severity.model_validate_json(severity.model_dump_json()) == severity


def test_what_a_rule_says_in_words(tmp_path: Path) -> None:
    assert [rule.text for rule in read(tmp_path, ISSUE).rules] == [
        "reject: a defect of class 4",
        "reject: a defect with an area above 2 cm²",
        "reject: more than 5 defects of class 1 per metre",
    ]
    both = {
        "verdict": "review",
        "class": "3",
        "nearer_to_edge_than": "20 px",
        "longer_than": "9 px",
        "total_area_above": "1 %",
    }
    (rule,) = Severity.model_validate({"rules": [both]}).rules
    assert rule.text == (
        "review: defects of class 3 with a length above 9 px and a distance from the edge below 20 px, together above 1 %"
    )


def test_values_are_read_as_they_stand_there(tmp_path: Path) -> None:
    """YAML 1.1 would make 8 of the class 010, and a truth of the class no; Windows begins a file with a mark."""
    rules = "[{verdict: reject, class: 010}, {verdict: review, class: no, area_above: 1e1mm2}]"
    text = f"\ufeffmm_per_pixel: 5e-1\nrules: {rules}"
    severity = read(tmp_path, text, ("010", "no", "8"))
    assert [rule.defect_class for rule in severity.rules] == ["010", "no"]
    assert (severity.mm_per_pixel.across, severity.mm_per_pixel.along) == (0.5, 0.5)
    assert severity.rules[1].area_above.shown == "10 mm²"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there must be a mapping; it may have the keys mm_per_pixel, rules"),
        ("rules: [", "line 1 cannot be read as YAML"),
        ("rules: []", "rules: there must be a list of rules, at least one"),
        ("rules: [class 4]", "rule 1: 'class 4' is refused: there must be a mapping"),
        ("rule: [{verdict: reject, class: 4}]", "rule: there is no such key; did you mean 'rules'"),
        ("rules: [{class: 4}]", "rule 1: verdict: the key is missing"),
        ("rules: [{verdict: rejct, class: 4}]", "rule 1: verdict: 'rejct' is not allowed; did you mean 'reject'"),
        ("rules: [{verdict: pass, class: 4}]", "verdict: 'pass' is not allowed; it must be one of: reject, review"),
        ("rules: [{verdict: reject, clas: 4}]", "rule 1: clas: there is no such key; did you mean 'class'"),
        ("rules: [{verdict: reject, defect_class: 4}]", "rule 1: defect_class: there is no such key"),
        ("rules: [{verdict: reject}]", "rule 1: the rule has no condition"),
        ("rules: [{verdict: reject, class: 4, class: 3}]", "'class' stands there twice"),
        (
            "rules: [{verdict: reject, class: 5}]",
            "rule 1: class: '5' is no class of the data; it must be one of: 1, 2, 3, 4",
        ),
        ("rules: [{verdict: reject, class: [1, 2]}]", "rule 1: class: it should be a valid string"),
        (
            "rules: [{verdict: reject, area_above: 2 cm2}]",
            "rule 1 is in millimetres or per metre; give mm_per_pixel",
        ),
        ("rules: [{verdict: reject, more_than: 2, per: metre}]", "rule 1 is in millimetres or per metre"),
        ("rules: [{verdict: reject, area_above: 20}]", "'20' is refused: it must be a number and its unit"),
        ("rules: [{verdict: reject, area_above: '0,5 %'}]", "'0,5 %' is refused: it must be a number and its unit"),
        ("rules: [{verdict: reject, area_above: 20 mm}]", "there is no unit 'mm' here"),
        ("rules: [{verdict: reject, longer_than: 2 %}]", "there is no unit '%' here"),
        (
            "rules: [{verdict: reject, area_above: -2 px2}]",
            "rule 1: area_above: '-2 px2' is refused: it must be above 0",
        ),
        ("rules: [{verdict: reject, longer_than: 1e999 px}]", "it must be above 0"),
        ("rules: [{verdict: reject, more_than: -1}]", "rule 1: more_than: '-1' is refused"),
        ("rules: [{verdict: reject, more_than: nan}]", "rule 1: more_than: 'nan' is refused"),
        (
            "rules: [{verdict: reject, more_than: 2.5}]",
            "rule 1: `more_than` counts the defects of an image; give a whole",
        ),
        ("rules: [{verdict: reject, class: 4, per: metre}]", "`per` says what `more_than` counts"),
        (
            "rules: [{verdict: reject, more_than: 2, per: meter}]",
            "rule 1: per: 'meter' is not allowed; did you mean 'metre'",
        ),
        ("mm_per_pixel: 0\nrules: [{verdict: reject, class: 4}]", "mm_per_pixel: across: '0' is refused"),
        ("mm_per_pixel: -0.5\nrules: [{verdict: reject, class: 4}]", "mm_per_pixel: across: '-0.5' is refused"),
        ("mm_per_pixel: {across: 1}\nrules: [{verdict: reject, class: 4}]", "mm_per_pixel: along: the key is missing"),
        ("mm_per_pixel: {acros: 1, along: 1}\nrules: [{verdict: reject, class: 4}]", "did you mean 'across'"),
        (
            "rules: [{verdict: reject, class: 4}, {verdict: review, class: '4', more_than: 0}]",
            "rules 1 and 2 fire for the same",
        ),
        (
            "mm_per_pixel: 1\nrules: [{verdict: reject, area_above: 2 cm2}, {verdict: reject, area_above: 200 mm2}]",
            "rules 1 and 2 fire for the same images",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "severity.yaml"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_files_of_the_documentation_are_read(tmp_path: Path) -> None:
    text = (ROOT / "docs/severity.md").read_text("utf-8")
    blocks = [block for block in re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE) if "rules:" in block]
    assert len(blocks) == 2
    for block in blocks:
        assert len(read(tmp_path, dedent(block), ("1", "4", "scratch")).rules) == block.count("verdict:")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        read_severity(tmp_path / "none.yaml", CLASSES)


@given(st.text(max_size=60) | st.text("{}[]:,-#&*!|>'\"% \nrulesvdict=class0.5", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(UserError):
        read_severity(path, CLASSES)
