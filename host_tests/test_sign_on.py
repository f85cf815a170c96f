"""IEC 62056-21 mode C: who says what at which speed, and what happens when nobody answers."""

import os
import threading
import time
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.link.sign_on import SignOn
from meterling_tools.simulate import mode_c

REQUEST = b"/?!\r\n"


def run(sign_on, until, answers=(), step=50, now=0):
    """Poll every `step` ms; answers: {time: bytes}. Returns what was sent: (time, baud, bytes)."""
    sent = []
    answers = dict(answers)
    while now <= until:
        data = sign_on.poll(now)
        if data:
            sent.append((now, sign_on.baudrate, data))
        for at in [at for at in answers if at <= now]:
            part = answers.pop(at)
            sign_on.hear(part, len(part), now)
        now += step
    return sent


def test_readout_with_change_of_speed():
    sign_on = SignOn()
    sent = run(sign_on, 1500, {600: b"/ISK5MT174-0001\r\n"})
    assert [(baud, data) for _, baud, data in sent] == [(300, REQUEST), (300, b"\x06050\r\n")]
    assert sent[1][0] - 600 >= 200  # the standard's least reaction time
    assert (sign_on.maker, sign_on.baudrate) == ("ISK", 9600)


def test_the_meter_keeps_the_line_while_it_speaks_and_is_asked_again_later():
    sign_on = SignOn(interval=10_000)
    answers = {600: b"/ISK5MT174-0001\r\n", **{1500 + 100 * i: b"1.8.0(..)" for i in range(40)}}
    sent = run(sign_on, 21_000, answers)
    requests = [at for at, _, data in sent if data == REQUEST]
    assert requests == [0, 10_000, 20_000]
    assert all(baud == 300 for _, baud, _ in sent)


def test_nobody_answers():
    sign_on = SignOn(interval=4000)
    assert {data for _, _, data in run(sign_on, 60_000)} == {REQUEST}
    assert sign_on.baudrate == 300 and sign_on.maker == ""


def test_our_own_request_comes_back_as_an_echo():
    """An optical head reflects: what we said is no identification."""
    sign_on = SignOn(interval=4000)
    run(sign_on, 300, {50: REQUEST})
    run(sign_on, 1500, {600: b"/ISK5MT174-0001\r\n"}, now=350)
    assert sign_on.maker == "ISK"


@pytest.mark.parametrize(
    "code, acknowledged, baud",
    [
        ("0", True, 300),
        ("4", True, 4800),
        ("6", True, 19200),
        ("A", False, 600),
        ("F", False, 19200),
        ("@", False, 300),
        ("7", False, 300),
    ],
)
def test_what_the_identification_offers(code, acknowledged, baud):
    """Digits: mode C. Letters: mode B, which changes over unasked. Others: mode A, which stays."""
    sign_on = SignOn()
    sent = run(sign_on, 1500, {600: b"/ABC" + code.encode() + b"xyz\r\n"})
    assert (len(sent) == 2) == acknowledged
    assert sign_on.baudrate == baud


@given(st.lists(st.tuples(st.integers(1, 3000), st.binary(max_size=60)), max_size=30))
def test_any_bytes_at_any_time(heard):
    """Nothing is raised, the speed is one there is, and a meter that answers is understood."""
    sign_on = SignOn(interval=4000)
    now = 0
    for wait, data in heard:
        for _ in range(3):
            now += wait // 3
            assert sign_on.poll(now) in (b"", REQUEST) or sign_on.baudrate == 300
        sign_on.hear(data, len(data), now)
        assert sign_on.baudrate in (300, 600, 1200, 2400, 4800, 9600, 19200)
    for i in range(1000):
        if sign_on.poll(now + 50 * i) == REQUEST:
            now += 50 * i
            break
    run(sign_on, now + 1500, {now + 600: b"/ISK5MT174-0001\r\n"}, now=now + 50)
    assert (sign_on.maker, sign_on.baudrate) == ("ISK", 9600)


def test_a_simulated_meter_on_a_terminal():
    """The reader's terminal must be at the right speed at each step, or nothing arrives."""
    import termios

    meter = mode_c.METERS["de-iec-c"].meter("de-iec-c")
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(theirs, False)
    thread = threading.Thread(target=mode_c.serve, args=(ours, meter, 4))
    thread.start()
    sign_on = SignOn()
    heard = b""
    baudrate = None
    try:
        begin = time.monotonic()
        while time.monotonic() - begin < 6 and not heard.endswith(meter.block(0)):
            now = int((time.monotonic() - begin) * 1000)
            data = sign_on.poll(now)
            if sign_on.baudrate != baudrate:
                baudrate = sign_on.baudrate
                settings = termios.tcgetattr(theirs)
                settings[4] = settings[5] = getattr(termios, f"B{baudrate}")
                termios.tcsetattr(theirs, termios.TCSADRAIN, settings)
            if data:
                os.write(theirs, data)
            try:
                part = os.read(theirs, 64)
            except BlockingIOError:
                part = b""
            sign_on.hear(part, len(part), now)
            heard += part
            time.sleep(0.02)
    finally:
        thread.join()
        os.close(ours)
        os.close(theirs)
    assert heard == meter.telegram(0)
