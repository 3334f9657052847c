# `make test` and `make demo` need a clone, Python 3.10+ and make; each prepares .venv itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: test test-pythons demo lint types clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

test: $(INSTALLED)
	$(BIN)/python -m pytest

# The patching commands on every Python from 3.9 on that is installed; they need no torch.
test-pythons:
	bash .ci/test-pythons

demo: $(INSTALLED)
	$(BIN)/ffl-patch demo --out demo-output

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy sees the package as it installs: recipes and integrations inside ffl_plugin.
types: $(INSTALLED)
	rm -rf build/typed build/lib
	$(BIN)/python -m pip install --quiet --no-deps --target build/typed .
	cd build && MYPYPATH=typed ../$(BIN)/mypy --config-file ../pyproject.toml -p ffl_plugin

clean:
	rm -rf $(VENV) build dist demo-output
