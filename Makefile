# Meterling: every target sets itself up first (own .venv), and only when needed.
#
#   make demo   the main job without hardware: METER= BROKER=host:port SECONDS= KEY=
#               SCENARIO=schwaz: from the box to live values; you are the owner
#   make test   all tests, on every interpreter this machine offers
#   make bench  speed, memory and latency against their targets
#   make build  the firmware as it goes onto a dongle: CHIP=esp32 -> build/esp32
#   make lint   ruff
#   make setup  only the set-up; PYTHON= names the interpreter to use
#   make clean  removes what was built (distclean: also labels, .venv and downloads)

READY := .venv/ready
CHIP ?= esp32
RUN := .venv/bin/meterling

# A .venv of a folder that was moved or copied points at the old place: made anew.
ifneq ($(shell cat $(READY) 2>/dev/null),$(shell pwd))
$(READY): moved
endif

.PHONY: setup test demo bench build lint clean distclean moved

setup: $(READY)
	@:

$(READY): pyproject.toml tools/setup-venv
	@tools/setup-venv

moved:

# Most only wait, so there are more of them than cores; those that measure time run one by one.
test: setup
ifdef ARGS
	@.venv/bin/python -m pytest $(ARGS)
else
	@status=0; \
	.venv/bin/python -m pytest -n 4 --dist worksteal -m side_by_side || status=$$?; \
	.venv/bin/python -m pytest -m "not side_by_side" || status=$$?; \
	exit $$status
endif

demo: setup
	@$(RUN) demo $(if $(METER),--meter '$(METER)') $(if $(BROKER),--broker '$(BROKER)') \
	    $(if $(SECONDS),--seconds '$(SECONDS)') $(if $(KEY),--key '$(KEY)') \
	    $(if $(SCENARIO),--scenario '$(SCENARIO)') $(ARGS)

bench: setup
	@$(RUN) bench $(ARGS)

build: setup
	@$(RUN) build --chip $(CHIP) build/$(CHIP)

lint: setup
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

# build/labels may hold the only copy of a dongle's settings: see flash_keep.Unfinished.
clean:
	rm -rf .pytest_cache .ruff_cache .hypothesis
	find build -mindepth 1 -maxdepth 1 ! -name deps ! -name labels \
	    -exec rm -rf {} + 2>/dev/null || true
	find firmware tools host_tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .cache build *.egg-info
