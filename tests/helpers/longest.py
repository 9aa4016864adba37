"""The files of tests that take longest: they start first."""

LONGEST = (
    "tests/test_readme.py",
    "tests/cluster/test_train.py",
    "tests/cli/test_paper.py",
    "tests/export/distil/test_distil.py",
    "tests/cli/test_train.py",
    "tests/test_notebooks.py",
    "tests/export/test_low_precision.py",
    "tests/export/test_export.py",
    "tests/export/test_judge_later.py",
    "tests/api/test_trained_run.py",
    "tests/training/test_other_trainings.py",
    "tests/station/page/test_review.py",
    "tests/cli/test_inspect.py",
    "tests/cluster/test_inspect.py",
    "tests/station/page/test_inspect.py",
    "tests/report/sections/test_defects.py",
    "tests/report/sign_off/test_sheet.py",
    "tests/training/test_epochs.py",
    "tests/selection/test_decide.py",
    "tests/report/test_build.py",
    "tests/report/sections/test_inspected.py",
    "tests/station/page/test_history.py",
    "tests/selection/test_unfound.py",
)
"""From the longest on; xdist keeps this order with --no-loadscope-reorder."""
