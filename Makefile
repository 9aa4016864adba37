# make demo, make test and make check install what they need into .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PLAIN := .venv-plain
PACKAGING := .venv-packaging
LOWEST := .venv-lowest
LOCKING := .venv-locking
# Of `make demo`: a folder of labelled images to train on in place of made-up strips, and one of images to inspect.
DATA ?=
DEMO := $(if $(DATA),demo/own,demo)
IMAGES ?= $(if $(DATA),$(DATA)/test_images,demo/fresh/train_images)
RUNTIME_TESTS := tests/cascade tests/results tests/inspector tests/cli/test_inspect.py tests/cli/test_bench.py tests/cli/test_score.py
STATION_TESTS := tests/station/test_station.py tests/station/http/routes/test_inspecting.py
TRUST_TESTS := tests/inspector/test_signature.py tests/cli/test_sign.py tests/station/log tests/station/http/middleware

# Of the plain install: what its tests need beside it, and how they run.
PLAIN_TESTERS := pytest pytest-timeout pytest-xdist hypothesis onnx
IN_PLAIN := -o pythonpath=tests -n 2 --dist loadfile --no-loadscope-reorder
ALONE := $(addprefix tests/training/test_,parallel_jobs.py devices.py job_memory.py allocator.py batches.py)

# Of the page's tests: they need no browser, and no network once they are installed.
NODE_INSTALLED := node_modules/.installed
PAGE_TESTS = $(shell find tests/station/page/js -name '*.test.js')
ifneq ($(shell command -v node && command -v npm),)
HAS_NODE := yes
endif

# One line per package of a MB or more: enough to see it move, little enough to read.
PIP_LINES := sed -unE -e 's/^ *Downloading (.*\([0-9.]+ [MG]B\))/  \1/p' -e 's/^Installing collected packages.*/  installing .../p'

.PHONY: help demo test test-slow test-python test-page check check-python check-page no-node docs package plain lowest lock clean

help:
	@echo "make demo    draw strips, train, judge, decide verdicts, export an inspector, calibrate it, inspect fresh strips, report"
	@echo "             DATA=FOLDER takes your own labelled images, without the calibration"
	@echo "make test    run the tests and the examples in the docstrings"
	@echo "make test-slow  trainings from end to end, jobs side by side, several devices"
	@echo "make check   ruff, mypy, import-linter; tsc and eslint on the page where node is installed; the site of the documents"
	@echo "make docs    the documents as a site, in site/"
	@echo "make package  build wheel and sdist into dist/, and hold them to what may be in them"
	@echo "make plain   prove that the plain install inspects and scores without torch, and the station runs without it"
	@echo "make lowest  the same tests with the least version that pyproject.toml allows of each package"
	@echo "make lock    write requirements/serve.lock anew: the present versions of a station's packages, with hashes"
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

# Without DATA, of strips that are drawn here: those trained on, fresh ones for the bound, and fresh ones to look at.
demo/strips: | $(INSTALLED)
	$(BIN)/steelsight data make $@ --images 480 --seed 7 --strips-per-coil 2 --difficulty 0.1
demo/calibration: | $(INSTALLED)
	$(BIN)/steelsight data make $@ --images 400 --seed 1007 --strips-per-coil 1 --difficulty 0.1
demo/fresh: | $(INSTALLED)
	$(BIN)/steelsight data make $@ --images 24 --seed 2007 --difficulty 0.1

# --resume starts what is not there yet, and goes on with what was interrupted.
demo: $(INSTALLED) $(if $(DATA),,demo/strips demo/calibration demo/fresh)
	$(BIN)/steelsight train "$(or $(DATA),demo/strips)" --recipe demo --out $(DEMO)/run --resume $(if $(DATA),,--groups demo/strips/groups.csv)
	$(BIN)/steelsight decide $(DEMO)/run --max-escape 0.1 --max-overkill 0.2
	$(BIN)/steelsight export $(DEMO)/run --out $(DEMO)/inspector
ifeq ($(DATA),)
	$(BIN)/steelsight decide demo/inspector --calibrate demo/calibration --groups demo/calibration/groups.csv --max-escape 0.05 --max-overkill 0.1 --confidence 0.95
	@echo "guaranteed on made-up steel, which says nothing of real steel"
	$(BIN)/steelsight report demo/inspector
endif
	@if test -d "$(IMAGES)"; then set -x; \
	  $(BIN)/steelsight inspect $(DEMO)/inspector "$(IMAGES)" --out $(DEMO)/inspected --masks --overlays; \
	  $(BIN)/steelsight report $(DEMO)/run --inspected $(DEMO)/inspected; \
	else echo "no folder $(IMAGES) to inspect; name one: make demo DATA=... IMAGES=FOLDER"; $(BIN)/steelsight report $(DEMO)/run; fi
	@echo
	@echo "report:    $(CURDIR)/$(DEMO)/run/report/index.html"
	@echo "inspector: $(CURDIR)/$(DEMO)/inspector"
	@echo "inspected: $(CURDIR)/$(DEMO)/inspected"
	@echo "look:      $(BIN)/steelsight serve $(DEMO)/inspector --data $(DEMO)/station --open"

test: test-page test-python

test-python: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --durations=10

# Two beside each other; then, one after another, those that measure memory or fill the machine by themselves.
test-slow: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2 --dist loadfile --no-loadscope-reorder --durations=10 --timeout 1800 \
	  $(addprefix --ignore=,$(ALONE))
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --durations=5 --timeout 1800 $(ALONE)

check: check-python check-page docs

# A link that leads nowhere, a page that nothing leads to, or a thing that would be loaded from elsewhere is a fault.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

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

# The wheel is built from the sdist, so that what the sdist lacks is missed at once.
package:
	@$(PYTHON) -m venv --clear $(PACKAGING)
	@$(PACKAGING)/bin/pip install --disable-pip-version-check --quiet build twine
	@rm -rf dist
	$(PACKAGING)/bin/python -m build --outdir dist . >/dev/null
	$(PACKAGING)/bin/twine check --strict dist/*
	$(PACKAGING)/bin/python .ci/package_contents.py dist/*
	@rm -rf $(PACKAGING)

# The package as a user gets it: the wheel, without extras; and the runtime's tests beside it. Then with the station.
plain: package
	@$(PYTHON) -m venv --clear $(PLAIN)
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet dist/*.whl
	$(PLAIN)/bin/steelsight --version
	@rm -rf $(PLAIN)/strips
	$(PLAIN)/bin/steelsight data make $(PLAIN)/strips --images 12
	cd /tmp && "$(CURDIR)/$(PLAIN)/bin/steelsight" score "$(CURDIR)/$(PLAIN)/strips/train.csv" \
	  "$(CURDIR)/$(PLAIN)/strips/train.csv" --images "$(CURDIR)/$(PLAIN)/strips/train_images"
	@$(PLAIN)/bin/python -c "from pathlib import Path; import steelsight; \
	  kept = [str(file) for file in Path(steelsight.__file__).parent.rglob('*') if file.suffix in ('.jpg', '.jpeg', '.png')]; \
	  raise SystemExit(f'the package carries images: {kept}' if kept else 0)"
	$(PLAIN)/bin/python -c "from importlib.util import find_spec; \
	  heavy = [name for name in ('torch', 'pandas', 'sklearn', 'matplotlib', 'zarr', 'numba', 'onnx') if find_spec(name)]; \
	  raise SystemExit(f'the plain install brings {heavy}' if heavy else 0)"
	@size=$$(du -sm $(PLAIN)/lib/python*/site-packages | cut -f1); echo "plain install: $$size MB"; \
	  test $$size -lt 500 || { echo "the plain install must stay under 500 MB" >&2; exit 1; }
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet $(PLAIN_TESTERS)
	OMP_NUM_THREADS=1 $(PLAIN)/bin/python -m pytest $(IN_PLAIN) $(RUNTIME_TESTS)
	@$(PLAIN)/bin/pip install --disable-pip-version-check --quiet "$$(echo dist/*.whl)[serve,sign,postgres]" httpx
	OMP_NUM_THREADS=1 $(PLAIN)/bin/python -m pytest $(IN_PLAIN) $(STATION_TESTS) $(TRUST_TESTS)
	@$(PLAIN)/bin/python -c "from importlib.util import find_spec; raise SystemExit(bool(find_spec('torch') or find_spec('pandas')))"
	@rm -rf $(PLAIN)

# A bound that is too low shows here alone: everything else runs with what is newest.
lowest:
	@$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python .ci/lowest_bounds.py serve sign postgres > $(LOWEST)/constraints.txt
	@$(LOWEST)/bin/pip install --disable-pip-version-check --quiet --constraint $(LOWEST)/constraints.txt ".[serve,sign,postgres]" \
	  $(PLAIN_TESTERS) httpx
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest $(IN_PLAIN) $(RUNTIME_TESTS) $(STATION_TESTS) $(TRUST_TESTS)
	@rm -rf $(LOWEST)

# With hashes, and without an address: where packages come from is a matter of who installs them.
lock:
	@$(PYTHON) -m venv --clear $(LOCKING)
	@$(LOCKING)/bin/pip install --disable-pip-version-check --quiet uv
	$(LOCKING)/bin/uv pip compile pyproject.toml --extra serve --extra sign --extra postgres --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --upgrade --quiet \
	  --output-file requirements/serve.lock
	@rm -rf $(LOCKING)

clean:
	rm -rf .venv $(PLAIN) $(PACKAGING) $(LOWEST) $(LOCKING) dist site node_modules demo
