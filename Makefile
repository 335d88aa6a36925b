# Every target sets up what it needs: a virtual environment with pinned dependencies, nothing with sudo.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup run test test-real lint format bench docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

test: setup
	$(BIN)/python -m pytest -m "not real_model" --cov --cov-report=term:skip-covered

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pages that are rendered from code; tests fail when a committed page differs from its rendering.
docs: setup
	$(BIN)/python -c "from gateway.settings.reference import render_reference as page; print(page(), end='')" > docs/settings.md
	$(BIN)/python -c "from gateway.error_reference import render_errors as page; print(page(), end='')" > docs/errors.md
