"""`meterling VERB ...`: each verb is a module of its own, imported only when it is asked for.

A verb's module has `add_arguments(parser)` and `run(args) -> exit code or None`.
"""

import argparse
import os
import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version

from . import CommandError

_VERBS = {
    "decode": ("decode", "read telegrams from a file and show what they say"),
    "layout": ("layout", "describe a telegram that nobody has described, for decode --layouts"),
    "simulate": ("simulate.cli", "be a meter: write telegrams at line speed, with faults if asked"),
    "detect": ("detect", "find out what speaks on a serial port: line, link layer, maker"),
    "build": ("build", "make the firmware tree that goes onto a dongle"),
    "flash": ("flash", "put the firmware onto a board, and print its label"),
    "webflasher": ("webflasher", "make a web page that flashes boards, for people without Python"),
    "monitor": ("monitor", "show what a dongle says, with the time"),
    "release": ("release", "make a signed release that dongles take as an update"),
    "demo": ("demo", "the whole line without hardware: meter, firmware, broker, live table"),
    "operators": ("operators", "grid operators: their meters, ports, and how to get the key"),
    "bench": ("bench", "measure speed, memory and latency against their targets"),
}
_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


def main(argv=None):
    """Run the command line (`argv`: list of str, default: the process's own); returns
    the exit code: 0 done, 1 tried and failed, 2 not even begun, 130 Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    with suppress(AttributeError):  # none, or not a terminal's
        sys.stdout.reconfigure(errors="replace")
    try:
        status = _run(argv)
        if sys.stdout:  # `>&-`: there is none
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except CommandError as error:
        return _fail(error, error.status)
    except BrokenPipeError:
        # The reader (`| head`) has gone; nor must the interpreter's own flush at exit complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(": ".join(str(x) for x in (error.filename, error.strerror) if x) or error, 2)


def _run(argv):
    parser = argparse.ArgumentParser(
        prog="meterling", description="Tools around the Meterling firmware."
    )
    parser.add_argument("--version", action="version", version="meterling " + version("meterling"))
    verbs = parser.add_subparsers(metavar="VERB", dest="verb", required=True)
    module = None
    for verb, (name, text) in _VERBS.items():
        verb_parser = verbs.add_parser(
            verb, help=text, description=text[0].upper() + text[1:] + "."
        )
        if argv[:1] == [verb]:
            module = import_module("." + name, __package__)
            module.add_arguments(verb_parser)
    args = parser.parse_args(argv)  # exits by itself on --help, --version or no such verb
    return module.run(args) or 0


def _fail(sentence, status):
    print(f"meterling: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
