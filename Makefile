# make demo   sets up .venv and runs the main job: train, embed, cluster, evaluate, report
# make test   sets up .venv with the test extra and runs the whole suite
# make help   these and the rest
#
# Works from a bare Python 3.11 with pip and venv, in a path with spaces, and at once the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint types check docs clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

demo: $(VENV)/.installed
	@"$(BIN)/nolabel" demo

test: $(VENV)/.installed-test
	@OMP_NUM_THREADS=1 "$(BIN)/python" -m pytest -n auto

lint: $(VENV)/.installed-test
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .

types: $(VENV)/.installed-test
	@"$(BIN)/mypy"

check: lint types test

docs: $(VENV)/.installed-test
	@"$(BIN)/python" docs/make.py

clean:
	rm -rf $(VENV) runs

# Each stamp is renewed when what it was made from changes.
$(VENV)/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "nolabel needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@"$(PYTHON)" -m venv "$(VENV)"

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing nolabel and what it needs into $(VENV) ..."
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch "$@"

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing nolabel with its test extra into $(VENV) ..."
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch "$@" "$(VENV)/.installed"
