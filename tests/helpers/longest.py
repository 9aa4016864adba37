"""The files of tests that take longest: they start first."""

LONGEST = (
    "tests/cli/test_paper.py",
    "tests/test_readme.py",
    "tests/test_api.py",
    "tests/test_notebooks.py",
    "tests/export/test_export.py",
    "tests/export/distil/test_distil.py",
    "tests/station/page/test_suspected.py",
    "tests/selection/test_decide.py",
    "tests/report/sign_off/test_sheet.py",
    "tests/station/page/test_review.py",
    "tests/cli/test_inspect.py",
    "tests/station/page/test_inspect.py",
    "tests/report/test_build.py",
    "tests/training/test_epochs.py",
    "tests/report/sections/test_defects.py",
    "tests/station/page/test_history.py",
    "tests/cli/test_train.py",
    "tests/verdicts/test_simulated_guarantee.py",
    "tests/station/page/test_viewer.py",
)
"""From the longest on; xdist keeps this order with --no-loadscope-reorder."""
