"""``meterling simulate METER``: telegrams of a simulated meter, at its true speed or at once."""

import argparse
import difflib
import os
import sys
import termios
from contextlib import ExitStack
from datetime import UTC, datetime

from .faults import Faults
from .line import FileSink, PtySink, SerialSink, send
from .meters import METERS, make_meter

_OK, _BAD_ARGUMENTS = 0, 2
_LAST_YEAR = 2098  # some meters send its last two digits


def _key(text):
    try:
        key = bytes.fromhex(text)
    except ValueError:
        # The text itself is not repeated: it may be somebody's real key.
        raise argparse.ArgumentTypeError(
            "a key is 32 hex digits; there is a character in it that is none, or one is missing"
        ) from None
    if len(key) != 16:
        raise argparse.ArgumentTypeError(f"a key has 16 bytes (32 hex digits), not {len(key)}")
    return key


def _number(text, convert, accept, description):
    try:
        value = convert(text)
    except ValueError:
        value = None
    if value is None or not accept(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {description}")
    return value


def _probability(text):
    return _number(text, float, lambda p: 0 <= p <= 1, "a probability from 0 to 1")


def _count(text):
    return _number(text, int, lambda n: n > 0, "a number of telegrams from 1 up")


def interval(text):
    """Seconds (float), for argparse."""
    return _number(text, float, lambda s: 0.001 <= s <= 86400, "an interval of 0.001 to 86400 s")


def _start(text):
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        start = None
    if start is None or not 2000 <= start.year <= _LAST_YEAR:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time like 2026-06-18T07:30:00, of 2000 to {_LAST_YEAR}"
        )
    return start


def add_arguments(parser):
    parser.add_argument("meter", nargs="?", metavar="METER", help="its name in --list")
    parser.add_argument("--list", action="store_true", help="the meters there are")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", action="store_true", help="a pseudo-terminal; prints its path")
    where.add_argument("--serial", metavar="DEV", help="a serial port")
    where.add_argument("--output", metavar="FILE", help="a file (else: standard output)")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument(
        "--line-speed", action="store_true", help="as the line is (usual for --pty, --serial)"
    )
    speed.add_argument(
        "--at-once", action="store_true", help="without waiting (usual for file and output)"
    )
    parser.add_argument(
        "--count", type=_count, metavar="N", help="telegrams (else: 1 at once, endless at speed)"
    )
    parser.add_argument("--interval", type=interval, metavar="S", help="seconds between them")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="household and faults")
    parser.add_argument(
        "--start", type=_start, metavar="TIME", help="the meter's clock (else: now at line speed)"
    )
    parser.add_argument("--key", type=_key, metavar="HEX", help="encryption key (GUEK)")
    parser.add_argument("--auth-key", type=_key, metavar="HEX", help="authentication key (GAK)")
    for name, meaning in (
        ("--flip-bits", "of each bit to arrive wrong"),
        ("--drop-bytes", "of each byte to be lost"),
        ("--noise", "of a stray byte before each byte"),
        ("--truncate", "of each telegram to break off"),
    ):
        parser.add_argument(
            name, type=_probability, default=0.0, metavar="P", help=f"probability {meaning}"
        )
    parser.add_argument(
        "--stamps", metavar="FILE", help="append a JSON line a telegram: when its last byte left"
    )


def _table():
    """The lines of ``--list``."""
    yield f"{'METER':20}{'LINE':12}{'EVERY':>7}  {'LINK':6}{'SC':4}WHAT"
    for name, spec in METERS.items():
        control = "-" if spec.security_control is None else f"{spec.security_control:02X}"
        every = f"{spec.interval_ms / 1000:g} s"
        yield f"{name:20}{spec.line!s:12}{every:>7}  {spec.link:6}{control:4}{spec.description}"


def _complaint(args):
    """What is wrong with the arguments taken together: a sentence, or None."""
    if args.meter is None:
        return "which meter? --list names them"
    if args.meter not in METERS:
        close = difflib.get_close_matches(args.meter, METERS, n=1)
        hint = f"did you mean {close[0]}?" if close else "--list names those there are"
        return f"there is no meter called {args.meter!r}; {hint}"
    if sys.stdout.isatty() and not (args.pty or args.serial or args.output):
        return "telegrams are not for a screen; name --pty, --serial or --output, or use a pipe"
    meter = make_meter(args.meter)
    if args.key and meter.key is None:
        return f"{args.meter} sends plain telegrams: a key has no effect"
    if args.auth_key and meter.auth_key is None:
        return f"{args.meter} does not authenticate its telegrams: --auth-key has no effect"
    return None


def _sink(args, meter, stack):
    if args.pty:
        return PtySink(lossy=not args.at_once)
    if args.serial:
        return SerialSink(args.serial, meter.line)
    if args.output:
        return FileSink(stack.enter_context(open(args.output, "wb", buffering=0)).fileno())
    return FileSink(sys.stdout.fileno())


def _announce(args, meter, sink):
    """The pty's path on standard output, everything else on standard error."""
    print(
        f"{meter.name} ({meter.description}): {meter.line}, every {meter.interval_ms / 1000:g} s",
        file=sys.stderr,
    )
    # A key given by hand may be real, so only the public ones are ever shown.
    if meter.key and not args.key:
        print(f"demo key {meter.key.hex().upper()}", file=sys.stderr)
    if meter.auth_key and not args.auth_key:
        print(f"demo authentication key {meter.auth_key.hex().upper()}", file=sys.stderr)
    if args.pty:
        print(sink.path, flush=True)


def run(args):
    """Exit code: 0, or 2 with one sentence on standard error."""
    if args.list:
        print("\n".join(_table()))
        return _OK
    complaint = _complaint(args)
    if complaint:
        return _refuse(complaint)
    at_once = args.at_once or not (args.line_speed or args.pty or args.serial)
    # At once the same arguments give the same bytes; on a live line the clock is the real one.
    start = args.start or (None if at_once else datetime.now(UTC))
    meter = make_meter(
        args.meter,
        args.seed,
        args.key,
        args.auth_key,
        start,
        interval_ms=round(args.interval * 1000) if args.interval else None,
    )
    faults = Faults(args.seed, args.flip_bits, args.drop_bytes, args.noise, args.truncate)
    count = args.count or (1 if at_once else None)
    with ExitStack() as stack:
        try:
            sink = _sink(args, meter, stack)
            stamps = args.stamps and stack.enter_context(open(args.stamps, "a"))
        except (OSError, termios.error, ValueError) as error:
            return _refuse(f"cannot write there: {_reason(error)}")
        if args.pty or args.output or not at_once:
            _announce(args, meter, sink)
        try:
            if args.pty and hasattr(meter, "converse"):
                meter.converse(sink.fd, count, stamps)
            else:
                send(meter, sink, count, at_once, faults, stamps)
            sink.close()
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:
            # The reader has seen enough. Python's own flush at exit must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            return _refuse(f"the line is gone: {_reason(error)}")
    return _OK


def _reason(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return "not a serial port" if isinstance(error, termios.error) else str(error)


def _refuse(sentence):
    print(f"meterling simulate: {sentence}", file=sys.stderr)
    return _BAD_ARGUMENTS
