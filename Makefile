# The front door. It needs Python 3.11, pip, git and make, and installs the rest into .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

# uv comes from pip, into a folder of its own: no system package is touched.
UV := .uv/bin/uv
INSTALL := VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet

.PHONY: demo test check lint types contracts docs completions fix e2e clients bench lock clean

demo: $(VENV)/.installed
	@bash docs/demo.sh $(BIN)

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2

check: lint types contracts test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

docs: completions
	$(BIN)/python -m docs.generate

completions: $(VENV)/.installed-dev
	$(BIN)/python -m docs.completions

fix: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

e2e: $(VENV)/.installed-dev
	AGENTBOX_TEST_CLIENTS=1 $(BIN)/pytest -m "e2e or clients"

clients: $(VENV)/.installed-dev
	AGENTBOX_TEST_CLIENTS=1 $(BIN)/pytest -m clients

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

lock: $(UV)
	$(UV) pip compile --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
	    --quiet pyproject.toml -o requirements.lock
	$(UV) pip compile --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
	    --quiet pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .uv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv

$(VENV)/bin/python: | $(UV)
	$(UV) venv --quiet --python $(PYTHON) $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --build-constraints requirements-dev.lock --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
