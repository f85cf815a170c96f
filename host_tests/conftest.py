"""What all tests share: the interpreters, and the account of them at the end of a run."""

import gc
import os
import sys

import pytest
from hypothesis import HealthCheck, settings
from meterling_tools import dependencies, interpreters

sys.path.append(str(dependencies.fetch()))  # microdot, which the portal imports

# The same examples in every run of CI; at home new ones each time. A busy machine fails nothing.
settings.register_profile(
    "meterling",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("meterling")


def pytest_sessionstart(session):
    """CI must never pass because an interpreter quietly was not there."""
    if os.environ.get("CI"):
        missing = [found for found in map(interpreters.find, interpreters.NAMES) if not found]
        if missing:
            pytest.exit(f"CI tests on every interpreter; missing: {missing}", returncode=1)


# Files whose tests may run side by side: they measure no time, and wait for nothing that a busy
# machine makes too late.
_SIDE_BY_SIDE = (
    "apdu axdr block_transfer boards build_folder build captures ciphering clock config "
    "decode ethernet factory_reset fuzz hdlc heap image kernels layout_file layouts line "
    "line_model listener mbus migrations mode5 nordic operators oracles p1 plausible reading "
    "records replay rescue shorten simulate sml sml_transport sniffer text timezone update_release "
    "update_slots update_signature label mip portal_api portal_captive portal_dns portal_keys "
    "portal_passwords portal_plain portal_security unload pages pages_health pages_update power "
    "signals sign_on site webflasher decode_text interpreters_fetched saved_meanwhile "
    "site_left_out webflasher_folder app cli detect dns flash flash_app flash_settings health "
    "improv live monitor outbox pages_on_firmware portal_guest_network scenario screenshots "
    "update_firmware update_interrupt wifi"
).split()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem.removeprefix("test_") in _SIDE_BY_SIDE:
            item.add_marker("side_by_side")


def pytest_collection_finish():
    # The firmware collects garbage often. 8000 tests are none, and need not be looked at each time.
    gc.collect()
    gc.freeze()


@pytest.fixture(params=interpreters.NAMES)
def interpreter(request):
    """Each Python that the firmware runs on, one after the other; one that this machine lacks
    skips the test. For some of them only:

        @pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
    """
    found = interpreters.find(request.param)
    if not found:
        pytest.skip(f"no {request.param}: {found.reason}")
    return found


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("interpreters")
    for name in interpreters.NAMES:
        found = interpreters.find(name)
        if not found:
            account = f"SKIPPED: {found.reason}"
        elif name == "cpython":
            account = f"{found.version}, ran the tests ({found.path})"
        else:
            account = f"{found.version}, started {found.starts} times ({found.path})"
        terminalreporter.line(f"{name:<14} {account}", green=bool(found), red=not found)


@pytest.fixture(scope="session")
def npm():
    """What the pages are built with; skips, loudly, where npm's packages cannot be had."""
    from meterling_tools import CommandError, site

    try:
        site.install()
    except CommandError as error:
        pytest.skip(f"the pages cannot be built: {error}")
