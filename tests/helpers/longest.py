"""The files of tests that take longest: they start first."""

LONGEST = (
    "tests/cli/test_paper.py",
    "tests/station/page/test_review.py",
    "tests/export/test_export.py",
    "tests/training/test_epochs.py",
    "tests/cli/test_train.py",
    "tests/cli/test_predict.py",
    "tests/selection/test_decide.py",
    "tests/export/test_quantise.py",
    "tests/cli/test_export.py",
    "tests/cli/test_inspect.py",
    "tests/networks/test_build.py",
)
"""From the longest on; xdist keeps this order with --no-loadscope-reorder."""
