.PHONY: help setup demo test check soak clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup:  ## environment, packages, Docker Engine, sandbox image (what is done is skipped)
	@deployments/setup.sh

demo: setup  ## one whole iteration on this machine, about a quarter of an hour
	@$(BIN)/flywheel run --preset demo

test: setup  ## every test but the long ones
	@$(BIN)/python -m pytest -m "not soak"

soak: setup  ## the long and destructive tests too
	@$(BIN)/python -m pytest

check: setup  ## lint, format, types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:  ## remove the environment and caches, never a workspace
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
