# The course's commands; `make` alone lists them. They need Python 3.11 or later.
# Another interpreter: make lab PYTHON=/path/to/python3.12

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
# The first that runs: a version manager leaves names behind that do not.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name $(NEW_ENOUGH) 2>/dev/null && echo $$name && break; done)
VENV := .venv
ifeq ($(OS),Windows_NT)
PY := $(VENV)/Scripts/python.exe
else
PY := $(VENV)/bin/python
endif
# pip would compile on one core, which takes as long as all the rest; what cannot be
# compiled (tests for other Pythons) is left as it is.
PIP := $(PY) -m pip --disable-pip-version-check install --no-compile
COMPILE := $(PY) -m compileall -qq -j 0 $(VENV) || :
LEARN := $(VENV)/learn.stamp
TEST := $(VENV)/test.stamp
WORKERS ?= 2
# Small tensors are slower on two threads than on one, far slower if both are busy.
CHECK := OMP_NUM_THREADS=1 PYTHONUTF8=1 $(PY) -m

.PHONY: help lab reset test style unit verify attack solutions lessons bench clean
.DELETE_ON_ERROR:

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

lab: $(LEARN)  ## open the lessons in JupyterLab (LAB_FLAGS="--port 9999" is handed on)
	@$(PY) -m course_utils lab $(LAB_FLAGS)

reset: $(LEARN)  ## a fresh copy of one lesson, yours kept beside: make reset LESSON=03
	@$(PY) -m course_utils reset $(LESSON)

test: style unit verify  ## check everything: code, package, every notebook

style: $(TEST)  ## check the code's form
	$(CHECK) ruff check .

# Not reordered: the browser's tests, the longest of all, then begin first.
unit: $(TEST)  ## check the package: tests and the examples in its docstrings
	$(CHECK) pytest tests course_utils --doctest-modules --ignore tests/bench \
	    -n $(WORKERS) --dist loadscope --no-loadscope-reorder

# A notebook's cells stay together, and the longest notebooks begin first.
verify: $(TEST)  ## check every notebook: solutions strictly, lessons unsolved
	$(CHECK) pytest -q tests/lessons_unsolved.py --nbval $$(ls -r solutions/*.ipynb) \
	    -n $(WORKERS) --dist loadscope --no-loadscope-reorder

attack: $(TEST)  ## judge the long list of answers that no bank lists
	$(CHECK) pytest -q tests/attack/long.py -n $(WORKERS)

solutions: $(TEST)  ## run every solution and store its outputs, then write lessons/
	$(CHECK) course_utils.authoring.execute solutions/*.ipynb && $(MAKE) lessons

lessons: $(LEARN)  ## write lessons/ and the README's table from solutions/
	$(PY) -m course_utils release && $(PY) -m course_utils.authoring.readme

bench: $(TEST)  ## measure: the training step, how soon it draws well, the explorers
	$(PY) -m tests.bench.training_step
	$(PY) -m tests.bench.quality --data digits
	-$(PY) -m tests.bench.quality --data mnist
	$(CHECK) tests.bench.explorers

clean:  ## remove the environment and caches; my_lessons/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(or $(PYTHON),false) $(NEW_ENOUGH) || { \
	echo "This course needs Python 3.11 or later; found: $(or $(PYTHON),none)."; \
	echo "Get one at python.org, then: make lab PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(LEARN): $(PY) requirements.txt pyproject.toml
	@echo "Installing the course into $(VENV). PyTorch is large: this can take minutes."
	$(PIP) -r requirements.txt
	$(PIP) --no-deps -e .
	@$(COMPILE)
	@touch $@

$(TEST): $(LEARN) requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@$(COMPILE)
	@touch $@
