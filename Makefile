# hackbook: `make` alone says what each target does.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ONLY   ?=
RECORD ?=
COVER  ?=
SERVE  ?= 1
export TF_CPP_MIN_LOG_LEVEL ?= 2
export PYTHONWARNINGS ?= ignore

.DEFAULT_GOAL := help
.PHONY: help run test check lab docs bench readme clean

help:  ## say what each target does
	@echo "hackbook: make TARGET"
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-8s %s\n", $$1, $$2}'

$(STAMP): settings.ini setup.py pyproject.toml
	@sh tools/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

run: $(STAMP)  ## train a CNN on real digits: runs the first tutorial, shows the score
	@$(BIN)/hackbook run nbs/tutorials/01_digits_cnn.ipynb --to _run

test: $(STAMP)  ## run the whole test suite; make test COVER=1 measures the coverage of lines and branches
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest tests -n 3 --dist loadscope --no-loadscope-reorder --durations=10 $(if $(COVER),--cov=hackbook --cov-branch --cov-report=term:skip-covered)

check: $(STAMP)  ## test what a change touches: make check RECORD=1 writes down what each test executes
	@$(BIN)/python tools/check.py $(if $(RECORD),--record)

lab: $(STAMP)  ## open JupyterLab on 127.0.0.1, in the tutorials
	@$(BIN)/hackbook lab

docs: $(STAMP)  ## render the docs site with Quarto, or smalldocs, and serve it on 127.0.0.1: make docs SERVE= only renders
	@$(BIN)/python tools/docs.py $(if $(SERVE),,--no-serve)

bench: $(STAMP)  ## measure against peers, side by side: make bench ONLY=mnist runs some
	@$(BIN)/python tests/bench/run.py $(if $(ONLY),--only $(ONLY))

readme: $(STAMP)  ## make README.md from nbs/index.ipynb
	@$(BIN)/python tools/readme.py

clean:  ## remove what the other targets made, the virtual environment included
	@rm -rf $(VENV) .coverage .testmondata* .hypothesis _run _shots _bench _docs _proc runs nbs/tutorials/replays nbs/tutorials/deck* nbs/tutorials/export nbs/tutorials/example build dist hackbook.egg-info .pytest_cache nbs/nbdev.yml
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
