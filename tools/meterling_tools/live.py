"""The readings of a demo on the screen: a live table in a terminal, lines elsewhere."""

import statistics
import time

from .sentences import sentence

_MS = 1_000_000  # ns

# By value groups C.D.E of the OBIS code (IEC 62056-6-1): the ones that customer interfaces show
_NAMES = {
    "1.0.0": "meter's clock",
    "42.0.0": "logical device name",
    "96.1.0": "meter number",
    "96.1.1": "meter number",
    "0.0.0": "meter number",
    "0.0.9": "meter number",
    "16.7.0": "power, + from the grid",
    "1.8.1": "energy from the grid, tariff 1",
    "1.8.2": "energy from the grid, tariff 2",
    "2.8.1": "energy to the grid, tariff 1",
    "2.8.2": "energy to the grid, tariff 2",
    "21.7.0": "power from the grid L1",
    "41.7.0": "power from the grid L2",
    "61.7.0": "power from the grid L3",
    "22.7.0": "power to the grid L1",
    "42.7.0": "power to the grid L2",
    "62.7.0": "power to the grid L3",
    "24.2.1": "gas, water or heat behind it",
    "1.7.0": "power from the grid",
    "2.7.0": "power to the grid",
    "3.7.0": "reactive power +",
    "4.7.0": "reactive power -",
    "1.8.0": "energy from the grid",
    "2.8.0": "energy to the grid",
    "3.8.0": "reactive energy +",
    "4.8.0": "reactive energy -",
    "13.7.0": "power factor",
    "14.7.0": "frequency",
    "31.7.0": "current L1",
    "32.7.0": "voltage L1",
    "51.7.0": "current L2",
    "52.7.0": "voltage L2",
    "71.7.0": "current L3",
    "72.7.0": "voltage L3",
}


class Journal:
    """What came so far. `readings`: int; `latencies`: [ns]; `code`: of the last diagnostics;
    `values`: {OBIS code: (value, unit, arrival in ns)}."""

    def __init__(self):
        self.readings = 0
        self.latencies = []
        self.code = "starting"
        self.reading = {}
        self.values = {}

    def add(self, message):
        if message.kind == "diagnostics":
            self.code = message.document.get("code", "")
        elif message.kind == "reading":
            self.readings += 1
            self.latencies.append(message.latency)
            self.reading = message.document
            for obis, found in message.document["values"].items():
                for i, entry in enumerate(found.get("values", [found])):
                    name = f"{obis} ({i + 1})" if i else obis
                    self.values[name] = (entry["value"], entry.get("unit", ""), message.arrival)

    def count(self):
        """ "1 reading", "2 readings" ..."""
        return f"{self.readings} reading{'s' if self.readings != 1 else ''}"

    def timing(self):
        """Median and maximum of the latencies, as a phrase."""
        median = statistics.median(self.latencies) / _MS
        longest = max(self.latencies) / _MS
        return f"median {median:.1f} ms, maximum {longest:.1f} ms"


class Lines:
    """Plain lines, a block for each reading: for files and pipes."""

    def __init__(self, title, journal):
        self._journal = journal
        self._code = None
        print(title, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def show(self, message):
        journal = self._journal
        if message.kind == "diagnostics" and journal.code != self._code:
            self._code = journal.code
            print(sentence(journal.code), flush=True)
        elif message.kind == "reading":
            latency = f"{message.latency / _MS:.1f} ms after its last byte"
            print(f"reading {journal.readings}: {_origin(journal.reading)}, {latency}")
            for obis, (value, unit, arrival) in journal.values.items():
                age = _age(arrival)
                print(f"  {obis:<14} {value!s:>25} {unit:<5} {age:>6}  {_name(obis)}")
            print(end="", flush=True)

    def tick(self):
        pass


class Table:
    """One table, redrawn as values come and grow old: for terminals."""

    def __init__(self, title, journal):
        from rich.live import Live

        self._title = title
        self._journal = journal
        self._live = Live(self._draw(), auto_refresh=False)

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, *exception):
        self._live.__exit__(*exception)

    def show(self, message):
        self.tick()

    def tick(self):
        self._live.update(self._draw(), refresh=True)

    def _draw(self):
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        journal = self._journal
        table = Table()
        for column in ("OBIS code", "what", "value", "unit", "age"):
            table.add_column(column, justify="right" if column in ("value", "age") else "left")
        for obis, (value, unit, arrival) in journal.values.items():
            row = (obis, _name(obis), str(value), unit, _age(arrival))
            table.add_row(*map(Text, row))
        parts = [Text(self._title), table]
        if journal.readings:
            last = journal.latencies[-1] / _MS
            parts.append(Text(f"{journal.count()} of {_origin(journal.reading)}"))
            parts.append(Text(f"from last byte to broker: {last:.1f} ms ({journal.timing()})"))
        parts.append(Text(sentence(journal.code), "green" if journal.code == "ok" else "yellow"))
        return Group(*parts)


def _name(obis):
    return _NAMES.get(obis.rpartition(":")[2], "")


def _origin(reading):
    meter = reading.get("meter") or reading.get("system_title") or "a meter without a number"
    return f"{meter}, {reading.get('time') or 'without its time'}"


def _age(arrival):
    return f"{(time.monotonic_ns() - arrival) / 1e9:.0f} s"
