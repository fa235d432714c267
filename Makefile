# Two commands on a fresh machine do everything: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
CLASS := classroom
DEMO ?= 01 02 11

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test quick lint check pythons lab build clean
.DELETE_ON_ERROR:

setup: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==$$(sed -n 's/.*"torch==\(.*\)",/\1/p' pyproject.toml)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	mkdir -p $(VENV)/etc/ipython && cp autograder/notebook_state/ipython_kernel_config.json $(VENV)/etc/ipython/
	touch $(STAMP)

build: setup
	$(BIN)/autograder build

# The class is simulated from this repository's own code, so where there is no jail the weakest isolation will do.
demo: setup
	rm -rf $(CLASS)
	$(BIN)/autograder build
	$(BIN)/autograder release
	$(BIN)/autograder simulate $(DEMO) --students 12
	$(BIN)/autograder grade $(DEMO) || $(BIN)/autograder grade $(DEMO) --isolation process
	$(BIN)/autograder feedback
	$(BIN)/autograder report

test: setup
	$(PYTEST) --durations=20

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quick: lint
	$(PYTEST) tests/unit

check: lint
	$(BIN)/autograder build --check
	$(PYTEST) --durations=20

# The unit tests under every Python from 3.11 on that is installed here.
pythons:
	.ci/pythons

lab: setup
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir=$(CURDIR) $(LABFLAGS) \
	    notebooks/00_start/00_start.ipynb

clean:
	rm -rf $(VENV) $(VENV)-3.* $(CLASS) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
