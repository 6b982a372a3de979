# Everything runs in .venv, which the first target that needs it makes. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench screenshots walkthrough manifest peer clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DISPLAYED := scripts/with-display.sh

# The versions that the peer tests and the benchmarks compare with: the tutorial's, and the newest
# engine. They lie beside the environment, not in it, so that nothing of ours can come to need them.
PEER_VERSIONS := 1.8.19 3.2.0

# Processes that share the tests. All tests of windows run in one of them.
WORKERS ?= 2

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12        interpreter for .venv, used when .venv is made"
	@echo "  PYTEST_ARGS='-k points'  handed to pytest by make test"
	@echo "  WORKERS=2                processes that share the tests"
	@echo "  BENCH='name ...'         benchmarks to run; without it all of them"

demo: $(READY) ## segment a sample image (in a window where there is a display)
	$(BIN)/napari-ncut demo

test: $(READY) peer ## run every test, on a virtual display where there is none
	@cmp napari.yaml src/napari_ncut/napari.yaml || \
		{ echo "The two manifests differ; edit napari.yaml and run: make manifest" >&2; exit 1; }
	$(DISPLAYED) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

BENCH ?= $(filter-out _%,$(notdir $(basename $(wildcard benchmarks/*.py))))

bench: $(READY) peer ## run the benchmarks that our figures come from
	@set -e; for name in $(BENCH); do \
		echo "== benchmarks.$$name"; $(DISPLAYED) $(BIN)/python -m "benchmarks.$$name"; \
	done

screenshots: $(READY) ## draw the pictures of README and docs again
	$(DISPLAYED) $(BIN)/python docs/make_screenshots.py

walkthrough: $(READY) ## draw masks after clicks on three images, and a folder that is painted
	$(DISPLAYED) $(BIN)/python docs/make_walkthrough.py
	$(DISPLAYED) $(BIN)/python docs/make_job.py

manifest: ## copy napari.yaml into the package
	cp napari.yaml src/napari_ncut/napari.yaml

clean: ## remove .venv, .peers and all that builds and runs leave
	rm -rf $(VENV) .peers build dist demo-output htmlcov .coverage .coverage.*
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A comparison is no reason to fail where a peer cannot be had: its tests skip and say so.
peer: $(READY)
	@for version in $(PEER_VERSIONS); do \
		folder=.peers/ncut-pytorch-$$version; \
		test -f $$folder/.ready && continue; \
		rm -rf $$folder; \
		if $(call pip_install,--no-deps --target $$folder ncut-pytorch==$$version fpsample opencv-python-headless); \
		then touch $$folder/.ready; \
		else rm -rf $$folder; \
			echo "ncut-pytorch $$version could not be installed; what compares with it will be skipped." >&2; \
		fi; \
	done

# ------------------------------------------------------------------------------- the environment

# An activated environment or a user's settings must not redirect what we install.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Tests start many programs, and each would compile the libraries anew.
unexport PYTHONDONTWRITEBYTECODE

# uv: the one on PATH (asked for its version, since a version manager's shim may lead nowhere), or
# the one that `make` itself put into .venv, or else pip.
pip_install = { \
	if uv --version >/dev/null 2>&1; then uv pip install --python $(BIN)/python $(1); \
	elif $(BIN)/uv --version >/dev/null 2>&1; then $(BIN)/uv pip install --python $(BIN)/python $(1); \
	else $(BIN)/python -m pip install $(1); fi; }

find_python = \
	found=; for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then found="$$candidate"; break; fi; \
	done

$(READY): pyproject.toml
	@set -e; \
	if ! $(BIN)/python -c '' >/dev/null 2>&1; then \
		rm -rf $(VENV); \
		$(find_python); \
		if uv --version >/dev/null 2>&1; then \
			if [ -n "$$found" ]; then \
				found="$$("$$found" -c 'import sys; print(sys.executable)')"; \
			fi; \
			uv venv --python "$${found:->=3.11}" $(VENV); \
		elif [ -n "$$found" ]; then \
			echo "making $(VENV) with $$found"; \
			"$$found" -m venv $(VENV) || { rm -rf $(VENV); \
				echo "On Debian and Ubuntu, venv is a package of its own: apt-get install python3-venv" >&2; exit 1; }; \
		else \
			echo "napari-ncut needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
	fi; \
	if ! uv --version >/dev/null 2>&1 && ! $(BIN)/uv --version >/dev/null 2>&1; then \
		$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip; \
		$(BIN)/python -m pip install --quiet uv || { \
			echo "uv is not to be had; going on with pip"; \
			: "dependency groups came with pip 25.1"; \
			$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'; }; \
	fi; \
	$(call pip_install,-e '.[all]' --group dev); \
	touch $@
