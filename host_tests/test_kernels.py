"""The few kernels that exist twice, for MicroPython and for CPython, do the same."""

from pathlib import Path

from meterling_tools import interpreters

PROBE = Path(__file__).with_name("kernel_probe.py")


def test_twins_agree(interpreter):
    """Within MicroPython (the probe holds one against the other), and between the Pythons."""
    run = interpreters.run(interpreter, PROBE)
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    reference = interpreters.run(interpreters.find("cpython"), PROBE)
    lines, wanted = run.stdout.splitlines(), reference.stdout.splitlines()
    assert len(lines) > 1500
    for line, want in zip(lines, wanted, strict=True):
        assert line == want
