# Each target sets up what it needs: a Python >= 3.11 and make are enough.  `make help` lists them.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
PY := .venv/bin/python
JOBS ?= 2
CH ?= 01
export PYTHONPATH := $(CURDIR)/book/build
export PYTHONDONTWRITEBYTECODE ?=
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help book page serve lab test lint format types unit chapters pages nbval browser-test bench experiments \
	check-published lock clean distclean student nbgrader slides pdf pictures \
	try-download serve-student lab-student

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up, once -----------------------------------------------------------------------------

.venv/installed: requirements.lock pyproject.toml book/build/environment.py
	@$(PYTHON) book/build/environment.py
	@touch $@

.venv/browser: .venv/installed book/build/browser.lock
	@$(PY) book/build/environment.py browser
	@touch $@

# A click on a chapter opens a notebook; the setting stays within this environment.
.venv/lab: .venv/installed
	@mkdir -p .venv/share/jupyter/lab/settings
	@$(PY) -m jupytext_config --settings-file .venv/share/jupyter/lab/settings/overrides.json \
		set-default-viewer > /dev/null
	@touch $@

# --- the book -----------------------------------------------------------------------------------

book: chapters ## Build the whole site into _build/html, offline
	@$(PY) book/build/pages.py

chapters: .venv/installed
	@$(PY) book/build/execution.py --jobs $(JOBS)

student: chapters ## Set the students' edition, without solutions, into _build/student
	@$(PY) book/build/student.py
	@$(PY) -m pytest -q tests/test_student.py

nbgrader: .venv/installed ## Write the exercises as a course for nbgrader, and grade one chapter with it
	@$(PY) -m pytest -q tests/test_nbgrader.py
	@$(PY) book/build/assignments.py --grade

slides: chapters ## Set four decks of slides, with notes, into _build/slides
	@$(PY) book/build/slides.py
	@$(PY) -m pytest -q tests/test_slides.py

pdf: .venv/browser book ## Print the whole book into _build/scaling-laws.pdf
	@$(PY) book/build/pdf.py
	@$(PY) -m pytest -q tests/browser/test_pdf.py

page: .venv/installed ## Build one chapter and open it: make page CH=03
	@$(PY) book/build/execution.py $(CH)
	@$(PY) book/build/pages.py $(CH)

serve: book ## Serve the site on http://localhost:8000, stop with Ctrl-C
	@echo "http://localhost:8000"
	@$(PY) -m http.server --directory _build/html 8000

serve-student: student ## Serve the students' edition in the same way
	@echo "http://localhost:8000; in the classroom http://ADDRESS-OF-THIS-MACHINE:8000"
	@$(PY) -m http.server --directory _build/student/_build/html 8000

lab: .venv/lab ## Open the chapters as notebooks in JupyterLab
	@$(PY) -m jupyterlab $(LAB) notebooks

lab-student: .venv/lab ## Open the chapters of the students' edition, to do the exercises
	@test -d _build/student/notebooks || $(MAKE) --no-print-directory student
	@$(PY) -m jupyterlab $(LAB) _build/student/notebooks

try-download: book ## Run one downloaded chapter in an empty environment: make try-download CH=03
	@$(PYTHON) -m venv --clear _build/try && _build/try/bin/python -m pip install --quiet ipykernel nbclient
	@cp _build/html/_sources/notebooks/$(CH)_*.ipynb _build/html/_static/scalinglab-*.whl _build/try
	@cd _build/try && bin/jupyter-execute $(CH)_*.ipynb && echo "$(CH) runs with what its first cell installs"

# --- tests --------------------------------------------------------------------------------------

test: lint unit book ## Lint, types, unit tests, then every chapter run again and compared
	@$(PY) -m pytest -q -n $(JOBS) tests/test_book.py
	@$(PY) book/build/comparison.py --jobs $(JOBS)

lint: .venv/installed ## Ruff on package and chapters, mypy on the package
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(PY) book/build/style.py
	@$(PY) -m mypy scalinglab

format: .venv/installed ## Lay out package and chapters as lint wants them
	@$(PY) -m ruff check --quiet --fix .
	@$(PY) -m ruff format --quiet .
	@$(PY) book/build/style.py --fix

unit: .venv/installed
	@$(PY) -m pytest -q -n $(JOBS) --ignore tests/test_book.py

browser-test: .venv/browser book ## Read the site with a browser: requests, formulas, sliders, axe, phones
	@$(PY) -m pytest -q -n $(JOBS) -m "not pictures" tests/browser

pictures: .venv/browser book ## Take screenshots of the pages, light, dark and on a phone, into _build/screenshots
	@$(PY) -m pytest -q -n $(JOBS) -m pictures tests/browser

_build/peer/bin/python: # what practitioners use today, in an environment of its own
	@$(PYTHON) -m venv _build/peer && $@ -m pip install --quiet --quiet chinchilla==0.2.0

bench: .venv/installed _build/peer/bin/python ## Measure speed and coverage, and record both for the book (40 minutes)
	@$(PY) tests/bench/bench_fit.py --peer _build/peer/bin/python --record scalinglab/tables/bench_fit.csv
	@$(PY) tests/bench/bench_coverage.py --record scalinglab/tables/bench_coverage.csv
	@$(PY) tests/bench/bench_elbow.py --record scalinglab/tables/bench_elbow.csv
	@$(PY) tests/bench/bench_train.py --record scalinglab/tables/bench_train.csv
	@$(PY) tests/bench/bench_train.py --parity --record scalinglab/tables/bench_parity.csv
	@$(PY) tests/bench/bench_sweep.py --record scalinglab/tables/bench_sweep.csv

experiments: .venv/installed ## Make the recorded tables again (hours; runs that are there are kept)
	@$(PY) -m scalinglab sweep all

check-published: .venv/installed ## Refit other people's measurements and compare with what they print
	@$(PY) -m scalinglab check-published

# --- upkeep -------------------------------------------------------------------------------------

lock: .venv/installed ## Pin every version anew from pyproject.toml
	@$(PY) book/build/lock.py

clean: ## Remove what was built, keep the environment
	@rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis

distclean: clean ## Remove the environment too
	@rm -rf .venv
