"""The meter simulator against published telegrams, independent checks and gurux-dlms."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from decoding import bare_meter
from dlms_cosem.exceptions import DecryptionError
from dlms_cosem.protocol.xdlms import GeneralGlobalCipher
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import InterfaceType, Security
from gurux_dlms.secure.GXDLMSSecureClient import GXDLMSSecureClient
from meterling_tools.simulate import DLMS, METERS, axdr, clock, glo, hdlc, layouts, make_meter, mbus
from meterling_tools.simulate.faults import Faults

# Netz NÖ, "Smart Meter Kundenschnittstelle", 3rd edition, March 2022: the printed example.
NOE_KEY = bytes.fromhex("36c66639e48a8ca4d6bc8b282a793bbb")
NOE_TELEGRAM = bytes.fromhex(
    "68fafa6853ff000167db084b464d675000000981f8200000002388d5ab4f97515aafc6b88d2f85daa7a0e3c0c4"
    "0d004535c397c9d037ab7dbda329107615444894a1a0dd7e85f02d496cecd3ff46af5fb3c9229cfe8f3ee4606a"
    "b2e1f409f36aad2e50900a4396fc6c2e083f373233a69616950758bfc7d63a9e9b6e99e21b2cbc2b934772ca51"
    "fd4d69830711cab1f8cff25f0a329337cba51904f0caed88d61968743c8454ba922eb00038182c22fe316d16f2"
    "a9f544d6f75d51a4e92a1c4ef8ab19a2b7feaa32d0726c0ed80229ae6c0f7621a4209251ace2b2bc66ff0327a6"
    "53bb686c756be033c7a281f1d2a7e1fa31c3983e15f8fd16cc5787e6f517166814146853ff110167419a3cfda4"
    "4be438c96f0e38bf83d98316"
)
NOE_SNAPSHOT = layouts.Snapshot(
    local=datetime.fromisoformat("2021-09-27T09:47:15+02:00"),
    values={
        "1.8.0": 12937,
        "32.7.0": 2337,
        "13.7.0": 1000,
        **dict.fromkeys(
            ["2.8.0", "1.7.0", "2.7.0", "52.7.0", "72.7.0", "31.7.0", "51.7.0", "71.7.0"], 0
        ),
    },
    number="181220000009",
)


# ---- published telegrams --------------------------------------------------------------------


def test_the_telegram_printed_by_netz_noe_is_reproduced():
    body, expected = layouts.LOWER_AUSTRIA(NOE_SNAPSHOT)
    apdu = axdr.data_notification(0x8006870E, NOE_SNAPSHOT.date_time, body)
    ciphered = glo.cipher(apdu, 0x20, NOE_KEY, None, bytes.fromhex("4b464d6750000009"), 0x23)
    assert mbus.frames(ciphered) == NOE_TELEGRAM
    assert expected["1-0:1.8.0"] == (12937, 0, "Wh")
    assert expected["1-0:32.7.0"] == (2337, -1, "V")
    assert expected["1-0:13.7.0"] == (1000, -3, "")


def test_the_norwegian_list_printed_by_kamstrup_is_reproduced():
    """HAN-NVE interface description 3.1, section 3.1: all zero, clock of another form."""
    body, _ = DLMS["kamstrup-no"].layout(
        layouts.Snapshot(
            local=datetime.fromisoformat("2000-01-01T22:33:00+01:00"),
            values=dict.fromkeys(make_meter("kamstrup-no")._registers.at(0)[1], 0),
            number="5706567000000000",
            device_name="0" * 18,
        )
    )
    # Its year is 2000 and its weekday 6; hundredths, deviation and status are as written here.
    stamp = bytes.fromhex("07d0010106162100ff800001")
    frame = hdlc.frames(axdr.data_notification(0, stamp, body), bytes.fromhex("2b21"))
    assert frame.hex() == (
        "7ea0e22b2113239ae6e7000f000000000c07d0010106162100ff80000102190a0e4b616d73747275705f5630"
        "30303109060101000005ff0a103537303635363730303030303030303009060101600101ff0a123030303030"
        "303030303030303030303030300906010101"
        "0700ff060000000009060101020700ff060000000009060101030700ff060000000009060101040700ff0600"
        "000000090601011f0700ff060000000009060101330700ff060000000009060101470700ff06000000000906"
        "0101200700ff12000009060101340700ff12000009060101480700ff1200005be57e"
    )


@pytest.mark.parametrize(
    ("security_control", "text"),
    [
        (0x30, "411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"),
        (0x31, None),
        (0x20, "411312ff935a47566827c467bc"),
        (0x21, "411312ff935a47566827c467bc"),
        (0x10, "c0010000080000010000ff0200" + "06725d910f9221d263877516"),
    ],
)
def test_the_green_books_ciphering_example(security_control, text):
    apdu = bytes.fromhex("c0010000080000010000ff0200")
    key = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
    auth_key = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
    title = bytes.fromhex("4d4d4d0000bc614e")
    sealed = glo.cipher(apdu, security_control, key, auth_key, title, 0x01234567)
    header = bytes([0xDB, 8]) + title + bytes([len(sealed) - 11, security_control, 1, 35, 69, 103])
    assert sealed[:16] == header
    if text is not None:
        assert sealed[16:].hex() == text
    else:  # the security control is authenticated too, so 31 has another tag than 30
        assert sealed[16:29].hex() == "411312ff935a47566827c467bc"
        assert sealed[29:].hex() != "7d825c3be4a77c3fcc056b6b"


@pytest.mark.parametrize(
    ("encoded", "wire"),
    [
        (axdr.null(), "00"),
        (axdr.boolean(True), "0301"),
        (axdr.i8(-3), "0ffd"),
        (axdr.i16(-300), "10fed4"),
        (axdr.i32(-1), "05ffffffff"),
        (axdr.i64(-2), "14fffffffffffffffe"),
        (axdr.u8(200), "11c8"),
        (axdr.u16(2337), "120921"),
        (axdr.u32(12937), "0600003289"),
        (axdr.u64(5), "150000000000000005"),
        (axdr.octets("KFM"), "09034b464d"),
        (axdr.visible("KFM"), "0a034b464d"),
        (axdr.octets(bytes(200))[:3], "0981c8"),
        (axdr.octets(bytes(265))[:4], "09820109"),
        (axdr.array(axdr.u8(1), axdr.null()), "0102110100"),
        (axdr.scaler_unit(-1, "V"), "02020fff1623"),
        (axdr.obis("1-0:32.7.0"), "09060100200700ff"),
    ],
)
def test_a_xdr(encoded, wire):
    assert encoded.hex() == wire


def test_dedicated_ciphering_differs_in_its_tag_only():
    arguments = (b"\x0f", 0x20, NOE_KEY, None, b"KFM\x67\x50\x00\x00\x09", 35)
    ded = glo.cipher(*arguments, tag=glo.GENERAL_DED)
    assert ded == b"\xdc" + glo.cipher(*arguments)[1:]


# ---- every meter, checked by other people's code --------------------------------------------


def joined_mbus(data):
    """Payload of long frames; checks each header, checksum and segment number on the way."""
    payload, segment = b"", 0
    while data:
        assert data[0] == data[3] == 0x68 and data[1] == data[2]
        # Sagemcom's L of 01 means 257: the stop byte stands where one of the two lets it.
        size = next(L for L in (data[1], data[1] + 256) if data[L + 5 : L + 6] == b"\x16" and L > 4)
        body = data[4 : 4 + size]
        assert sum(body) % 256 == data[4 + size]
        assert body[:2] == b"\x53\xff" and body[3:5] == b"\x01\x67"
        assert body[2] & 0x0F == segment
        payload, data, segment = payload + body[5:], data[6 + size :], segment + 1
    assert body[2] & 0x10
    return payload


def flattened(value):
    for each in value:
        if isinstance(each, list):
            yield from flattened(each)
        else:
            yield bytes(each) if isinstance(each, bytearray) else each


def read_by_gurux(meter, telegram):
    """(time, [every octet-string, text and number in the order of the telegram])."""
    client = GXDLMSSecureClient(True)
    client.interfaceType = InterfaceType.HDLC if meter.link == "hdlc" else InterfaceType.PDU
    if meter.key:
        client.ciphering.blockCipherKey = bytearray(meter.key)
        client.ciphering.authenticationKey = bytearray(meter.auth_key or bytes(16))
        client.ciphering.security = (
            Security.AUTHENTICATION_ENCRYPTION if meter.auth_key else Security.ENCRYPTION
        )
    buffer = GXByteBuffer(joined_mbus(telegram) if meter.link == "mbus" else telegram)
    notification = GXReplyData()
    while buffer.position < len(buffer):
        before = buffer.position
        client.getData(buffer, GXReplyData(), notification)
        assert buffer.position > before, "gurux takes no frame"
    assert notification.complete and not int(notification.moreData)
    return notification.time, list(flattened(notification.value))


@pytest.mark.parametrize("name", DLMS)
def test_gurux_reads_what_is_expected(name):
    meter = make_meter(name, seed=3)
    for n in range(2):
        stamp, items = read_by_gurux(meter, meter.telegram(n))
        position = 0
        for code, value in meter.expected(n).items():
            raw = value if isinstance(value, str) else value[0]
            spelled = raw.encode() if isinstance(raw, str) else raw
            label = None if code[0] == "?" else axdr.logical_name(code)
            # Where the OBIS code stands beside its value, the value must follow it.
            if label in items and items[items.index(label) + 1] in (raw, spelled):
                continue
            position = items.index(spelled, position) + 1
        assert len(meter.expected(n)) >= 2
        if meter.time(n):
            assert stamp.value.astimezone(UTC) == meter.utc(n)


def test_dlms_cosem_accepts_the_tag_and_refuses_it_under_another_key():
    """gurux-dlms reads tagged telegrams but does not look at the tag; dlms-cosem does."""
    meter = bare_meter(seed=9)
    sealed = GeneralGlobalCipher.from_bytes(meter.telegram(0))
    assert sealed.to_plain_apdu(meter.key, meter.auth_key) == meter.apdu(0)
    with pytest.raises(DecryptionError):
        sealed.to_plain_apdu(meter.key, bytes(16))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        # (bytes on the line) as seen in real telegrams of the same kind
        ("tinetz-kaifa", 250 + 6 + 114 + 6),
        ("netznoe-kaifa", 250 + 6 + 20 + 6),
        ("netznoe-sagemcom", 257 + 6 + 13 + 6),
        ("kaernten-im350", 0x79 + 2),
        ("wels-am550", 0x70 + 2 - 2),  # Siemens' header is two bytes longer than Iskra's
        ("wien-im150", 0x69 + 2),
        ("kamstrup-dk", 491),
    ],
)
def test_telegrams_have_the_size_of_real_ones(name, sizes):
    assert len(make_meter(name).telegram(0)) == sizes


def test_salzburg_sends_a_full_list_in_two_frames_and_a_short_one_in_one():
    meter = make_meter("salzburg-honeywell")
    full, short = meter.telegram(0), meter.telegram(1)
    assert full.startswith(bytes.fromhex("68fafa6853ff000167db08454c53"))
    assert short.startswith(bytes.fromhex("685d5d6853ff100167db08454c53"))
    assert list(meter.expected(1)) == ["1-0:1.8.0", "1-0:3.8.0"]


def test_sagemcom_says_01_where_257_bytes_follow():
    telegram = make_meter("netznoe-sagemcom").telegram(0)
    assert telegram[:4].hex() == "68010168"
    assert telegram[257 + 6 :][:4].hex() == "680d0d68"


def test_a_bare_apdu_has_no_link_layer():
    assert bare_meter().telegram(0)[:2] == b"\xdb\x08"


# ---- HDLC -------------------------------------------------------------------------------------


def test_hdlc_crc_has_the_published_check_value():
    assert hdlc.crc16_x25(b"123456789") == bytes.fromhex("6e90")  # 906E, low byte first


def test_hdlc_segments_carry_the_bit_and_one_llc():
    payload = bytes(range(200))
    data = hdlc.frames(payload, b"\xce\xff\x03", max_information=90)
    first, second, third = data[:102], data[102:204], data[204:]
    assert first[1:3] == b"\xa8\x64" and second[1] == 0xA8 and third[1] == 0xA0
    information = [frame[9:-3] for frame in (first, second, third)]
    assert b"".join(information) == b"\xe6\xe7\x00" + payload
    for frame in (first, second, third):
        assert hdlc.crc16_x25(frame[1:-3]) == frame[-3:-1]


def test_hdlc_can_leave_its_checks_at_zero():
    data = hdlc.frame(b"\x0f", b"\xcf\x02\x23", checks=False)
    assert data.hex() == "7ea00bcf0223130000" + "0f" + "00007e"


def test_a_frame_too_long_for_its_length_field_is_refused():
    with pytest.raises(ValueError, match="2047"):
        hdlc.frame(bytes(2048), b"\x03\x03")


# ---- clock, household, seeds ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc", "on_the_wire"),
    [
        ("2021-09-27T07:47:15Z", "07e5091b01092f0f00ff8880"),
        ("2026-03-29T00:59:59Z", "07ea031d07013b3b00ffc400"),
        ("2026-03-29T01:00:00Z", "07ea031d0703000000ff8880"),
        ("2026-10-25T00:30:00Z", "07ea0a1907021e0000ff8880"),
        ("2026-10-25T01:30:00Z", "07ea0a1907021e0000ffc400"),
    ],
)
def test_the_clock_knows_summer_time(utc, on_the_wire):
    moment = datetime.fromisoformat(utc)
    assert clock.date_time(clock.local_time(moment)).hex() == on_the_wire


def test_a_start_without_zone_is_local_time():
    assert make_meter("schwaz", start=datetime(2026, 1, 5, 8, 0)).time(0) == "2026-01-05T07:00:00Z"
    assert make_meter("schwaz", start=datetime(2026, 7, 5, 8, 0)).time(1) == "2026-07-05T06:00:05Z"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_energies_rise_as_much_as_the_power_says(seed):
    meter = make_meter("netznoe-kaifa", seed=seed, start=datetime(2026, 6, 1, 5, 0))
    steps = 6 * 720  # six hours of a morning: from the grid first, then from the roof
    readings = [meter.expected(n) for n in range(steps)]
    for power, energy in (("1-0:1.7.0", "1-0:1.8.0"), ("1-0:2.7.0", "1-0:2.8.0")):
        registers = [reading[energy][0] for reading in readings]
        assert registers == sorted(registers)
        watt_seconds = sum(reading[power][0] * 5 for reading in readings[1:])
        assert abs((registers[-1] - registers[0]) - watt_seconds / 3600) <= 1
        assert registers[-1] > registers[0]
    assert all(2100 < reading["1-0:32.7.0"][0] < 2500 for reading in readings)


@pytest.mark.parametrize("name", DLMS)
def test_telegrams_depend_on_seed_and_number_only(name):
    one, other = make_meter(name, seed=5), make_meter(name, seed=5)
    forwards = [one.telegram(n) for n in range(4)]
    assert forwards == [other.telegram(n) for n in reversed(range(4))][::-1]
    assert forwards[0] != make_meter(name, seed=6).telegram(0)
    assert len(set(forwards)) == 4 or one.security_control is None


def test_counter_and_clock_advance():
    meter = make_meter("tinetz-kaifa")
    assert meter.invocation_counter(7) == meter.invocation_counter(0) + 7
    assert meter.utc(7) - meter.utc(0) == timedelta(seconds=35)
    quick = make_meter("tinetz-kaifa", interval_ms=500)
    assert quick.utc(7) - quick.utc(0) == timedelta(seconds=3)


# ---- faults -----------------------------------------------------------------------------------

TELEGRAM = random.Random(1).randbytes(4000)


def test_no_fault_changes_nothing():
    assert Faults(seed=1).spoil(0, TELEGRAM) == TELEGRAM


def test_flipped_bits():
    spoiled = Faults(seed=1, flip_bits=0.01).spoil(0, TELEGRAM)
    assert len(spoiled) == len(TELEGRAM)
    flipped = sum((a ^ b).bit_count() for a, b in zip(spoiled, TELEGRAM, strict=True))
    assert 200 < flipped < 450  # 32000 bits


def test_dropped_bytes():
    assert 3700 < len(Faults(seed=1, drop_bytes=0.05).spoil(0, TELEGRAM)) < 3900
    assert Faults(drop_bytes=1).spoil(0, TELEGRAM) == b""


def test_noise_lies_between_the_bytes():
    spoiled = Faults(seed=1, noise=0.05).spoil(0, TELEGRAM)
    assert 4100 < len(spoiled) < 4300
    rest = iter(spoiled)
    assert all(byte in rest for byte in TELEGRAM)


def test_truncated_telegrams():
    cut = [Faults(seed=1, truncate=0.3).spoil(n, TELEGRAM) for n in range(200)]
    assert all(TELEGRAM.startswith(each) for each in cut)
    assert 35 < sum(each != TELEGRAM for each in cut) < 90


def test_faults_are_the_same_each_time():
    faults = Faults(seed=2, flip_bits=0.01, drop_bytes=0.01, noise=0.01, truncate=0.1)
    assert faults.spoil(3, TELEGRAM) == faults.spoil(3, TELEGRAM)
    assert faults.spoil(3, TELEGRAM) != faults.spoil(4, TELEGRAM)


# ---- command line -----------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "meterling_tools.simulate"]


def simulate(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=20)


def test_telegrams_go_to_standard_output(tmp_path):
    meter = make_meter("netznoe-kaifa", seed=4, key=NOE_KEY)
    both = meter.telegram(0) + meter.telegram(1)
    stamps = tmp_path / "stamps"
    run = simulate(
        *("netznoe-kaifa", "--count", "2", "--seed", "4", "--key", NOE_KEY.hex()),
        *("--stamps", str(stamps)),
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, both, b"")
    lines = [json.loads(line) for line in stamps.read_text().splitlines()]
    assert [line["n"] for line in lines] == [0, 1]
    assert lines[1]["invocation_counter"] == meter.invocation_counter(1)
    assert lines[0]["last_byte"] <= lines[1]["last_byte"] <= time.monotonic_ns()


def test_list_names_every_meter():
    run = simulate("--list")
    assert run.returncode == 0
    assert [line.split()[0] for line in run.stdout.decode().splitlines()[1:]] == list(METERS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tinetz-kafia"], "did you mean tinetz-kaifa?"),
        ([], "which meter?"),
        (["schwaz", "--key", "0011"], "a key has 16 bytes (32 hex digits), not 2"),
        (["schwaz", "--key", "x" * 32], "a key is 32 hex digits"),
        (["schwaz", "--noise", "1.5"], "'1.5' is not a probability from 0 to 1"),
        (["schwaz", "--count", "0"], "'0' is not a number of telegrams from 1 up"),
        (["schwaz", "--interval", "soon"], "'soon' is not an interval"),
        (["schwaz", "--start", "soon"], "'soon' is not a time like"),
        (["schwaz", "--start", "0001-01-01"], "of 2000 to 2098"),
        (["netzooe-amis", "--start", "2200-01-01"], "of 2000 to 2098"),
        (["schwaz", "--serial", "/dev/null"], "not a serial port"),
        (["schwaz", "--output", "/no/such/place"], "No such file or directory"),
        (["schwaz", "--pty", "--output", "x"], "not allowed with argument"),
        (["aidon-no", "--key", "00" * 16], "sends plain telegrams"),
        (["schwaz", "--auth-key", "00" * 16], "does not authenticate"),
    ],
)
def test_a_bad_argument_is_named(arguments, sentence, capfd):
    from meterling_tools.simulate import cli

    parser = cli.argparse.ArgumentParser()
    cli.add_arguments(parser)
    try:
        code = cli.run(parser.parse_args(arguments))
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2
    assert sentence in capfd.readouterr().err


def test_a_reader_that_leaves_is_no_error():
    command = [*COMMAND, "wien-im150", "--at-once", "--count", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(10) == 0


def test_a_pty_carries_telegrams_at_line_speed_until_interrupted(tmp_path):
    """Three telegrams of Vienna's optical line, 9600 baud: 1.04 ms a byte, one every 0.3 s."""
    stamps = tmp_path / "stamps"
    command = [*COMMAND, "wien-im150", "--pty", "--interval", "0.3", "--stamps", str(stamps)]
    command += ["--start", clock.DEFAULT_START.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        terminal = os.open(process.stdout.readline().decode().strip(), os.O_RDONLY | os.O_NOCTTY)
        meter = make_meter("wien-im150", interval_ms=300)
        wanted = b"".join(meter.telegram(n) for n in range(3))
        first = received = os.read(terminal, 1000)
        while len(received) < len(wanted):
            received += os.read(terminal, 1000)
        time.sleep(0.1)  # the stamp follows the last byte; the next telegram is 0.2 s away
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=10)
        os.close(terminal)
    assert received == wanted
    assert len(first) <= 40  # it trickles
    assert process.returncode == 0 and b"Traceback" not in complaints
    last = [json.loads(line)["last_byte"] for line in stamps.read_text().splitlines()]
    assert abs(last[2] - last[0] - 600_000_000) < 50_000_000


def test_a_pty_at_once_waits_for_its_reader():
    """30 telegrams are more than its buffer holds, and all of them arrive."""
    command = [*COMMAND, "schwaz", "--pty", "--at-once", "--count", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        terminal = os.open(process.stdout.readline().decode().strip(), os.O_RDONLY | os.O_NOCTTY)
        meter = make_meter("schwaz")
        wanted = b"".join(meter.telegram(n) for n in range(30))
        received = b""
        while len(received) < len(wanted):
            received += os.read(terminal, 1000)
        assert received == wanted
        process.communicate(timeout=10)
        os.close(terminal)
    assert process.returncode == 0


def test_a_serial_port_is_opened_with_the_lines_settings():
    """A pty stands in for the port: it takes the settings, and the telegram."""
    import termios
    import tty

    controller, port = os.openpty()
    tty.setraw(controller)
    path = os.ttyname(port)
    run = simulate(
        "schwaz", "--serial", path, "--count", "1", "--start", clock.DEFAULT_START.isoformat()
    )
    assert run.returncode == 0, run.stderr
    assert os.read(controller, 1000) == make_meter("schwaz").telegram(0)
    _, _, cflag, _, speed, _, _ = termios.tcgetattr(port)
    assert speed == termios.B2400
    assert cflag & termios.CSIZE == termios.CS8
    os.close(controller)
    os.close(port)
