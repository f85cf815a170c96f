"""`meterling bench`: speed, memory and latency, each figure beside its target.

Exit code: 0 if every figure that was measured reaches its target, 1 if one falls short or a
part could not be measured to its end. What needs a program that this machine lacks is shown as
"not measured".
"""

from importlib import import_module

from .. import CommandError
from .figure import FAILED, NOT_MEASURED, SHORT, Figure, heading, line

# Each is a module with `figures(args)`, which yields a Figure as soon as it is measured.
PARTS = ("heap", "instructions", "cpython", "mqtt", "latency", "portal")


def add_arguments(parser):
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"{', '.join(PARTS)}; default: all of them",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="latency with the demo's own meter and interval: 17 minutes instead of one",
    )


def run(args):
    for part in args.parts:
        if part not in PARTS:
            raise CommandError(f"there is no part {part!r}; there are: {', '.join(PARTS)}.")
    print(heading(), flush=True)
    states = []
    for part in args.parts or PARTS:
        for figure in _measure(part, args):
            print(line(figure), flush=True)
            states.append(figure.state)
    print(summary(states))
    return 1 if SHORT in states or FAILED in states else 0


def _measure(part, args):
    """The figures of a part; where it breaks off, the reason as the last one."""
    try:
        yield from import_module("." + part, __package__).figures(args)
    except CommandError as error:
        yield Figure(part, failed=str(error))


def summary(states):
    """The last line: how many fell short."""
    text = f"{states.count(SHORT)} of {sum(map(bool, states))} figures fall short of their target"
    if FAILED in states:
        text += f", {states.count(FAILED)} parts failed"
    if NOT_MEASURED in states:
        text += f", {states.count(NOT_MEASURED)} not measured"
    return text + "."
