"""From the bytes of the line to readings: link, ciphering and COSEM in one row.

Nothing is raised on wire data and nothing is allocated per telegram once its shape is
known. What is refused counts up in `counters`.
"""

from . import errors
from .ciphering.counter import OLDER, OTHER_METER, REPEATED, InvocationCounter
from .ciphering.glo import GeneralCiphering
from .cosem import clock
from .cosem.plan import NOWHERE
from .plausible import Plausible
from .python import const, copy
from .reading import MAX_VALUES, Reading

SIZE = const(1024)  # longest telegram, bytes

_DATA_NOTIFICATION = const(0x0F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_BLOCK_TRANSFER = const(0xE0)
_LLC = const(0xE6)  # E6 E7 00 or E6 E6 00, ahead of an APDU in HDLC

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
        self.on_reading = on_reading
        self._size = size
        self._own_layouts = own_layouts
        self._link = make_link(link, self.counters, size)
        self._bare = link == "apdu"
        self._ciphering = GeneralCiphering(key, auth_key, size)
        self._counter = InvocationCounter(self._ciphering.nonce)
        self._blocks = None
        self._plans = []
        self._reading = Reading()
        self._clock = bytearray(12)  # of the last accepted reading; 0: none
        self._fitted = False  # the key has opened a telegram before

    def feed(self, buffer, length):
        """Take `length` bytes from `buffer` (bytes-like), as they came."""
        self.counters.add(errors.BYTES, length)
        link = self._link
        position = 0
        while True:
            position = link.feed(buffer, position, length)
            if not link.ready:
                return
            self._payload(link)

    def quiet(self):
        """The line has been silent, or the file has ended: what is only half there is
        given up. Nothing depends on it; it only makes broken telegrams show sooner."""
        link = self._link
        while True:
            link.quiet()
            if not link.ready:
                break
            self._payload(link)
        if self._blocks:
            self._blocks.quiet()
            self._transfers()

    def apdus(self, data, begin, end, source=0):
        """Read the APDUs in `data[begin:end]`, without any link layer. False if one of
        them was not what it seemed."""
        counters = self.counters
        good = True
        while begin < end:
            tag = data[begin]
            if tag == _GENERAL_GLO or tag == _GENERAL_DED:
                counters.add(errors.TELEGRAMS)
                error = self._ciphered(data, begin, end)
                if error:
                    counters.add(error)
                    good = False
                begin = self._ciphering.next
                if not begin:
                    return False
            elif tag == _DATA_NOTIFICATION:
                counters.add(errors.TELEGRAMS)
                length = self._notification(data, begin, end, None)
                if not length:
                    return False
                begin += length
            elif tag == _LLC and begin + 2 < end and data[begin + 2] == 0:
                begin += 3
            elif tag == _BLOCK_TRANSFER:
                if self._blocks is None:
                    from .link.gbt import BlockTransfer

                    self._blocks = BlockTransfer(counters, self._size)
                if not self._blocks.add(data, begin, end, source):
                    counters.add(errors.SEGMENT)
                begin = self._blocks.next
                self._transfers()
            else:
                counters.add(errors.APDU)
                return False
        return good

    def _payload(self, link):
        good = self.apdus(link.buffer, link.begin, link.end, link.source)
        if self._bare and not good:
            link.reject()

    def _transfers(self):
        while True:
            transfer = self._blocks.take()
            if transfer is None:
                return
            self.apdus(transfer.buffer, 0, transfer.fill)

    def _ciphered(self, data, begin, end):
        # One ciphered APDU; 0, or an error code that is not counted yet.
        ciphering = self._ciphering
        error = ciphering.open(data, begin, end)
        if error:
            return error
        if ciphering.unchecked:
            self.counters.add(errors.NO_AUTH_KEY)
        begin = ciphering.begin
        end = ciphering.end
        length = self._notification(ciphering.buffer, begin, end, ciphering)
        return errors.DECODE if length and begin + length != end else 0

    def _notification(self, data, begin, end, ciphering):
        # One data-notification; its length, or 0 if it is none (counted). ciphering:
        # what it came out of, or None.
        values = self._reading.values
        for plan in self._plans:
            if plan.length <= end - begin and plan.extract(data, begin, values):
                break
        else:
            plan = self._learn(data, begin, end, ciphering)
            if plan is None:
                return 0
        error = self._check(plan, data, ciphering)
        if error:
            self.counters.add(error)
        else:
            self._accept(plan, data, begin, ciphering)
        return plan.length

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
            self.counters.add(errors.WRONG_KEY if guess and not self._fitted else plan)
            return None
        plan.plausible = Plausible(plan)
        plan.extract(data, begin, self._reading.values)
        self._plans.insert(0, plan)
        if len(self._plans) > _MAX_PLANS:
            self._plans.pop()
        return plan

    def _check(self, plan, data, ciphering):
        # 0, or the error code of the check that the telegram does not pass.
        if ciphering:
            state = self._counter.check()
            if state == REPEATED:
                return errors.REPLAY
            if state == OLDER:
                if not self._counter.restarted(self._clock_went_on(plan, data)):
                    return errors.REPLAY
            elif state == OTHER_METER:
                for each in self._plans:
                    each.plausible.forget()
                self._clock[0] = 0
        if not plan.plausible.check(data, self._reading.values):
            return errors.IMPLAUSIBLE
        return 0

    def _clock_went_on(self, plan, data):
        if plan.clock == NOWHERE or not self._clock[0]:
            return True
        now = clock.seconds(data, self._reading.values[plan.clock])
        return now < 0 or now > clock.seconds(self._clock, 0)

    def _accept(self, plan, data, begin, ciphering):
        reading = self._reading
        reading.plan = plan
        reading.apdu = data
        reading.begin = begin
        if ciphering:
            self._counter.accept()
            if plan.clock != NOWHERE:
                copy(self._clock, 0, data, reading.values[plan.clock], 12)
            self._fitted = True
            reading.nonce = ciphering.nonce
            reading.authenticated = ciphering.authenticated
            reading.unchecked = ciphering.unchecked
            reading.ciphered = True
        else:
            reading.ciphered = reading.authenticated = reading.unchecked = False
        self.counters.add(errors.READINGS)
        if self.on_reading:
            self.on_reading(reading)
