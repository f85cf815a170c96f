"""The other decoders for Python, each made to do what ours does.

Each class takes a simulated Meter. `prepare(n)` gives the input form of telegram `n` (not
measured), `decode(it)` is what is measured, `values(result)` is what came out of it,
{OBIS code: integer}: nobody is faster by reading less.
"""

import contextlib
import io

from . import corpus


def find_values(tree):
    """{OBIS code: integer} of nested lists in which a code of six bytes stands before its
    value."""
    found = {}
    for before, here in zip(tree, tree[1:], strict=False):
        if isinstance(before, bytearray | bytes) and len(before) == 6 and isinstance(here, int):
            found[_code(before)] = here
    for each in tree:
        if isinstance(each, list):
            found.update(find_values(each))
    return found


def _code(octets):
    a, b, c, d, e, _ = octets
    return f"{a}-{b}:{c}.{d}.{e}"


class Gurux:
    name = "gurux-dlms"

    def __init__(self, meter):
        from gurux_dlms import GXByteBuffer, GXReplyData
        from gurux_dlms.enums import Authentication, InterfaceType, Security
        from gurux_dlms.secure import GXDLMSSecureClient

        kind = {"mbus": InterfaceType.WIRED_MBUS, "hdlc": InterfaceType.HDLC}[meter.link]
        self._mbus = meter.link == "mbus"
        self._meter = meter
        self._buffer, self._reply = GXByteBuffer, GXReplyData
        self._client = GXDLMSSecureClient(True, 1, 1, Authentication.NONE, None, kind)
        ciphering = self._client.ciphering
        ciphering.blockCipherKey = meter.key
        ciphering.authenticationKey = meter.auth_key or bytes(16)
        ciphering.security = (
            Security.AUTHENTICATION_ENCRYPTION if meter.auth_key else Security.ENCRYPTION
        )

    def prepare(self, n):
        return self._meter.telegram(n)

    def decode(self, telegram):
        buffer = self._buffer(telegram)
        reply, notify = self._reply(), self._reply()
        # It tells the terminal about every telegram that is ciphered.
        with contextlib.redirect_stdout(io.StringIO()):
            self._client.getData(buffer, reply, notify)
            while reply.isMoreData():
                if self._mbus:
                    buffer.position += 2  # it stops before checksum and stop byte
                self._client.getData(buffer, reply, notify)
        return notify.value

    values = staticmethod(find_values)


class DlmsCosem:
    """Raw HDLC; it knows no M-Bus, and ciphering only with a tag: without, plain APDUs."""

    name = "dlms-cosem"

    def __init__(self, meter):
        from dlms_cosem.hdlc.frames import UnnumberedInformationFrame
        from dlms_cosem.protocol.xdlms.data_notification import DataNotification
        from dlms_cosem.protocol.xdlms.general_global_cipher import GeneralGlobalCipher
        from dlms_cosem.utils import parse_as_dlms_data

        self._meter = meter
        self._frame = UnnumberedInformationFrame
        self._cipher = GeneralGlobalCipher
        self._notification = DataNotification
        self._parse = parse_as_dlms_data
        self.plain = meter.link != "hdlc" or not meter.auth_key

    def prepare(self, n):
        return self._meter.apdu(n) if self.plain else self._meter.telegram(n)

    def decode(self, data):
        if not self.plain:
            apdu = self._frame.from_bytes(data).information[3:]  # LLC
            ciphered = self._cipher.from_bytes(apdu)
            data = ciphered.to_plain_apdu(self._meter.key, self._meter.auth_key)
        return self._parse(self._notification.from_bytes(data).body)

    values = staticmethod(find_values)


class SmartmeterAustria:
    """TINETZ and the like only; takes the two frames apart already, checks no checksum."""

    name = "smartmeter-austria-energy"
    _FIRST_FRAME = 256  # bytes

    def __init__(self, meter):
        from smartmeter_austria_energy.decrypt import Decrypt
        from smartmeter_austria_energy.obisdata import ObisData
        from smartmeter_austria_energy.supplier import SUPPLIERS

        self._meter = meter
        self._decrypt = Decrypt
        self._data = ObisData
        self._supplier = SUPPLIERS["TINETZ"]
        self._key = meter.key.hex()

    def prepare(self, n):
        telegram = self._meter.telegram(n)
        return telegram[: self._FIRST_FRAME], telegram[self._FIRST_FRAME :]

    def decode(self, frames):
        decrypted = self._decrypt(self._supplier, *frames, self._key)
        decrypted.parse_all()
        self._data(decrypted, self._supplier.supplied_values)
        return decrypted.obis_values

    @staticmethod
    def values(result):
        return {
            _code(octets): value.raw_value
            for octets, value in result.items()
            if not isinstance(value.raw_value, bytes)
        }


class Ours:
    """Raw bytes to a Reading; `plain`: APDUs without link layer and ciphering. `taken`: with
    every value taken out of the reading as an integer, so that they can be compared."""

    def __init__(self, meter, plain=False, taken=False):
        from meterling.decoder import Decoder

        self._meter = meter
        self._decoder = Decoder(
            meter.link, meter.key, meter.auth_key, self._take if taken else self._keep
        )
        self._plain = plain
        self._reading = None
        self._values = None
        self.decode = self._apdu if plain else self._feed

    def _keep(self, reading):
        self._reading = reading

    def _take(self, reading):
        self._reading = reading
        self._values = [reading.raw(i) for i in range(len(reading))]

    def prepare(self, n):
        return self._meter.apdu(n) if self._plain else self._meter.telegram(n)

    def _feed(self, telegram):
        self._decoder.feed(telegram, len(telegram))
        return self._values

    def _apdu(self, apdu):
        self._decoder.apdus(apdu, 0, len(apdu), 0)
        return self._values

    def values(self, result):
        names = map(self._reading.name, range(len(result)))
        return {name: value for name, value in zip(names, result, strict=True) if value is not None}

    @property
    def readings(self):
        """How many telegrams were read."""
        return self._decoder.counters["readings"]


# Competitor, meter, and how many times faster ours must be
def demanded():
    noe, kam, tinetz = map(corpus.meter, ("netznoe-kaifa", "kamstrup-dk", "tinetz-kaifa"))
    return (
        (Gurux, "NOE", noe, 100),
        (Gurux, "KAM", kam, 100),
        (DlmsCosem, "NOE, plain APDU", noe, 20),
        (DlmsCosem, "KAM", kam, 20),
        (SmartmeterAustria, "TINETZ", tinetz, 5),
    )
