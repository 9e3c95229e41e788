# Two commands, each complete by itself on a machine with Python 3.11 or later, git and make:
#   make index [REPO=path]    index a repository (this one by default), and show a search in it
#   make test                 everything that must hold before a change goes in
# And the long ones:
#   make test-under-load          the tests, three times, on a machine kept busy by eight other processes
#   make campaign [MINUTES=60]    crash states, damage, faults, fuzzing, mutations; reports in out/campaign/
#   make bench [SIZE=small]       beside SQLite, LMDB, RocksDB, DuckDB and plain Tantivy; results in out/bench/

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& { echo $$python; break; }; done)
VENV ?= .venv
REPO ?= .
QUERY ?= open OR parse OR main OR test
# One more than there are processors: a test often waits for a disk or another process.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
MINUTES ?= 60
BUSY ?= 8
TIMES ?= 3
SIZE ?= small

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

# Each of the many processes that tests start would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: index test test-under-load campaign bench lint types imports smoke wheel tests clean

index: $(VENV)/installed
	$(BIN)/diptych index "$(REPO)" || test $$? -eq 1
	@echo; echo "diptych status"
	@$(BIN)/diptych status --store "$(REPO)/.diptych"
	@echo; echo "diptych search '$(QUERY)' --limit 5"
	@$(BIN)/diptych search '$(QUERY)' --limit 5 --store "$(REPO)/.diptych" || test $$? -eq 1

# The tests come last: their closing line is what one looks for.
test: lint types imports smoke wheel tests

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

imports: $(VENV)/installed-dev
	$(BIN)/lint-imports

smoke: $(VENV)/installed-dev
	$(BIN)/python tests/smoke.py $(BIN)/diptych

wheel: $(VENV)/installed-dev
	$(BIN)/python tests/wheel.py

# After a worker dies the run ends, and names the test: xdist would wait for ever for the units it hands out again.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --max-worker-restart 0 --dist loadgroup \
	-q -m "not slow"

tests: $(VENV)/installed-dev
	$(PYTEST)

test-under-load: $(VENV)/installed-dev
	$(BIN)/python -m tools.under_load --busy $(BUSY) --times $(TIMES) $(PYTEST)

# A campaign goes on to the next part when one finds something, and fails at the end.
PART = $(BIN)/python -m
SHARE = $$(( $(MINUTES) * 60 / 13 ))
campaign: $(VENV)/installed-dev
	@mkdir -p out/campaign; failed=; \
	$(PART) tools.crashsim run --states-max 300 --ordered-max 40 --random-count 10 \
		--time-max-s $$(( $(SHARE) * 4 )) --output out/campaign/crashsim || failed="$$failed crashsim"; \
	$(PART) tools.crashsim run --nested 2 --nested-states-max 25 --states-max 20 \
		--time-max-s $(SHARE) --output out/campaign/crashsim-nested || failed="$$failed crashsim-nested"; \
	$(PART) tools.crashsim run --subject sharing --states-max 300 --ordered-max 40 --random-count 10 \
		--time-max-s $(SHARE) --output out/campaign/crashsim-sharing || failed="$$failed crashsim-sharing"; \
	$(PART) tools.damage --seconds $(SHARE) --output out/campaign/damage.json || failed="$$failed damage"; \
	$(PART) tools.faults --seconds $$(( $(SHARE) * 2 )) --output out/campaign/faults.json || failed="$$failed faults"; \
	$(PART) tools.concurrency --seconds $(SHARE) --output out/campaign/concurrency.json \
		|| failed="$$failed concurrency"; \
	$(PART) tools.keeper --seconds $(SHARE) --out out/campaign || failed="$$failed keeper"; \
	$(PART) tools.agents --hits 10000 || failed="$$failed agents"; \
	$(PART) tools.queries --jobs 2 --output out/campaign/queries.json || failed="$$failed queries"; \
	$(PART) fuzz --seconds $(SHARE) --output out/campaign/fuzz.json || failed="$$failed fuzz"; \
	$(PART) tools.mutations --jobs 2 --seconds $(SHARE) --output out/campaign/mutations.json \
		|| failed="$$failed mutations"; \
	test -z "$$failed" || { echo "found something:$$failed"; exit 1; }

bench: $(VENV)/installed-dev
	$(PIP) --editable '.[bench]'
	$(BIN)/python -m tools.bench --size $(SIZE)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Diptych needs Python 3.11 or later: install it, or give PYTHON=path"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $(VENV)/installed $@
