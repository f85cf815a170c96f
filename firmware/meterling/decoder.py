"""From the bytes of the line to readings: link, ciphering and COSEM in one row.

Nothing is raised on wire data and nothing is allocated per telegram once its shape is
known. What is refused counts up in `counters`.
"""

from . import errors
from .ciphering.counter import OTHER_METER, REPEATED, Restart, compare
from .ciphering.glo import GeneralCiphering, open_apdu
from .cosem import clock
from .cosem.plan import NO_PLAN, NOWHERE, extract
from .link.framer import feed
from .octets import copy
from .plausible import Plausible, check
from .python import VIPER, const, micropython
from .reading import MAX_VALUES, Reading

if not VIPER:
    from .python import ptr8, ptr16, ptr32

SIZE = const(1024)  # longest telegram, bytes

_DATA_NOTIFICATION = const(0x0F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_BLOCK_TRANSFER = const(0xE0)
_LLC = const(0xE6)  # E6 E7 00 or E6 E6 00, ahead of an APDU in HDLC

# Parts of a link layer, and words of its state; see link.framer.
_STATE = const(2)
_LINK_COUNTS = const(3)
_START = const(0)
_RECEIVED = const(1)
_SOURCE = const(8)
_READY = const(11)
_BEGIN = const(12)
_STOP = const(13)

# Parts of the ciphering, and words of its state; see ciphering.glo.
_CIPHERING_STATE = const(0)
_CIPHERING_BUFFER = const(1)
_END = const(0)
_NEXT = const(1)
_UNCHECKED = const(3)
_PLAIN = const(16)

# Parts of a plan, and words of its shape; see cosem.plan.
_TEMPLATE = const(0)
_COMPILED = const(1)
_SHAPE = const(2)
_SELF = const(3)
_LIMITS = const(4)  # of plausible; added here
_LENGTH = const(0)
_COUNT = const(1)
_CLOCK_AT = const(2)
_NOWHERE = const(255)

# Parts of the decoder, a tuple: subscripts are cheaper than attributes.
_COUNTS = const(0)
_VALUES = const(1)
_PLANS = const(2)
_NONCE = const(3)
_LAST = const(4)
_CLOCK = const(5)
_READING = const(6)

_BYTES = const(0)
_WRAP = const(0x3FFFFFFF)
_TELEGRAMS = const(2)
_READINGS = const(3)
_ERR_NO_AUTH_KEY = const(13)
_ERR_REPLAY = const(16)
_ERR_IMPLAUSIBLE = const(20)

_TITLE_LENGTH = const(8)
_NONCE_LENGTH = const(12)
_CLOCK_LENGTH = const(12)

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
        self._link_parts = self._link.parts
        self._bare = link == "apdu"
        self._ciphering = GeneralCiphering(key, auth_key, size)
        self._nonce = self._ciphering.nonce
        self._last = bytearray(12)  # nonce of the last accepted telegram
        self._restart = Restart(self._nonce)
        self._blocks = None
        self._plans = [NO_PLAN] * _MAX_PLANS  # latest first
        self._reading = Reading(self._ciphering)
        self._clock = bytearray(12)  # of the last accepted reading; 0: none
        self._parts = (
            self._counts,
            self._reading.values,
            self._plans,
            self._nonce,
            self._last,
            self._clock,
            self._reading,
        )

    @micropython.viper
    def feed(self, buffer, length: int):
        """Take `length` bytes from `buffer` (bytes-like), as they came."""
        parts = self._link_parts
        state = ptr32(parts[_STATE])
        counts = ptr32(parts[_LINK_COUNTS])
        counts[_BYTES] = (counts[_BYTES] + length) & _WRAP
        position = 0
        while position < length or state[_START] < state[_RECEIVED]:
            position = int(feed(parts, buffer, position, length))
            if state[_READY] == 0:
                return
            # Part READY - 1 is `raw` or `joined`.
            data = parts[state[_READY] - 1]
            if int(self.apdus(data, state[_BEGIN], state[_STOP], state[_SOURCE])) == 0:
                self._reject()

    def quiet(self):
        """The line has been silent, or the file has ended: what is only half there is
        given up. Nothing depends on it; it only makes broken telegrams show sooner."""
        state = self._link.state
        while True:
            self._link.quiet()
            if not state[_READY]:
                break
            data = self._link_parts[state[_READY] - 1]
            if not self.apdus(data, state[_BEGIN], state[_STOP], state[_SOURCE]):
                self._reject()
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
                parts = self._ciphering.parts
                state = ptr32(parts[_CIPHERING_STATE])
                error = int(open_apdu(parts, data, begin, end))
                begin = state[_NEXT]
                if error:
                    self._refuse(error)
                    good = 0
                    if begin == 0:
                        return 0
                else:
                    if state[_UNCHECKED]:
                        self.counters.add(_ERR_NO_AUTH_KEY)
                    buffer = parts[_CIPHERING_BUFFER]
                    if int(self._notification(buffer, _PLAIN, state[_END], 1)) == 0:
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
            length = self._notification(data, begin, end, 0)
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

    def _reject(self):
        # What was delivered is no APDU, or is refused: without a checksum, it may have
        # been found in the wrong place.
        if self._bare:
            self._link.reject()

    def _transfers(self):
        while True:
            transfer = self._blocks.take()
            if transfer is None:
                return
            self.apdus(transfer.buffer, 0, transfer.fill, transfer.source)

    @micropython.viper
    def _notification(self, data, begin: int, end: int, ciphered: int) -> int:
        # One data-notification; its length, or 0 if it is none (counted). ciphered: 1
        # if it came out of the ciphering, else 0.
        parts = self._parts
        counts = ptr32(parts[_COUNTS])
        values = parts[_VALUES]
        plans = parts[_PLANS]
        counts[_TELEGRAMS] = counts[_TELEGRAMS] + 1
        plan = plans[0]
        shape = ptr16(plan[_SHAPE])
        found = 0
        i = 0
        while i < _MAX_PLANS and found == 0:
            plan = plans[i]
            shape = ptr16(plan[_SHAPE])
            i += 1
            if 0 < shape[_LENGTH] and shape[_LENGTH] <= end - begin:
                found = int(
                    extract(
                        data, plan[_TEMPLATE], plan[_COMPILED], values, begin, shape[_COUNT]
                    )
                )
        if found == 0:
            if int(self._learn(data, begin, end, ciphered)) == 0:
                return 0
            plan = plans[0]
            shape = ptr16(plan[_SHAPE])
        nonce = ptr8(parts[_NONCE])
        last = ptr8(parts[_LAST])
        if ciphered:
            i = 0
            while i < _NONCE_LENGTH and nonce[i] == last[i]:
                i += 1
            if i < _TITLE_LENGTH or i == _NONCE_LENGTH or nonce[i] < last[i]:
                if int(self._believe_counter(data, shape[_CLOCK_AT])) == 0:
                    counts[_ERR_REPLAY] = counts[_ERR_REPLAY] + 1
                    return shape[_LENGTH]
        bad = int(check(plan[_LIMITS], values))
        if bad:
            if int(self._believe_step(plan[_SELF], bad, data)) == 0:
                counts[_ERR_IMPLAUSIBLE] = counts[_ERR_IMPLAUSIBLE] + 1
                return shape[_LENGTH]
        if ciphered:
            i = 0
            while i < _NONCE_LENGTH:
                last[i] = nonce[i]
                i += 1
        i = shape[_CLOCK_AT]
        if i != _NOWHERE:
            copy(parts[_CLOCK], data, 0, values[i], _CLOCK_LENGTH)
        counts[_READINGS] = counts[_READINGS] + 1
        reading = parts[_READING]
        reading.plan = plan[_SELF]
        reading.apdu = data
        reading.ciphered = ciphered
        self.on_reading(reading)
        return shape[_LENGTH]

    def _learn(self, data, begin, end, ciphered):
        # A shape not seen before becomes the first of the plans; 0 if it is none (counted).
        from .cosem.learn import learn

        ciphering = self._ciphering
        title = bytes(ciphering.nonce) if ciphered else b""
        plan = learn(data, begin, end, title, self._own_layouts)
        guess = ciphered and not ciphering.authenticated
        if not isinstance(plan, int):
            if plan.count > MAX_VALUES:
                plan = errors.TOO_LONG
            elif guess and plan.length != end - begin:
                plan = errors.DECODE
        if isinstance(plan, int):
            # Without a tag, the text itself must show that the key is right.
            fitted = not guess or self._plans[0] is not NO_PLAN
            self.counters.add(plan if fitted else errors.WRONG_KEY)
            return 0
        plan.plausible = Plausible(plan)
        plans = self._plans
        plans.pop()
        plans.insert(0, plan.parts + (plan.plausible.parts,))
        extract(data, plan.template, plan.compiled, self._reading.values, begin, plan.count)
        return 1

    def _believe_counter(self, data, clock_at):
        # For an invocation counter that is not newer than the last; 1 to believe it.
        state = compare(self._nonce, self._last)
        if state == OTHER_METER:
            for plan in self._plans:
                if plan is not NO_PLAN:
                    plan[_SELF].plausible.forget()
            self._clock[0] = 0
            return 1
        if state == REPEATED:
            return 0
        went_on = True
        if clock_at != NOWHERE and self._clock[0]:
            now = clock.seconds(data, self._reading.values[clock_at])
            went_on = now < 0 or now > clock.seconds(self._clock, 0)
        return int(self._restart.restarted(went_on))

    def _believe_step(self, plan, bad, data):
        # For a value that `check` refused; 1 to believe it.
        return int(plan.plausible.excused(bad, data, self._reading.values, self._clock))
