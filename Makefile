# Everything runs from .venv, which `make install` builds from the lock file with nothing but Python 3.11 or 3.12 and pip.

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PEERS := $(VENV)/peers-installed
LOCKING := --universal --python-version 3.11 --extra cluster --extra tables --extra schedule --extra notebook --extra dev --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

.PHONY: install demo test test-all check bench bench-more lock clean

install: $(STAMP) ## build the environment

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "hindcast needs Python 3.11 or 3.12; name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## make an archive with planted content, hunt it on Ray, count what was found
	@$(BIN)/python -m benchmarks.demo

test: $(STAMP) ## every test that fits into a quarter of an hour on two cores
	$(BIN)/python -m pytest -m "not slow" --hypothesis-profile=repeatable

test-all: $(STAMP) ## every test
	$(BIN)/python -m pytest

check: $(STAMP) ## format, lint, types, import rules, shipped signatures
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hindcast signatures check --warnings-as-errors jobs/examples/signatures
	$(BIN)/hindcast signatures test jobs/examples/signatures

$(PEERS): $(STAMP) requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-bench.lock
	@touch $@

bench: $(PEERS) ## measure against peers, answers compared; results go to benchmarks/results
	$(BIN)/python -m benchmarks.macro
	$(BIN)/python -m benchmarks.macro.noisy

bench-more: $(PEERS) ## the rest: curves, two workers against one, memory, compiling; wants a machine with nothing else to do
	$(BIN)/python -m benchmarks.macro curves
	$(BIN)/python -m benchmarks.macro.workers
	$(BIN)/python -m benchmarks.macro.memory
	$(BIN)/python -m benchmarks.micro.compile

lock: ## pin dependencies anew; needs uv on the PATH
	uv pip compile pyproject.toml $(LOCKING) --output-file requirements.lock
	uv pip compile pyproject.toml $(LOCKING) --constraint requirements.lock --extra bench --output-file requirements-bench.lock
	for name in requirements build; do \
		uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
			--quiet --constraint requirements.lock --output-file infra/image/$$name.lock \
			$$([ $$name = requirements ] && echo pyproject.toml --extra cluster) infra/image/$$name.in || exit 1; \
	done

clean:
	rm -rf $(VENV) demo build *.egg-info
