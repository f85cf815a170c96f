"""How the telegrams of each link layer begin. Viper kernel, for the sniffer."""

from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8, ptr32

LINKS = ("mbus", "amis", "hdlc", "sml", "p1", "apdu")  # from 1 on
_MBUS = const(1)
_AMIS = const(2)
_HDLC = const(3)
_SML = const(4)
_P1 = const(5)
_APDU = const(6)

_AT = const(0)


@micropython.viper
def _capital(byte: int) -> int:
    if 0x41 <= byte and byte <= 0x5A:
        return 1
    return 0


@micropython.viper
def signature(buffer, begin: int, end: int, place) -> int:
    """The link layer whose telegrams begin as buffer[place[0]:end] does, at the first such
    place from `begin` on: its number in LINKS, from 1 on, or 0; then it is to be looked
    from place[0] on when more has come. place: words(1)."""
    octets = ptr8(buffer)
    found = ptr32(place)
    left = end - begin
    byte = 0
    while left > 4:
        byte = octets[begin]
        found[_AT] = begin
        if (byte == 0x68 and left < 7) or (byte == 0x1B and left < 8):
            return 0  # to be looked at again
        if byte == 0x68:
            # 68 L L 68 C A CI
            if octets[begin + 3] == 0x68 and octets[begin + 1] == octets[begin + 2]:
                if octets[begin + 6] == 0x5B:
                    return _AMIS
                return _MBUS
        elif byte == 0x10:
            # 10 40 F0 30 16: AMIS looks for us.
            if (
                octets[begin + 1] == 0x40
                and octets[begin + 2] == 0xF0
                and octets[begin + 3] == 0x30
                and octets[begin + 4] == 0x16
            ):
                return _AMIS
        elif byte == 0x7E:
            # 7E A s LLL: format type 3; addresses end with bit 0 set.
            if octets[begin + 1] & 0xF0 == 0xA0:
                if (octets[begin + 3] | octets[begin + 4]) & 1:
                    return _HDLC
        elif byte == 0x1B:
            # 1B1B1B1B 01010101
            left = 0
            while left < 4 and octets[begin + left] == 0x1B and octets[begin + 4 + left] == 1:
                left += 1
            if left == 4:
                return _SML
            left = end - begin
        elif byte == 0x2F:
            # /XXX
            if (
                int(_capital(octets[begin + 1] & 0xDF))
                and int(_capital(octets[begin + 2] & 0xDF))
                and int(_capital(octets[begin + 3] & 0xDF))
            ):
                return _P1
        elif byte == 0x02:
            # STX and a code of digits, - . : * &
            if octets[begin + 1] & 0xF0 == 0x30 and 0x26 <= octets[begin + 2]:
                if octets[begin + 2] < 0x3B and octets[begin + 3] < 0x3B:
                    return _P1
        elif byte == 0xDB or byte == 0xDC:
            # DB 08 and a system title: three capitals name the maker
            if octets[begin + 1] == 8 and int(_capital(octets[begin + 2])):
                if int(_capital(octets[begin + 3])) and int(_capital(octets[begin + 4])):
                    return _APDU
        begin += 1
        left -= 1
    found[_AT] = begin
    return 0
