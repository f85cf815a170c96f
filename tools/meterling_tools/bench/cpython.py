"""Our decoder against others on CPython: the same telegrams, one after the other in turn."""

import statistics
import time

from .. import CommandError
from . import competitors
from .figure import Figure

_ROUNDS, _TELEGRAMS = 15, 20  # telegrams of each round: first all by one, then by the other


def figures(args):
    for kind, text, meter, target in competitors.demanded():
        name = f"CPython: times faster than {kind.name}, {text}"
        try:
            theirs = kind(meter)
        except ImportError as error:
            missing = f"no module {error.name}"
            yield Figure(name, unit="x", target=target, at_least=True, missing=missing)
            continue
        ratio, own, taken, other = compare(theirs, meter)
        note = f"{own:.1f} against {other:.0f} us; {taken:.1f} with its values taken out"
        yield Figure(name, ratio, "x", target, at_least=True, note=note)


def compare(theirs, meter):
    """(median over the rounds of their time / ours, medians in us of ours, of ours with its
    values taken out, of theirs). CommandError if a telegram of `meter` is misread."""
    plain = getattr(theirs, "plain", False)
    ours = competitors.Ours(meter, plain)
    taken = competitors.Ours(meter, plain, taken=True)
    rounds = []
    for start in range(0, (_ROUNDS + 1) * _TELEGRAMS, _TELEGRAMS):
        numbers = range(start, start + _TELEGRAMS)
        rounds.append([_median(each, numbers, meter) for each in (ours, taken, theirs)])
    if ours.readings != (_ROUNDS + 1) * _TELEGRAMS:
        raise CommandError(f"{meter.description}: we read only {ours.readings} telegrams.", 1)
    rounds = rounds[1:]  # the first one warms up
    ratio = statistics.median(other / own for own, _, other in rounds)
    return ratio, *(statistics.median(column) for column in zip(*rounds, strict=True))


def _median(decoder, numbers, meter):
    """Median time (us) of `decoder` for those telegrams; each must be read rightly."""
    inputs = [decoder.prepare(n) for n in numbers]
    times, results = [], []
    for data in inputs:
        start = time.perf_counter_ns()
        result = decoder.decode(data)
        times.append((time.perf_counter_ns() - start) / 1000)
        results.append(result)
    # Only now: nothing else may run between the telegrams that are timed.
    for n, result in zip(numbers, results, strict=True):
        if result is not None and not _agrees(decoder.values(result), meter.expected(n)):
            raise CommandError(f"telegram {n} of {meter.description} was misread.", 1)
    return statistics.median(times)


def _agrees(values, expected):
    """Whether all numbers that the simulator sent are among `values`."""
    numbers = {code: value[0] for code, value in expected.items() if isinstance(value, tuple)}
    return {code: values.get(code) for code in numbers} == numbers
