"""What is loaded for one call is gone with it: a dongle has no room for it besides."""

import pytest
from meterling_tools import FIRMWARE, interpreters

MICROPYTHONS = pytest.mark.parametrize(
    "interpreter", ["micropython", "micropython32"], indirect=True
)

FAILS = """
much = bytearray(20000)
raise MemoryError
"""

IMPORT_THAT_FAILS = """
import gc, sys
import meterling.cosem
from meterling.python import unload

def used():
    gc.collect()
    return gc.mem_alloc()

sys.modules["meterling.nothing"] = None  # its name stays
unload("meterling", "nothing")
before = used()
try:
    import meterling.nothing
except MemoryError:
    pass
unload("meterling", "nothing more_of_it")
print(used() - before, "meterling.nothing" in sys.modules)
"""

CHECK = """
import gc
from meterling import config

config.check({})  # names stay
gc.collect()
before = gc.mem_alloc()
settings = config.check({"mqtt": {"host": "broker"}})
taken = gc.mem_alloc() - before
gc.collect()
print(taken - (gc.mem_alloc() - before))
"""


def printed(interpreter, script, *path):
    run = interpreters.run(interpreter, "-c", [script], path=(*path, FIRMWARE))
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode().split()


@MICROPYTHONS
def test_an_import_that_failed_leaves_nothing(interpreter, tmp_path):
    """MicroPython takes its name from sys.modules, and leaves the value in the table."""
    package = tmp_path / "meterling"
    package.mkdir()
    for source in FIRMWARE.joinpath("meterling").iterdir():
        (package / source.name).symlink_to(source)
    (package / "nothing.py").write_text(FAILS)
    taken, known = printed(interpreter, IMPORT_THAT_FAILS, tmp_path)
    assert int(taken) < 1000 and known == "False"


@MICROPYTHONS
def test_settings_that_were_checked_leave_nothing_to_collect(interpreter):
    """Else the next import, which the collector interrupts, begins without that room."""
    (left,) = printed(interpreter, CHECK)
    assert int(left) < 1000
