"""The live view's events, where memory and the network are short."""

import json

import pytest
from json_reading import Reading
from meterling.portal import live as module
from meterling.portal.live import Live


class Channel:
    """Takes `room` bytes of each event at once."""

    def __init__(self, room=100_000):
        self.sent = b""
        self.room = room
        self.is_cancelled = False
        self.task = self

    def cancel(self):
        self.is_cancelled = True

    def send_now(self, view):
        taken = bytes(view[: self.room])
        self.sent += taken
        return len(taken)

    def events(self):
        whole, _, rest = self.sent.rpartition(b"\n\n")
        assert not rest
        events = []
        for event in whole.decode().split("\n\n"):
            name, data = event.split("\n")
            events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return events


@pytest.fixture
def live():
    return Live(lambda: {"diagnosis": "ok"}, lambda: "ok", lambda: 0)


def look(live, channel):
    viewer = live.admit(channel)
    live._show_first(viewer)
    return viewer


@pytest.mark.parametrize("length", [100, 1800, 3300])
def test_readings_of_any_length_are_shown(live, length):
    """40 values are 1700 bytes, Luxembourg's 60 are 2800."""
    first, second = Channel(), Channel()
    look(live, first)
    live.put(Reading(1, length))
    live.put(Reading(2, 10))
    look(live, second)
    live.put(Reading(3, length))
    numbers = [(name, data.get("number")) for name, data in first.events()]
    assert numbers == [("status", None), ("reading", 1), ("reading", 2), ("reading", 3)]
    numbers = [(name, data.get("number")) for name, data in second.events()]
    assert numbers == [("status", None), ("last", 2), ("reading", 3)]


def test_a_reading_that_is_too_long_is_not_shown_and_the_next_one_is(live):
    channel = Channel()
    look(live, channel)
    live.put(Reading(1, 5000))
    assert live.reading() is None and live.age() is None
    live.put(Reading(2, 50))
    assert [name for name, _ in channel.events()] == ["status", "reading"]


def no_memory(*_):
    raise MemoryError


def test_who_cannot_be_given_the_rest_of_an_event_is_sent_away(live, monkeypatch):
    """Without memory for what the network did not take. The others see it, and so does MQTT."""
    slow, quick = Channel(), Channel()
    look(live, slow)
    look(live, quick)
    slow.room = 10
    monkeypatch.setattr(module, "bytes", no_memory, raising=False)
    live.put(Reading(1))
    assert slow.is_cancelled and not quick.is_cancelled and len(live) == 1
    assert quick.events()[-1][0] == "reading"


def test_without_memory_for_the_status_no_reading_is_shown_as_if_it_were_new(live, monkeypatch):
    """Its age is in the status."""
    live.put(Reading(7, 1800))
    channel, new = Channel(), Reading(8)
    monkeypatch.setattr(module.json, "dumps", no_memory)
    look(live, channel)
    assert channel.sent == b""
    live.put(new)
    assert [(name, data["number"]) for name, data in channel.events()] == [("reading", 8)]


class Leaving(Channel):
    """Goes away when it is sent its `last` event; its task cannot cancel itself."""

    def __init__(self, last):
        super().__init__()
        self.left = last

    def cancel(self):
        raise RuntimeError("can't cancel self")

    def send_now(self, view):
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError
        return super().send_now(view)


@pytest.mark.parametrize("events", [0, 1])
def test_who_leaves_at_once_leaves_the_others_their_readings(live, events):
    live.put(Reading(1))
    tablet = Channel()
    look(live, tablet)
    with pytest.raises(OSError):
        look(live, Leaving(events))
    live._drop(live._viewers[-1])  # as `serve` does
    live.put(Reading(2))
    names = [(name, data.get("number")) for name, data in tablet.events()]
    assert names == [("status", None), ("last", 1), ("reading", 2)]


def test_where_memory_ends_as_the_last_reading_is_shown_the_next_has_its_name(live):
    live.put(Reading(1))
    tablet, phone = Channel(), Channel()
    look(live, tablet)
    send = phone.send_now
    phone.send_now = lambda view: no_memory() if phone.sent else send(view)
    with pytest.raises((OSError, MemoryError)):
        look(live, phone)
    live.put(Reading(2))
    assert tablet.events()[-1] == ("reading", {"number": 2, "filler": ""})


class Short(bytes):
    def __getitem__(self, piece):
        raise MemoryError


def test_no_byte_is_sent_twice_to_a_slow_viewer(live):
    slow = Channel()
    viewer = look(live, slow)
    slow.room = 10
    live.put(Reading(1))
    assert viewer._rest
    viewer._rest = Short(viewer._rest)
    live.put(Reading(2))
    assert slow.is_cancelled and len(live) == 0


def test_where_memory_ends_the_meter_s_turn_goes_on(live, monkeypatch):
    channel = Channel()
    look(live, channel)
    monkeypatch.setattr(live, "_put", no_memory)
    live.put(Reading(1))
    monkeypatch.undo()
    live.put(Reading(2))
    assert [data.get("number") for _, data in channel.events()] == [None, 2]


def test_of_a_reading_that_is_half_written_nothing_is_shown(live):
    class Half(Reading):
        def put_json(self, buffer, position):
            buffer[position] = 33
            raise MemoryError

    live.put(Reading(1))
    live.put(Half(2))
    assert live.reading() is None


def test_without_memory_for_a_longer_reading_the_next_short_one_is_shown(live, monkeypatch):
    channel = Channel()
    look(live, channel)
    monkeypatch.setattr(module, "bytearray", no_memory, raising=False)
    live.put(Reading(1, 3000))
    assert live.reading() is None
    live.put(Reading(2))
    assert channel.events()[-1][1]["number"] == 2
