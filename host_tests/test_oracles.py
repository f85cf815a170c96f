"""Other people's DLMS libraries read the same telegrams: do they agree with the decoder?"""

from datetime import UTC, datetime

import pytest
from decoding import of_meter
from dlms_cosem.protocol.xdlms import DataNotification, GeneralGlobalCipher
from dlms_cosem.utils import parse_as_dlms_data
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import InterfaceType, Security
from gurux_dlms.secure.GXDLMSSecureClient import GXDLMSSecureClient
from meterling_tools.simulate import DLMS, axdr, make_meter
from test_simulate import flattened, read_by_gurux


def readings(meter, count):
    seen = of_meter(meter)
    for n in range(count):
        seen.hear(meter.telegram(n))
    seen.quiet()
    assert len(seen.readings) == count
    return seen.readings


def numbers_of(reading):
    return [reading.raw[code][0] for code in reading.names if reading.numbers[code]]


def is_number(item):
    return isinstance(item, int) and not isinstance(item, bool)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("name", DLMS)
def test_gurux_finds_the_same_numbers_and_times(name, seed):
    meter = make_meter(name, seed=seed)
    for n, reading in enumerate(readings(meter, 2)):
        stamp, items = read_by_gurux(meter, meter.telegram(n))
        left = [int(item) for item in items if is_number(item)]
        for number in numbers_of(reading):
            assert number in left, name
            left.remove(number)
        # What is left are scalers and units, and in a push list its attributes.
        assert name == "klagenfurt-e450" or all(-9 <= each <= 255 for each in left)
        for code in reading.names:
            if code[0] != "?" and "/" not in code and name in ("tinetz-kaifa", "netznoe-kaifa"):
                assert axdr.logical_name(code) in items
        if reading.time and reading.time.endswith("Z") and stamp is not None and stamp.value:
            told = datetime.fromisoformat(reading.time.replace("Z", "+00:00"))
            assert stamp.value.astimezone(UTC) == told


def test_gurux_is_held_to_the_key_too():
    """With another key it does not find these numbers: the comparison can fail."""
    meter = make_meter("kaernten-im350")
    client = GXDLMSSecureClient(True)
    client.interfaceType = InterfaceType.HDLC
    client.ciphering.blockCipherKey = bytearray(16)
    client.ciphering.security = Security.ENCRYPTION
    notification = GXReplyData()
    try:
        client.getData(GXByteBuffer(meter.telegram(0)), GXReplyData(), notification)
        items = list(flattened(notification.value or []))
    except Exception:  # whatever it makes of such a text
        items = []
    (reading,) = readings(meter, 1)
    assert not set(numbers_of(reading)) - {0} <= {item for item in items if is_number(item)}


TAGGED = [name for name in DLMS if make_meter(name).auth_key]


@pytest.mark.parametrize("name", TAGGED)
def test_dlms_cosem_checks_the_tag_and_finds_the_same_numbers(name):
    meter = make_meter(name, seed=4)
    for n, reading in enumerate(readings(meter, 2)):
        assert reading.authenticated
        sealed = GeneralGlobalCipher.from_bytes(sealed_apdu(meter, n))
        assert sealed.system_title.hex().upper() == reading.system_title
        assert sealed.invocation_counter == reading.invocation_counter
        plain = sealed.to_plain_apdu(meter.key, meter.auth_key)
        notification = DataNotification.from_bytes(plain)
        items = list(flat(parse_as_dlms_data(notification.body)))
        left = [item for item in items if is_number(item)]
        for number in numbers_of(reading):
            assert number in left
            left.remove(number)


def flat(value):
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from flat(each)
    else:
        yield value


def sealed_apdu(meter, n):
    """The ciphered APDU of a telegram, without its link layer."""
    from meterling_tools.simulate import glo

    return glo.cipher(
        *(meter.apdu(n), meter.security_control, meter.key, meter.auth_key),
        *(meter.system_title, meter.invocation_counter(n)),
    )
