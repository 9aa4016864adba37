from pathlib import Path
from typing import Any

import pytest

from steelsight.core.errors import UserError
from steelsight.networks.build import empty_backbone
from steelsight.networks.encoders import ENCODERS, PARAMETERS, find_weights, home, require_weights


@pytest.mark.parametrize("encoder", ENCODERS)
def test_parameter_counts_are_those_of_the_network(encoder: Any) -> None:
    named = empty_backbone(encoder).named_parameters()
    assert PARAMETERS[encoder] == sum(p.numel() for name, p in named if not name.startswith("classifier."))


@pytest.mark.parametrize("encoder", ["lite0", "lite1", "lite2"])
def test_lite_weights_come_from_the_packages(encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path))
    found = find_weights(encoder)
    assert found is not None
    assert (found.origin, found.path.suffix, found.path.is_file()) == ("package", ".pth", True)


def test_home_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path))
    assert home() == tmp_path / "weights"
    monkeypatch.delenv("STEELSIGHT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert home() == Path("/somewhere/steelsight/weights")


def test_absent_weights_name_the_commands_that_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path))
    with pytest.raises(UserError) as refused:
        require_weights("b3", "classify-b3")
    for part in (
        "encoder b3",
        "weights add b3 FILE",
        "weights add b3 --from-hub",
        "`overrides=members.classify-b3.weights=random`",
    ):
        assert part in str(refused.value)
