# Two commands: `make demo` and `make test`. Both set everything up from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export PYTHONUNBUFFERED := 1
DEMO := training/example/params.yaml
RUN := runs/example
RECIPE := training/recipes/audience.yaml
SEEDS := $(addprefix runs/audience/seed-,17 18 19)

.PHONY: help setup demo test lint chromium results clean

help:
	@echo "make demo   set up, then the whole main job on the example messages"
	@echo "make test   set up, then lint, types and tests"
	@echo "make setup  the virtual environment alone"
	@echo "make results  train on the real messages, three seeds (hours)"
	@echo "make clean  take away the environment, runs and the embedded MLflow store"

setup: $(VENV)/.ready

# torch first and by itself: its pinned CPU build is taken where it lies ready, and nothing later replaces it.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=…"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: setup
	@$(BIN)/python -m training.demo --params $(DEMO)

# One browser for the page tests: any Chromium or Chrome; on Debian as root it is installed, else the command is named.
chromium:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome || [ -n "$$CHROMIUM" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "make: the page tests need Chromium: sudo apt-get install chromium (or set CHROMIUM to a browser's path)"; exit 2; fi

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup chromium lint
	$(BIN)/python -m pytest

# The real messages beside the checkout, three seeds: what docs/results.md reports. About three hours on two cores.
results: setup
	@test -d runs/adapted/encoder || $(BIN)/python -m training.adapt --params $(RECIPE)
	$(BIN)/python -m training.prepare --params $(RECIPE)
	$(BIN)/python -m training.train --params $(RECIPE) --seeds 3
	@for folder in $(SEEDS); do \
		$(BIN)/python -m eval.evaluate --params $$folder/params.yaml --model $$folder/bundle || exit $$?; \
	done
	@$(BIN)/python -m eval.seeds --params $(RECIPE) $(SEEDS:=/evaluation-test)

clean:
	rm -rf $(VENV) runs mlflow.db mlartifacts
