# make demo, make test and make check install what they need into .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PLAIN := .venv-plain
RUNTIME_TESTS := tests/cascade tests/results tests/inspector tests/cli/test_inspect.py tests/cli/test_bench.py tests/cli/test_score.py
STATION_TESTS := tests/station/test_station.py tests/station/http/routes/test_inspecting.py

# Of the page's tests: they need no browser, and no network once they are installed.
NODE_INSTALLED := node_modules/.installed
PAGE_TESTS = $(shell find tests/station/page/js -name '*.test.js')
ifneq ($(shell command -v node && command -v npm),)
HAS_NODE := yes
endif

# One line per package of a MB or more: enough to see it move, little enough to read.
PIP_LINES := sed -unE -e 's/^ *Downloading (.*\([0-9.]+ [MG]B\))/  \1/p' -e 's/^Installing collected packages.*/  installing .../p'

.PHONY: help demo test test-python test-page check check-python check-page no-node plain clean

help:
	@echo "make demo    train, judge, decide verdicts, export an inspector, let it inspect unlabelled images, report (5 to 10 minutes)"
	@echo "make test    run the tests and the examples in the docstrings"
	@echo "make check   ruff, mypy, import-linter; tsc and eslint on the page where node is installed"
	@echo "make plain   prove that the plain install inspects and scores without torch, and the station runs without it"
	@echo "make clean   remove the virtual environments and the demo"
	@echo
	@echo "benchmarks: see bench/README.md"

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv \
	  || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "installing into .venv (several GB with torch; once)"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -e ".[dev]" | $(PIP_LINES)
	@touch $@

# --resume starts what is not there yet, and goes on with what was interrupted.
demo: $(INSTALLED)
	$(BIN)/steelsight train samples/severstal --recipe demo --out demo/run --resume
	$(BIN)/steelsight decide demo/run --max-escape 0.1 --max-overkill 0.2
	$(BIN)/steelsight export demo/run --out demo/inspector
	$(BIN)/steelsight inspect demo/inspector samples/severstal/test_images --out demo/inspected --masks --overlays
	$(BIN)/steelsight report demo/run --inspected demo/inspected
	@echo
	@echo "report:    $(CURDIR)/demo/run/report/index.html"
	@echo "inspector: $(CURDIR)/demo/inspector"
	@echo "inspected: $(CURDIR)/demo/inspected"
	@echo "look:      $(BIN)/steelsight serve demo/inspector --data demo/station --open"

test: test-page test-python

test-python: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10

check: check-python check-page

check-python: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ifdef HAS_NODE
$(NODE_INSTALLED): package.json package-lock.json
	@echo "installing the page's checks into node_modules (50 MB; once)"
	@npm ci --no-audit --no-fund --silent
	@touch $@

check-page: $(NODE_INSTALLED)
	node_modules/.bin/tsc -p .
	node_modules/.bin/tsc -p tests/station/page/js
	node_modules/.bin/eslint eslint.config.js src tests

test-page:
	node --test $(PAGE_TESTS)
else
check-page test-page: no-node

no-node:
	@echo "SKIPPED: the page's JavaScript is not checked, for node and npm are not installed (Debian: apt install nodejs npm)"
	@test "$${STEELSIGHT_NODE:-}" != required
endif

# The package as a user gets it: built, not editable, without extras; and the runtime's tests beside it. Then with the station.
plain:
	@$(PYTHON) -m venv --clear $(PLAIN)
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet .
	$(PLAIN)/bin/steelsight --version
	cd /tmp && "$(CURDIR)/$(PLAIN)/bin/steelsight" score "$(CURDIR)/samples/severstal/train.csv" \
	  "$(CURDIR)/samples/severstal/train.csv" --images "$(CURDIR)/samples/severstal/train_images"
	$(PLAIN)/bin/python -c "from importlib.util import find_spec; \
	  heavy = [name for name in ('torch', 'pandas', 'sklearn', 'matplotlib', 'zarr', 'numba', 'onnx') if find_spec(name)]; \
	  raise SystemExit(f'the plain install brings {heavy}' if heavy else 0)"
	@size=$$(du -sm $(PLAIN)/lib/python*/site-packages | cut -f1); echo "plain install: $$size MB"; \
	  test $$size -lt 500 || { echo "the plain install must stay under 500 MB" >&2; exit 1; }
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet pytest pytest-timeout hypothesis onnx
	OMP_NUM_THREADS=1 $(PLAIN)/bin/python -m pytest -o pythonpath=tests $(RUNTIME_TESTS)
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet ".[serve]" httpx
	OMP_NUM_THREADS=1 $(PLAIN)/bin/python -m pytest -o pythonpath=tests $(STATION_TESTS)
	@$(PLAIN)/bin/python -c "from importlib.util import find_spec; raise SystemExit(bool(find_spec('torch') or find_spec('pandas')))"
	@rm -rf $(PLAIN)

clean:
	rm -rf .venv $(PLAIN) node_modules demo
