# Every target sets up what it needs: Debian packages once, a virtual environment once (see scripts/setup_*.sh).
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# The interpreter QGIS uses; a python3 found first on PATH may be another one.
PYTHON ?= /usr/bin/python3
VENV_PYTHON := .venv/bin/python
OFFSCREEN := QT_QPA_PLATFORM=offscreen
LINTED := s2mask_qgis scripts tests benchmarks
TYPED := $(addprefix s2mask_qgis/,core engines jobs series simulation catalogues web google)

PACKAGED := metadata.txt LICENSE pb_tool.cfg scripts/package.py \
	$(shell find s2mask_qgis ui resources -name __pycache__ -prune -o -name extlibs -prune -o -print 2>/dev/null)

.PHONY: accuracy accuracy-ndvi help reliability run model fill test test-live lint format zip bench screenshots clean system

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: zip ## Do the whole job in real QGIS [SCENES= AREA= START= END= PARAMETERS= OUT= SIZE= DATES=]
	@$(PYTHON) scripts/run.py \
	  $(if $(SCENES),--scenes "$(SCENES)") $(if $(AREA),--area "$(AREA)") \
	  $(if $(START),--start "$(START)") $(if $(END),--end "$(END)") \
	  $(if $(PARAMETERS),--parameters "$(PARAMETERS)") $(if $(OUT),--out "$(OUT)") \
	  $(if $(SIZE),--size "$(SIZE)") $(if $(DATES),--dates "$(DATES)")

fill: .venv/ready ## Fill the gaps of dated NDVI: NDVI=folder OUT=folder [MASKS= METHOD= PARAMETERS= SEASONS=1]
	@$(VENV_PYTHON) scripts/fill.py \
	  $(if $(NDVI),--ndvi "$(NDVI)") $(if $(MASKS),--masks "$(MASKS)") $(if $(METHOD),--method "$(METHOD)") \
	  $(if $(OUT),--out "$(OUT)") $(if $(PARAMETERS),--parameters "$(PARAMETERS)") $(if $(SEASONS),--seasons "$(SEASONS)")

test: zip ## Run the tests [TESTS=tests/core]
	@$(OFFSCREEN) $(VENV_PYTHON) -m pytest $(TESTS)

test-live: .venv/ready ## Check what only the live services can show; needs an account: see docs/earth-engine.md
	@S2MASK_LIVE=1 $(OFFSCREEN) $(VENV_PYTHON) -m pytest tests/live -m live -s

lint: .venv/ready ## Check style, types and security
	@$(VENV_PYTHON) -m ruff check $(LINTED)
	@$(VENV_PYTHON) -m ruff format --check $(LINTED)
	@$(VENV_PYTHON) -m mypy $(TYPED)
	@$(VENV_PYTHON) -m bandit --quiet --severity-level medium --configfile pyproject.toml --recursive s2mask_qgis

format: .venv/ready ## Put the code into its format, and mend what ruff can mend
	@$(VENV_PYTHON) -m ruff format $(LINTED)
	@$(VENV_PYTHON) -m ruff check --fix $(LINTED)

zip: build/s2mask_qgis.zip ## Make the installable build/s2mask_qgis.zip

reliability: .venv/ready ## Let runs meet every fault, kills and many images, and print what was kept [NAMES=]
	@$(OFFSCREEN) $(VENV_PYTHON) -m tests.reliability $(NAMES)

bench: zip ## Measure speed and memory
	@for script in benchmarks/*.py; do $(VENV_PYTHON) "$$script"; done

model: .venv/ready ## Rebuild the models that ship, rank subsets of the published features, and write docs/models.md
	@$(VENV_PYTHON) scripts/model.py
	@$(VENV_PYTHON) scripts/fit_models.py

accuracy: .venv/ready ## Judge every cloud mask on simulated truth and real images, and write docs/accuracy.md [SETS=]
	@$(VENV_PYTHON) scripts/accuracy_table.py $(SETS)

accuracy-ndvi: .venv/ready ## Judge gap filling on observations that are held out, and write docs/accuracy-ndvi.md
	@OPENBLAS_NUM_THREADS=1 $(VENV_PYTHON) scripts/accuracy_ndvi.py

screenshots: zip ## Take the pictures of docs/images in real QGIS
	@$(VENV_PYTHON) scripts/screenshots.py
	@$(VENV_PYTHON) scripts/chart_pictures.py

clean: ## Remove what was built, the sample and the virtual environment
	@rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .qgis-settings

system:
	@scripts/setup_system.sh

.venv/ready: scripts/setup_venv.sh $(addprefix requirements/,dev.txt constraints.txt vendored.txt) | system
	@scripts/setup_venv.sh $(PYTHON)
	@touch $@

build/extlibs/.ready: requirements/vendored.txt scripts/vendor_client.py | .venv/ready
	@$(VENV_PYTHON) scripts/vendor_client.py build/extlibs
	@touch $@

build/s2mask_qgis.zip: $(PACKAGED) build/extlibs/.ready | .venv/ready
	@$(VENV_PYTHON) scripts/package.py build
