# make setup | format | test | gpu | bench | demo | demo-network | clean
SHELL := /bin/bash
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/made-from-pyproject
# Two cores shared by torch's threads and the tests' own processes: one thread each is faster and repeats exactly.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1

.PHONY: setup browser format test gpu bench demo demo-network clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module is needed (Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON): up to 6 GB of disk, 3 GB of it downloaded (torch with its CUDA libraries). Free here: $$(df -Ph . | awk 'NR == 2 {print $$4}')."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --progress-bar off -e '.[dev]'
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
		echo "cv2 cannot be imported (no libGL on this machine?): taking opencv-python-headless instead."; \
		$(BIN)/python -m pip uninstall --quiet --yes opencv-python && \
		$(BIN)/python -m pip install --quiet --progress-bar off opencv-python-headless && \
		$(BIN)/python -c 'import cv2'; }
	@touch $(STAMP)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The contact sheet is tested in a real browser.
browser:
	@command -v chromium chromium-browser google-chrome google-chrome-stable chrome >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "No Chromium is here, and it cannot be installed without you (Debian: apt install chromium)." >&2

test: setup browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest

gpu: setup
	$(BIN)/python -m pytest -m gpu

bench: setup
	@test -n "$(PHOTOS)" || { echo "Say which portraits to measure preparation on: make bench PHOTOS=folder" >&2; exit 2; }
	$(BIN)/python benchmarks/prep.py "$(PHOTOS)"
	$(BIN)/python benchmarks/levelling.py "$(PHOTOS)"

demo: setup
	$(BIN)/adatune demo

demo-network: setup
	$(BIN)/python -m adatune.demo.network

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
