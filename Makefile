# What the targets do: make help. The tools come from VENV, which is built when it is missing or requirements.lock
# changed; `make record BIN=/some/bin` uses the tools in that folder instead and builds nothing.
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
ANIMALS = data/animals

ifdef BIN
READY =
else
BIN = $(VENV)/bin
READY = $(VENV)/.ready
endif
export PATH := $(abspath $(BIN)):$(PATH)

# Options that a user's pip configuration or environment may set and that do not fit a virtual environment.
PIP = env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT PIP_USER=0 PIP_NO_DEPS=0 PIP_REQUIRE_HASHES=0 PIP_NO_INPUT=1 \
  PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/bin/python -m pip

.DEFAULT_GOAL := help
.PHONY: help demo photographs test lint record sync compare lock

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-11s %s\n' "$$name" "$$text"; done

demo: $(READY)  ## make every figure and table at demo scale, from nothing
	snakemake --cores $(CORES) all --config scale=demo
	@sohem summary --scale demo

photographs: $(READY)  ## train and compare on real photographs: voc12_animals.tar in data/animals
	@if [ -d $(ANIMALS)/VOCdevkit/VOC2012 ]; then :; elif [ -f $(ANIMALS)/voc12_animals.tar ]; then \
	  echo "photographs: unpacking $(ANIMALS)/voc12_animals.tar"; \
	  rm -rf $(ANIMALS)/.unpacking && mkdir $(ANIMALS)/.unpacking && \
	  tar -xf $(ANIMALS)/voc12_animals.tar -C $(ANIMALS)/.unpacking && \
	  mv $(ANIMALS)/.unpacking/VOCdevkit $(ANIMALS)/ && rmdir $(ANIMALS)/.unpacking; \
	else \
	  echo "photographs: neither $(ANIMALS)/voc12_animals.tar nor $(ANIMALS)/VOCdevkit/VOC2012 is there; put the tar there," \
	    "or make the tree: $(BIN)/python examples/animals_tree.py VOCtrainval_11-May-2012.tar --out $(ANIMALS)" >&2; exit 1; fi
	snakemake --cores $(CORES) all --configfile examples/animals.yaml

test: $(READY)  ## run the test suite, the linters and the type checker among it
	pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## ruff, mypy and snakemake --lint
	ruff check .
	ruff format --check .
	mypy
	snakemake --lint

record: $(READY)  ## after snakemake: write what it made into dvc.lock
	@echo "record: is everything up to date?"
	@plan=$$(snakemake --dry-run --nocolor all paper 2>&1) || { printf '%s\n' "$$plan" >&2; exit 1; }; \
	case "$$plan" in *"Nothing to be done"*) ;; *) printf '%s\n' "$$plan" | sed -n '/^Job stats/,$$p' >&2; \
	  echo "record: this is still to be made, so nothing was recorded; run: snakemake --cores all all" >&2; exit 1;; esac
	@echo "record: writing dvc.lock"
	@python -m sohem.sources workflow/code.json
	dvc commit --force --quiet

sync: $(READY)  ## after git checkout or pull, dvc pull, dvc repro: files and Snakemake's records as in dvc.lock
	@echo "sync: the files of dvc.lock"
	@dvc checkout --quiet || { echo "sync: not all of them are in the cache; from a remote: dvc pull" >&2; exit 1; }
	@dvc status --quiet || { dvc status >&2; \
	  echo "sync: the files above are not what dvc.lock says, so nothing was marked as up to date." >&2; \
	  echo "sync: files missing? dvc pull. Parameters or code changed? dvc repro, or snakemake and make record." >&2; \
	  exit 1; }
	@echo "sync: the images, where their parameters changed or they are missing"
	snakemake --cores $(CORES) --quiet all -- fetch_all
	@echo "sync: Snakemake's records"
	snakemake --touch --forceall --cores 1 --quiet all -- all

compare: $(READY)  ## two commits side by side: make compare REV=HEAD~1 [AGAINST=HEAD]
	@sohem compare --revision '$(or $(REV),HEAD~1)' $(if $(AGAINST),--against '$(AGAINST)')

lock:  ## resolve requirements.in into requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  requirements.in -o requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is not Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "building $(VENV) from requirements.lock (some minutes)"
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-compile --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@# Bytecode once, and not at each of the hundred starts of Python where nobody may write it (PYTHONDONTWRITEBYTECODE)
	$(VENV)/bin/python -m compileall -q -j 0 $(VENV)/lib > /dev/null || true
	touch $@
