"""From the bytes of the line to readings: link, ciphering and COSEM in one row.

Nothing is raised on wire data and nothing is allocated per telegram once its shape is
known. What is refused counts up in `counters`.
"""

from . import errors
from .ciphering.counter import OTHER_METER, REPEATED, Restart, compare
from .ciphering.glo import GeneralCiphering, open_apdu
from .cosem import clock
from .cosem.plan import NOWHERE, extract
from .link.framer import feed
from .octets import copy
from .plausible import Plausible, check
from .python import VIPER, const, micropython
from .reading import MAX_VALUES, Reading

if not VIPER:
    from .python import ptr8, ptr32

SIZE = const(1024)  # longest telegram, bytes

_DATA_NOTIFICATION = const(0x0F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_BLOCK_TRANSFER = const(0xE0)
_LLC = const(0xE6)  # E6 E7 00 or E6 E6 00, ahead of an APDU in HDLC

# Words of a link layer's state; see link.framer.
_SOURCE = const(8)
_READY = const(11)
_BEGIN = const(12)
_STOP = const(13)

# Words of the ciphering's state; see ciphering.glo.
_END = const(0)
_NEXT = const(1)
_UNCHECKED = const(3)
_PLAIN = const(16)

_NOWHERE = const(255)  # see cosem.plan

_TELEGRAMS = const(2)
_READINGS = const(3)
_ERR_NO_AUTH_KEY = const(13)
_ERR_REPLAY = const(16)
_ERR_IMPLAUSIBLE = const(20)

_MAX_PLANS = const(4)  # shapes kept; a meter sends one to three


def make_link(name, counters, size):
    """The link layer `name` ("mbus", "hdlc", "apdu"); only its own module is loaded.
    ValueError if there is none of that name."""
    if name == "mbus":
        from .link.mbus import MBus as Link
    elif name == "hdlc":
        from .link.hdlc import Hdlc as Link
    elif name == "apdu":
        from .link.apdu import Apdu as Link
    else:
        raise ValueError(name)
    return Link(counters, size)


def _ignore(reading):
    pass


class Decoder:
    """One meter's line.

    link: "mbus", "hdlc" or "apdu". key, auth_key: bytes, 16, or None. on_reading:
    called with a Reading (valid during the call) for each telegram that passed every
    check. size: longest telegram, bytes. own_layouts: see cosem.learn. counters:
    errors.Counters.
    """

    def __init__(
        self, link, key=None, auth_key=None, on_reading=None, size=SIZE, own_layouts=""
    ):
        self.counters = errors.Counters()
        self._counts = self.counters.counts
        self.on_reading = on_reading or _ignore
        self._size = size
        self._own_layouts = own_layouts
        self._link = make_link(link, self.counters, size)
        self._bare = link == "apdu"
        self._ciphering = GeneralCiphering(key, auth_key, size)
        self._nonce = self._ciphering.nonce
        self._last = bytearray(12)  # nonce of the last accepted telegram
        self._restart = Restart(self._nonce)
        self._blocks = None
        self._plans = []
        self._reading = Reading()
        self._clock = bytearray(12)  # of the last accepted reading; 0: none

    def feed(self, buffer, length):
        """Take `length` bytes from `buffer` (bytes-like), as they came."""
        self.counters.add(errors.BYTES, length)
        link = self._link
        position = 0
        while True:
            position = feed(link.parts, buffer, position, length)
            if not link.state[_READY]:
                return
            self._payload(link)

    def quiet(self):
        """The line has been silent, or the file has ended: what is only half there is
        given up. Nothing depends on it; it only makes broken telegrams show sooner."""
        link = self._link
        while True:
            link.quiet()
            if not link.state[_READY]:
                break
            self._payload(link)
        if self._blocks:
            self._blocks.quiet()
            self._transfers()

    @micropython.viper
    def apdus(self, data, begin: int, end: int, source: int) -> int:
        """Read the APDUs in `data[begin:end]`, without any link layer; source: int, tells
        senders apart. 0 if one of them was not what it seemed, else 1."""
        octets = ptr8(data)
        good = 1
        while begin < end:
            tag = octets[begin]
            if tag == _GENERAL_GLO or tag == _GENERAL_DED:
                ciphering = self._ciphering
                state = ptr32(ciphering.state)
                error = int(open_apdu(ciphering.parts, data, begin, end))
                begin = state[_NEXT]
                if error:
                    self._refuse(error)
                    good = 0
                    if begin == 0:
                        return 0
                    continue
                if state[_UNCHECKED]:
                    self.counters.add(_ERR_NO_AUTH_KEY)
                if int(self._notification(ciphering.buffer, _PLAIN, state[_END], ciphering)) == 0:
                    good = 0
            elif tag == _LLC and begin + 2 < end and octets[begin + 2] == 0:
                begin += 3
            else:
                begin = int(self._other(data, begin, end, source))
                if begin == 0:
                    return 0
        return good

    def _other(self, data, begin, end, source):
        # An APDU that is not ciphered; the position behind it, or 0 if there is none.
        tag = data[begin]
        if tag == _DATA_NOTIFICATION:
            length = self._notification(data, begin, end, None)
            return length and begin + length
        if tag == _BLOCK_TRANSFER:
            if self._blocks is None:
                from .link.gbt import BlockTransfer

                self._blocks = BlockTransfer(self.counters, self._size)
            if not self._blocks.add(data, begin, end, source):
                self.counters.add(errors.SEGMENT)
            begin = self._blocks.next
            self._transfers()
            return begin
        self.counters.add(errors.APDU)
        return 0

    def _refuse(self, error):
        # A ciphered APDU that could not be opened.
        self.counters.add(errors.TELEGRAMS)
        self.counters.add(error)

    def _payload(self, link):
        state = link.state
        data = link.raw if state[_READY] == 1 else link.joined
        good = self.apdus(data, state[_BEGIN], state[_STOP], state[_SOURCE])
        if self._bare and not good:
            link.reject()

    def _transfers(self):
        while True:
            transfer = self._blocks.take()
            if transfer is None:
                return
            self.apdus(transfer.buffer, 0, transfer.fill, transfer.source)

    @micropython.viper
    def _notification(self, data, begin: int, end: int, ciphering) -> int:
        # One data-notification; its length, or 0 if it is none (counted). ciphering:
        # what it came out of, or None.
        counts = ptr32(self._counts)
        counts[_TELEGRAMS] = counts[_TELEGRAMS] + 1
        reading = self._reading
        values = reading.values
        plans = self._plans
        plan = ciphering
        found = 0
        i = int(len(plans))
        while i > 0 and found == 0:
            i -= 1
            plan = plans[i]
            found = int(extract(plan.parts, data, begin, end, values))
        if found == 0:
            plan = self._learn(data, begin, end, ciphering)
            if not plan:
                return 0
        position = int(plan.length)
        if ciphering:
            if int(compare(self._nonce, self._last)) and not self._believe_counter(plan, data):
                counts[_ERR_REPLAY] = counts[_ERR_REPLAY] + 1
                return position
        bad = int(check(plan.plausible.parts, values))
        if bad and not plan.plausible.excused(bad, data, values, self._clock):
            counts[_ERR_IMPLAUSIBLE] = counts[_ERR_IMPLAUSIBLE] + 1
            return position
        if ciphering:
            copy(self._last, 0, self._nonce, 0, 12)
        i = int(plan.clock)
        if i != _NOWHERE:
            copy(self._clock, 0, data, values[i], 12)
        reading.plan = plan
        reading.apdu = data
        reading.ciphering = ciphering
        counts[_READINGS] = counts[_READINGS] + 1
        self.on_reading(reading)
        return position

    def _learn(self, data, begin, end, ciphering):
        # A shape not seen before: its plan, or None (counted).
        from .cosem.learn import learn

        title = bytes(ciphering.nonce) if ciphering else b""
        plan = learn(data, begin, end, title, self._own_layouts)
        guess = ciphering and not ciphering.authenticated
        if not isinstance(plan, int):
            if plan.count > MAX_VALUES:
                plan = errors.TOO_LONG
            elif guess and plan.length != end - begin:
                plan = errors.DECODE
        if isinstance(plan, int):
            # Without a tag, the text itself must show that the key is right.
            fitted = not guess or self._plans
            self.counters.add(plan if fitted else errors.WRONG_KEY)
            return None
        plan.plausible = Plausible(plan)
        extract(plan.parts, data, begin, end, self._reading.values)
        if len(self._plans) == _MAX_PLANS:
            self._plans.pop(0)
        self._plans.append(plan)
        return plan

    def _believe_counter(self, plan, data):
        # For an invocation counter that is not newer than the last.
        state = compare(self._nonce, self._last)
        if state == OTHER_METER:
            for each in self._plans:
                each.plausible.forget()
            self._clock[0] = 0
            return True
        if state == REPEATED:
            return False
        went_on = True
        if plan.clock != NOWHERE and self._clock[0]:
            now = clock.seconds(data, self._reading.values[plan.clock])
            went_on = now < 0 or now > clock.seconds(self._clock, 0)
        return self._restart.restarted(went_on)
