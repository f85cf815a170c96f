"""The outbox keeps the newest readings until the broker has them, in memory of fixed size."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_reading import Reading
from meterling.publish import outbox as module
from meterling.publish.outbox import Outbox


def number_in(payload):
    return json.loads(bytes(payload))["number"]


def test_the_oldest_comes_first_and_stays_until_it_is_done():
    outbox = Outbox(places=3, size=100)
    for i in range(3):
        assert outbox.put(Reading(i))
    number, payload, _ = outbox.oldest()
    assert number_in(payload) == 0
    assert number_in(outbox.oldest()[1]) == 0
    outbox.done(number)
    assert number_in(outbox.oldest()[1]) == 1
    assert (outbox.waiting, outbox.dropped) == (2, 0)


def test_when_full_the_oldest_is_dropped_and_counted():
    outbox = Outbox(places=2, size=100)
    for i in range(5):
        outbox.put(Reading(i))
    assert (outbox.waiting, outbox.dropped) == (2, 3)
    assert number_in(outbox.oldest()[1]) == 3


def test_a_reading_dropped_while_under_way_is_not_lost_if_the_broker_had_it():
    outbox = Outbox(places=2, size=100)
    outbox.put(Reading(0))
    number, _, _ = outbox.oldest()
    for i in range(1, 4):
        outbox.put(Reading(i))
    assert outbox.dropped == 2  # 0 and 1
    outbox.done(number)
    assert outbox.dropped == 1  # 1
    assert number_in(outbox.oldest()[1]) == 2


def test_what_is_too_long_for_a_place_is_counted_and_costs_no_other_reading():
    outbox = Outbox(places=2, size=100)
    outbox.put(Reading(0))
    outbox.put(Reading(1))
    assert not outbox.put(Reading(2, length=200))
    assert (outbox.waiting, outbox.dropped, outbox.too_long) == (2, 0, 1)
    assert number_in(outbox.oldest()[1]) == 0


@given(st.lists(st.sampled_from(["put", "done"])), st.integers(1, 4))
def test_it_behaves_like_a_list_of_the_newest(actions, places):
    holds_the_newest(Outbox(places, size=100), actions, places)


def holds_the_newest(outbox, actions, places):
    """While it is told `actions` ("put", "done"), there are the newest `places` in it."""
    model = []
    count = dropped = 0
    for action in actions:
        if action == "put":
            assert outbox.put(Reading(count))
            model.append(count)
            count += 1
            if len(model) > places:
                del model[0]
                dropped += 1
        elif model:
            number, payload, _ = outbox.oldest()
            assert number_in(payload) == model.pop(0)
            outbox.done(number)
        assert (outbox.waiting, outbox.dropped) == (len(model), dropped)
        assert not model or number_in(outbox.oldest()[1]) == model[0]


def test_a_place_grows_to_what_a_reading_needs():
    """60 values of a Luxembourg meter are 2.8 kB of JSON, a Kaifa's are 800 bytes."""
    outbox = Outbox(places=2)
    for length in (100, 2800, 100, 4000, 2800):
        assert outbox.put(Reading(length, length))
    assert number_in(outbox.oldest()[1]) == 4000
    assert not outbox.put(Reading(5000, 5000))
    assert (outbox.too_long, outbox.waiting) == (1, 2)


def test_while_the_broker_keeps_up_two_places_take_memory():
    outbox = Outbox()
    for i in range(20):
        outbox.put(Reading(i, 1700))
        number, _, _ = outbox.oldest()
        if i % 3 == 0:
            outbox.put(Reading(i, 1700))  # while the other is under way
            outbox.done(number)
            number, _, _ = outbox.oldest()
        outbox.done(number)
    assert sum(map(len, outbox._buffers)) < 2 * 2048


@given(st.lists(st.sampled_from(["put", "done"])), st.integers(1, 4))
def test_without_memory_for_another_place_the_oldest_gives_its_own(actions, most):
    outbox = Outbox(places=4, size=1000)
    taken = []

    def scarce(size=0):
        if size:
            if len(taken) == most:
                raise MemoryError
            taken.append(size)
        return bytearray(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "bytearray", scarce, raising=False)
        holds_the_newest(outbox, actions, most)


@pytest.mark.parametrize(
    ("waiting", "kept"), [([100, 600, 900, 1200, 1500], [0, 1, 2, 3, 4]), ([1500, 100], [1])]
)
def test_without_memory_no_more_than_one_reading_is_lost(monkeypatch, waiting, kept):
    """The oldest gives its place where it is the longest; else nothing would be won."""
    outbox = Outbox()
    for number, length in enumerate(waiting):
        outbox.put(Reading(number, length))

    def no_memory(_):
        raise MemoryError

    monkeypatch.setattr(module, "bytearray", no_memory, raising=False)
    assert not outbox.put(Reading(99, 1800))
    assert outbox.dropped == len(waiting) - len(kept) and outbox.too_long == 1
    numbers = []
    while outbox.waiting:
        number, payload, _ = outbox.oldest()
        numbers.append(number_in(payload))
        outbox.done(number)
    assert numbers == kept
