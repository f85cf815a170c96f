"""From the bytes of the line to readings: link, ciphering and COSEM in one row.

Nothing is raised on wire data and nothing is allocated per telegram once its shape is
known. What is refused counts up in `counters`.

Heap is short on a dongle: what the telegrams of a known shape do not need is loaded when
it is first needed, and the machinery that learns a shape is dropped again.
"""

from .ciphering.glo import make, open_apdu
from .link.framer import feed, quiet
from .octets import copy
from .python import VIPER, const, micropython, unload

if VIPER:
    from .cosem.plan_viper import check, extract, newer
else:
    from .cosem.plan_plain import check, extract, newer
    from .python import ptr8, ptr16, ptr32

_DATA_NOTIFICATION = const(0x0F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_BLOCK_TRANSFER = const(0xE0)
_LLC = const(0xE6)  # E6 E7 00 or E6 E6 00, ahead of an APDU in HDLC
_TEXT = const(0x2F)  # "/", with which a telegram of text begins

# Parts of a link layer, and words of its state; see link.framer.
_STATE = const(2)
_LINK_COUNTS = const(3)
_START = const(0)
_RECEIVED = const(1)
_SOURCE = const(8)
_READY = const(11)
_BEGIN = const(12)
_STOP = const(13)
_NO_CHECK = const(22)
_ANSWER = const(23)

# Parts of the ciphering, and words of its state; see ciphering.glo.
_CIPHERING_STATE = const(0)
_CIPHERING_BUFFER = const(1)
_CIPHERING_NONCE = const(2)
_END = const(0)
_NEXT = const(1)
_UNCHECKED = const(3)
_PLAIN = const(16)

# Parts of a plan, and words of its shape; see cosem.plan.
_SHAPE = const(0)
_RULES = const(3)
_LIMITS = const(4)
_LENGTH = const(0)
_COUNT = const(1)
_CLOCK_AT = const(2)
_NOWHERE = const(255)

# Parts of the decoder, a list: subscripts are cheaper than attributes.
_COUNTS = const(0)  # array: counters.Counters
_VALUES = const(1)  # array: of the latest telegram; see cosem.plan
_PLANS = const(2)  # list: latest first
_NONCE = const(3)  # bytearray, 12: of the latest ciphered telegram
_LAST = const(4)  # bytearray, 12: nonce of the last reading
_CLOCK = const(5)  # bytearray, 12: date-time of the last reading; 0: none
_READING = const(6)
_PLAN = const(7)  # of the reading
_APDU = const(8)  # what the reading's plan and values refer to
_CIPHERED = const(9)  # 1: the reading's APDU was ciphered
_OPENED = const(10)  # state of the ciphering
# 11: kept by doubt
_BLOCKS = const(12)  # see link.gbt; None until there was one
_SIZE = const(13)  # longest telegram
# 14: own layouts; see cosem.learn
_TRANSLATED = const(15)  # function `take` of translated
# 16 to 19: kept by translated
_UNPROTECTED = const(20)  # 1: no checksum protected the reading's telegram
_MODE5 = const(21)  # see ciphering.mode5, and its function; None: not that link
# 22: see setting_up; 23: kept by learn; 24, 25: kept by doubt

_BYTES = const(0)
_WRAP = const(0x3FFFFFFF)
_TELEGRAMS = const(2)
_READINGS = const(3)
_ERR_TOO_LONG = const(8)
_ERR_APDU = const(9)
_ERR_NO_KEY = const(12)
_ERR_NO_AUTH_KEY = const(13)
_ERR_REPLAY = const(16)
_ERR_IMPLAUSIBLE = const(20)
_ERR_UNPROTECTED = const(21)

_DOUBTFUL = const(2)  # what `learn_shape` says; see cosem.learn

# What `believe` is asked beside what `check` says; see doubt.
_OLD = const(0)
_OTHER_TITLE = const(-1)
_NEW_SHAPE = const(-2)

# What `newer` says; see cosem.plan.
_OLDER = const(0)
_OTHER_METER = const(2)
_SAME = const(3)

_NONCE_LENGTH = const(12)
_CLOCK_LENGTH = const(12)

_LEARNING = const(
    "learn axdr choose layout layouts nordic positional iskra tagged implied obis plan plausible"
)
_MAX_PLANS = const(4)  # shapes kept; a meter sends one to three

LINKS = ("mbus", "hdlc", "apdu", "p1", "sml", "amis")
_ACKNOWLEDGED = b"\xe5"


def make_link(name, counts, size):
    """The parts of the link layer `name` (one of LINKS; see link.framer); only its own
    module is loaded. ValueError if there is none of that name."""
    if name not in LINKS:
        raise ValueError(name)
    return __import__("meterling.link." + name, None, None, ("link",)).link(counts, size)


def _ignore(reading):
    pass


class _Latest:
    """What `on_reading` gets first: a Reading (see reading), whose code is loaded when
    the first of its attributes is asked for. From then on there is the Reading itself."""

    def __init__(self, parts):
        self.parts = parts

    def __len__(self):
        return len(self._reading())

    def __getattr__(self, name):
        return getattr(self._reading(), name)

    def _reading(self):
        parts = self.parts
        if parts[_READING] is self:
            from .reading import Reading

            parts[_READING] = Reading(parts)
        return parts[_READING]


class Decoder:
    """One meter's line.

    link: one of LINKS. key, auth_key: bytes, 16, or None. on_reading: called with a
    Reading (valid during the call) for each telegram that passed every check. size:
    longest telegram, bytes; no memory is taken before a telegram needs it. own_layouts:
    see cosem.learn. lenient: the first telegram of a shape is believed however little
    protects it.
    """

    def __init__(
        self,
        link,
        key=None,
        auth_key=None,
        on_reading=None,
        size=2048,
        own_layouts="",
        lenient=False,
    ):
        self.on_reading = on_reading or _ignore
        self.on_answer_due = None  # called before a telegram is read whose sender waits
        self.on_ciphered = None  # called with (data, begin, end) of each ciphered telegram
        self._lenient = lenient
        self._bare = link == "apdu"
        self.parts = None
        self._set_up(link, size, own_layouts)
        self.set_keys(key, auth_key)

    def _set_up(self, *args):
        try:
            from .setting_up import set_up

            self._line, self._language, self.parts = set_up(*args)
            self.parts[_READING] = _Latest(self.parts)
        finally:
            set_up = None
            unload("meterling", "setting_up")

    def set_keys(self, key, auth_key):
        """Other keys (bytes, 16, or None) from the next telegram on."""
        parts = self.parts
        self._ciphering = make(key, auth_key, parts[_SIZE])
        parts[_NONCE] = self._ciphering[_CIPHERING_NONCE]
        parts[_OPENED] = self._ciphering[_CIPHERING_STATE]
        if parts[_MODE5] is not None:
            from .ciphering import mode5

            parts[_MODE5] = mode5.make(key) + [mode5.open_telegram]

    @property
    def counters(self):
        """What was counted so far: counters.Counters."""
        from .counters import Counters

        return Counters(self.parts[_COUNTS])

    @micropython.viper
    def feed(self, buffer, length: int):
        """Take `length` bytes from `buffer` (bytes-like), as they came."""
        parts = self._line
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
            self.parts[_UNPROTECTED] = state[_NO_CHECK]
            if state[_ANSWER]:
                self._answer()  # now: the first telegram of a shape takes long
            if int(self.apdus(data, state[_BEGIN], state[_STOP], state[_SOURCE])) == 0:
                self._reject()

    def quiet(self):
        """The line has been silent, or the file has ended: what is only half there is
        given up. Nothing depends on it; it only makes broken telegrams show sooner."""
        line = self._line
        state = line[_STATE]
        while True:
            quiet(line)
            if not state[_READY]:
                break
            data = line[state[_READY] - 1]
            self.parts[_UNPROTECTED] = state[_NO_CHECK]
            if not self.apdus(data, state[_BEGIN], state[_STOP], state[_SOURCE]):
                self._reject()
        if self.parts[_BLOCKS]:
            from .link.gbt import quiet as blocks_quiet

            blocks_quiet(self)

    def _answer(self):
        if self.on_answer_due:
            self.on_answer_due()

    def take_answer(self):
        """What the meter waits for (bytes): b"" or one acknowledgement, however many
        frames came. To be sent at once, when `on_answer_due` is called and after `feed`:
        AMIS waits 500 ms at most."""
        state = self._line[_STATE]
        if not state[_ANSWER]:
            return b""
        state[_ANSWER] = 0
        return _ACKNOWLEDGED

    @micropython.viper
    def apdus(self, data, begin: int, end: int, source: int) -> int:
        """Read the APDUs in `data[begin:end]`, without any link layer; source: int, tells
        senders apart. 0 if one of them was not what it seemed, else 1."""
        octets = ptr8(data)
        good = 1
        while begin < end:
            tag = octets[begin]
            if tag == _GENERAL_GLO or tag == _GENERAL_DED:
                if self.on_ciphered:
                    self.on_ciphered(data, begin, end)
                parts = self._ciphering
                state = ptr32(parts[_CIPHERING_STATE])
                error = int(open_apdu(parts, data, begin, end))
                begin = state[_NEXT]
                if error:
                    self._count(_TELEGRAMS)
                    self._count(error)
                    if error != _ERR_NO_KEY:
                        good = 0
                    if begin == 0:
                        return 0
                else:
                    if state[_UNCHECKED]:
                        self._count(_ERR_NO_AUTH_KEY)
                    buffer = parts[_CIPHERING_BUFFER]
                    if ptr8(buffer)[_PLAIN] == _TEXT:
                        good &= int(self._take("text", buffer, _PLAIN, state[_END], 1))
                    elif int(self._notification(buffer, _PLAIN, state[_END], 1, "")) == 0:
                        good = 0
            elif tag == _LLC and begin + 2 < end and octets[begin + 2] == 0:
                begin += 3
            elif self._language:
                return int(self._take(self._language, data, begin, end, 0))
            elif tag == _DATA_NOTIFICATION:
                length = int(self._notification(data, begin, end, 0, ""))
                if length == 0:
                    return 0
                begin += length
            else:
                begin = int(self._other(data, begin, end, source))
                if begin == 0:
                    return 0
        return good

    def _other(self, data, begin, end, source):
        # An APDU of another kind; the position behind it, or 0 if there is none.
        if data[begin] == _BLOCK_TRANSFER:
            try:
                from .link.gbt import take_block

                return take_block(self, data, begin, end, source)
            except (MemoryError, ImportError):
                unload("meterling.link", "gbt")
                self._count(_ERR_TOO_LONG)
                return 0
        self._count(_ERR_APDU)
        return 0

    @micropython.viper
    def _take(self, language, data, begin: int, end: int, ciphered: int) -> int:
        # A payload that is no A-XDR; 0 if it is broken (counted), else 1.
        if not self.parts[_TRANSLATED]:
            self._load_translated()
            if not self.parts[_TRANSLATED]:
                return 0
        return int(self.parts[_TRANSLATED](self, language, data, begin, end, ciphered))

    def _load_translated(self):
        try:
            from .translated import take

            self.parts[_TRANSLATED] = take
        except (MemoryError, ImportError):
            unload("meterling", "translated")
            self._count(_ERR_TOO_LONG)

    def _count(self, code):
        self.parts[_COUNTS][code] += 1

    def _reject(self):
        # What was delivered is no APDU, or is refused: without a checksum, it may have
        # been found in the wrong place.
        if self._bare:
            from .link.apdu import reject

            reject(self._line[_STATE])

    @micropython.viper
    def _notification(self, data, begin: int, end: int, ciphered: int, layout) -> int:
        # One data-notification; its length, or 0 if it is none (counted). ciphered: 1
        # if it came out of the ciphering, else 0. layout: that of a translator, or "".
        parts = self.parts
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
                found = int(extract(data, plan, values, begin))
        if found == 0:
            found = int(self._learn(data, begin, end, ciphered, layout))
            if found == 0:
                return 0
            values = parts[_VALUES]
            plan = plans[0]
            shape = ptr16(plan[_SHAPE])
            if found == _DOUBTFUL and not self._lenient:
                if int(self._believe(data, plan, _NEW_SHAPE)) == 0:
                    counts[_ERR_UNPROTECTED] = counts[_ERR_UNPROTECTED] + 1
                    return shape[_LENGTH]
        if ciphered:
            order = int(newer(parts[_NONCE], parts[_LAST]))
            if order == _OTHER_METER and counts[_READINGS]:
                order = int(self._believe(data, plan, _OTHER_TITLE))
            if order == _SAME or (order == _OLDER and int(self._believe(data, plan, _OLD)) == 0):
                counts[_ERR_REPLAY] = counts[_ERR_REPLAY] + 1
                return shape[_LENGTH]
        bad = int(check(plan[_RULES], plan[_LIMITS], values, shape[_COUNT]))
        if bad:
            if int(self._believe(data, plan, bad)) == 0:
                counts[_ERR_IMPLAUSIBLE] = counts[_ERR_IMPLAUSIBLE] + 1
                return shape[_LENGTH]
        if ciphered:
            copy(parts[_LAST], parts[_NONCE], 0, 0, _NONCE_LENGTH)
        i = shape[_CLOCK_AT]
        if i != _NOWHERE:
            copy(parts[_CLOCK], data, 0, ptr32(values)[i], _CLOCK_LENGTH)
        counts[_READINGS] = counts[_READINGS] + 1
        parts[_PLAN] = plan
        parts[_APDU] = data
        parts[_CIPHERED] = ciphered
        self.on_reading(parts[_READING])
        return shape[_LENGTH]

    def _learn(self, data, begin, end, ciphered, layout):
        # A shape not seen before becomes the first of the plans; 0 if it is none (counted).
        unload("meterling.cosem", "")  # only makes room
        try:
            from .cosem.learn import learn_shape

            return learn_shape(self.parts, data, begin, end, ciphered, layout)
        except (MemoryError, ImportError):
            self._count(_ERR_TOO_LONG)
            return 0
        finally:
            learn_shape = None
            unload("meterling.cosem", _LEARNING)

    def _believe(self, data, plan, bad):
        # For an invocation counter that is older than the last, another system title, a new
        # shape, or a value that `check` refused: see doubt.
        try:
            from .doubt import believe

            return believe(self.parts, data, plan, bad)
        except (MemoryError, ImportError):
            unload("meterling", "doubt")
            return 0
