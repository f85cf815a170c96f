"""The dongle's page in little heap: the whole firmware on the 32-bit MicroPython, with a
telegram every second at 115200 baud, without MQTT and with it."""

import gzip
import json
import re
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from .. import CommandError, build, interpreters, site
from .figure import Figure
from .mqtt import mosquitto, mosquitto_program
from .page import Page, Viewer

_METER, _TELEGRAM = "kaernten-im350", 1  # s
_OPERATOR = "at-schwaz"
_KB = 1024
_WANTED = 100 * _KB  # bytes of heap
_MOST, _STEP = 180 * _KB, 4 * _KB  # that are tried
_FIRST_BYTE, _FIRST_VIEW = 100, 400  # ms
_VIEWERS = 4
_VIEWS = 20
_LOADS = 1000
_ALIKE = 512  # bytes that the heap may differ by
_FIRST_READING = 6  # s: the line is found out first
_LOOKED_AT = 4  # s
_BETWEEN = 0.15  # s, so that telegrams come at any moment of a view


def figures(args):
    interpreter = interpreters.find("micropython32")
    broker = mosquitto_program()
    least = "least heap: all without MQTT, the page, 4 viewers"
    with_mqtt = "least heap: the same with MQTT"
    if not interpreter:
        yield Figure(least, target=_WANTED, missing=f"no micropython32: {interpreter.reason}")
        return
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        tree = Path(folder) / "tree"
        build.build("unix32", tree)
        site.build(tree / "site")

        def page(heap, port=None):
            home = Path(folder) / str(heap)
            home.mkdir(exist_ok=True)
            return Page(interpreter, tree, home, heap, _METER, _TELEGRAM, port)

        if broker:
            with mosquitto(broker, Path(folder)) as port:
                yield Figure(with_mqtt, _least(lambda heap: page(heap, port)), "B")
        else:
            yield Figure(with_mqtt, missing="no mosquitto on this machine")
        heap = _least(page)
        yield Figure(least, heap, "B", _WANTED)
        heap = max(heap, _WANTED)
        with page(heap) as running:
            yield from _speed(running, heap)
            yield from _loads(running)


def _least(page):
    """The smallest heap (bytes) in which all works, not below the one that is wanted."""
    if not _works(page(_MOST)):
        raise CommandError(f"not even {_MOST} bytes of heap do for the page.", 1)
    low, high = _WANTED - _STEP, _MOST
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        low, high = (low, middle) if _works(page(middle)) else (middle, high)
    return high


def _works(page):
    """True if a meter is found, four look at it while pages are loaded, none of them misses a
    telegram, and all else can be asked, too."""
    try:
        with page as running:
            _wait_for_reading(running)
            with ExitStack() as stack:
                viewers = [stack.enter_context(Viewer(running)) for _ in range(_VIEWERS)]
                end = time.monotonic() + _LOOKED_AT
                while time.monotonic() < end:
                    running.ask("GET", "/")
                    time.sleep(0.05)
                if not (_ask_all(running) and _ask_rarely(running)):
                    return False
                status = running.get("/api/status")
            return (
                status["lost"] == 0
                and status["mqtt"]["connected"] == status["mqtt"]["on"]
                and not status["counters"]["errors"]
                and all(len(one.counters) >= _LOOKED_AT - 1 and one.saw_all() for one in viewers)
            )
    except (CommandError, OSError, KeyError, ValueError):
        return False


def _wait_for_reading(page):
    end = time.monotonic() + _FIRST_READING
    while not page.get("/api/status")["counters"]["readings"]:
        if time.monotonic() > end:
            raise CommandError(f"no reading came: {page.last_words()}", 1)
        time.sleep(0.1)


def _speed(page, heap):
    _wait_for_reading(page)
    before = page.get("/api/status")
    views = []
    for _ in range(_VIEWS):
        views.append(_first_view(page))
        time.sleep(_BETWEEN)
    after = page.get("/api/status")
    for name, most, times in (
        ("first byte", _FIRST_BYTE, [first_byte * 1000 for first_byte, _ in views]),
        ("whole first view", _FIRST_VIEW, [whole * 1000 for _, whole in views]),
    ):
        yield Figure(f"page: {name}, median", statistics.median(times), "ms")
        note = f"of {_VIEWS}, heap {heap // _KB} kB"
        yield Figure(f"page: {name}, longest", max(times), "ms", most, note=note)
    telegrams = after["counters"]["readings"] - before["counters"]["readings"]
    lost = after["lost"] + sum(after["counters"]["errors"].values())
    yield Figure(f"page: telegrams lost meanwhile, of {telegrams}", lost, target=0)


def _first_view(page):
    """(s to the first byte, s in all) of what a browser asks for first."""
    started = time.monotonic()
    html, _, first_byte = page.ask("GET", "/")
    for name in _files(html):
        page.ask("GET", name)
    page.ask("GET", "/api/hello")
    with Viewer(page) as viewer:
        if not viewer.opened.wait(5):
            raise CommandError("the live view does not begin.", 1)
        return first_byte, time.monotonic() - started


def _files(html):
    """What the page (bytes, gzipped) loads at once."""
    text = gzip.decompress(html).decode()
    return re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', text)


def _ask_all(page):
    """Ask for what is loaded only when it is asked for; True if the meter's own key fits."""
    page.ask("GET", "/plain")
    page.get("/api/settings")
    page.get("/api/operators")
    return page.key_check() == "fits"


def _ask_rarely(page):
    """Ask for what takes most; True if it is done."""
    page.ask("GET", "/api/log")
    page.get("/api/settings/export")
    page.get("/api/update")
    page.get(f"/api/operators/{_OPERATOR}?lang=de")
    saved = page.ask("PUT", "/api/settings", {"meter": {"operator": _OPERATOR}})
    return json.loads(saved[0]) == {"restart": False}


def _loads(page):
    """The heap before and after many page loads."""

    def load(count):
        for number in range(count):
            page.ask("GET", "/")
            page.ask("GET", "/api/status")
            if number % 50 == 0:
                _ask_all(page)

    load(101)
    before = page.free()
    started = time.monotonic()
    load(_LOADS)
    seconds = time.monotonic() - started
    after = page.free()
    note = f"{before} before, {after} after; {seconds:.0f} s"
    yield Figure(
        f"heap free: change by {_LOADS} page loads", abs(after - before), "B", _ALIKE, note=note
    )
