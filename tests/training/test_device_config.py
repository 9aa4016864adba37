"""A GPU that is not there is told from its driver, as torch would tell it later."""

from typing import Any

import pytest
import torch

from steelsight.core.errors import UserError
from steelsight.training.device_config import DeviceConfig, check_count, require_device


def test_only_what_torch_would_refuse_is_refused() -> None:
    require_device(DeviceConfig("auto"))
    require_device(DeviceConfig("cpu"))
    if torch.cuda.is_available():
        require_device(DeviceConfig("cuda"))
        return
    with pytest.raises(UserError, match="use `device=cpu`"):
        require_device(DeviceConfig("cuda"))


def test_more_gpus_than_there_are_is_refused() -> None:
    for enough in (DeviceConfig("cuda", 2), DeviceConfig("auto", "auto"), DeviceConfig("auto", 1)):
        check_count(enough, 2)
    with pytest.raises(UserError, match=r"`devices=3`: this machine has 2 CUDA devices; ask for no more"):
        check_count(DeviceConfig("auto", 3), 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "tpu"}, "`device=tpu`: did you mean 'cpu'"),
        ({"devices": 0}, "`devices=0`: devices are a whole number from 1 on; give one, or auto"),
        ({"workers": -3}, "`workers=-3`: loader processes are a whole number from 0 on"),
        ({"parallel": 0}, "`parallel=0`: jobs side by side are a whole number from 1 on; give one, or auto"),
        ({"parallel": "2"}, "`parallel=2`"),
    ],
)
def test_what_no_machine_is_like_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        DeviceConfig(**wrong)
