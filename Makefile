# Needs Python 3.11+ and make; everything else goes into .venv, at the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Build back-ends are pinned by the same file.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip install --quiet
MADE_OF := pyproject.toml constraints.txt

.PHONY: help demo serve dev site test check format bench fuzz fuzz-video soak docs coverage lint fresh studies wheel page page-check page-types site-app clean

help:
	@echo "make demo    enhance a photo and a clip, and show them beside bicubic, in demo/"
	@echo "make serve   open the web page in the browser"
	@echo "make dev     install everything that development needs"
	@echo "make test    install what the tests need, and run them"
	@echo "make check   everything that must hold: format, lint, types, rooms, tests, documents, wheel"
	@echo "make format  put the code into its format"
	@echo "make page    build the web page into the package"
	@echo "make site-app  build the page that needs no server into build/site-app/"
	@echo "make docs    write the generated pages again"
	@echo "make studies conduct every study again and write its page, which takes hours"
	@echo "make site    build the documentation site into site/"
	@echo "make fuzz    look for inputs that break readers, an hour each (SECONDS=600)"
	@echo "make fuzz-video  enhance random clips and compare with FFmpeg (COUNT=300 SEED=1)"
	@echo "make soak    run everything under kills, full disks and a failing database (MINUTES=30)"
	@echo "make bench   measure quality and speed, and fill the tables of the README"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "crispen needs Python 3.11 or newer; give one with PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python $(MADE_OF)
	$(PIP) --editable .
	@touch $@

$(VENV)/.serve: $(BIN)/python $(MADE_OF)
	$(PIP) --editable '.[server]'
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: $(BIN)/python $(MADE_OF)
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps spandrel  # which would bring torchvision
	$(PIP) --no-deps brisque  # whose weights alone are used
	@touch $@ $(VENV)/.demo $(VENV)/.serve

dev: $(VENV)/.dev

demo: $(VENV)/.demo
	$(BIN)/python tools/demo.py

serve: $(VENV)/.serve
	$(BIN)/crispen serve --open

test: $(VENV)/.dev
	$(BIN)/python -m pytest

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/page.py format

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each writes pages out of the code; with --check it only says which are stale.
PAGES := generate data degradations lab_pages recipe_page server_settings alone_figures study_pages

docs: $(VENV)/.dev
	set -e; for page in $(PAGES); do $(BIN)/python tools/$$page.py; done

fresh: $(VENV)/.dev
	set -e; for page in $(PAGES); do $(BIN)/python tools/$$page.py --check; done

# Conducts every study again, which takes hours; `make docs` writes their pages from what is kept.
studies: $(VENV)/.dev
	$(BIN)/python tools/study_pages.py --run

# Strict: a broken link, anchor or reference is an error. The notebooks are run, which takes some
# twelve minutes; `make check` runs them in the tests.
CRISPEN_NOTEBOOKS ?= true
check: CRISPEN_NOTEBOOKS := false
site: $(VENV)/.dev
	CRISPEN_NOTEBOOKS=$(CRISPEN_NOTEBOOKS) NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean

# Node comes from PyPI with the rest of what developing needs.
page: $(VENV)/.dev
	$(BIN)/python tools/page.py build

page-check: $(VENV)/.dev
	$(BIN)/python tools/openapi.py --check
	$(BIN)/python tools/page.py check

page-types: $(VENV)/.dev
	$(BIN)/python tools/openapi.py
	$(BIN)/python tools/page.py types

site-app: $(VENV)/.dev
	$(BIN)/python tools/page.py site-app

wheel: $(VENV)/.dev
	$(BIN)/python tools/check_wheel.py

# The README's commands as they are written there; the tests run with coverage, two files at a
# time, since many of them wait for other processes. A crash ends the run: pytest-xdist would wait
# for ever for the tests of the process that is gone. Hundreds of tests start a Python, which reads
# compiled modules if it may write them; and two that use all cores at once wait for each other.
coverage: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 PYTEST_ADDOPTS="--tb=short --durations 30 -n 2 --dist loadfile --max-worker-restart 0 --cov --cov-report=term --cov-fail-under=90" $(BIN)/python tools/readme.py --run

check: lint fresh site page-check coverage wheel

bench: $(VENV)/.dev
	$(BIN)/python tools/bench.py

# Atheris has wheels for Linux only, so that it is no part of what development needs.
SECONDS ?= 3600
TARGETS ?=
fuzz: $(VENV)/.dev
	$(PIP) atheris
	nice -n 10 $(BIN)/python tools/fuzz.py $(TARGETS) --seconds $(SECONDS)

# Needs FFmpeg's command line, which makes the clips.
COUNT ?= 300
SEED ?= 1
fuzz-video: $(VENV)/.dev
	nice -n 10 $(BIN)/python tools/fuzz_video.py --count $(COUNT) --seed $(SEED)

MINUTES ?= 30
soak: $(VENV)/.dev
	nice -n 10 $(BIN)/python tools/soak.py --minutes $(MINUTES)

clean:
	rm -rf demo build dist site .cache .coverage htmlcov
