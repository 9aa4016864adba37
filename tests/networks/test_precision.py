import torch

from steelsight.networks.precision import autocast_for, gains_from_bf16, true_fp32


def test_autocast_is_on_where_asked_and_where_the_device_gains() -> None:
    left, right = torch.rand(4, 4), torch.rand(4, 4)
    for precision, expected in [
        ("fp32", torch.float32),
        ("bf16", torch.bfloat16),
        ("auto", torch.bfloat16 if gains_from_bf16("cpu") else torch.float32),
    ]:
        with autocast_for("cpu", precision):
            assert (left @ right).dtype == expected


def test_true_fp32_is_for_a_time() -> None:
    former = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with true_fp32():
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == former
    with autocast_for("cuda", "fp32"):
        assert not torch.backends.cudnn.allow_tf32
