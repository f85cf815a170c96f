"""Runs on every interpreter: the kernels with random input from a seed; prints what they do.

On MicroPython each kernel is held against its plain twin on the way, where that can be
imported there. Random numbers are made here, the same everywhere.
"""

from array import array

from meterling import octets
from meterling.cosem import plan
from meterling.link.crc import crc_fits, crc_table
from meterling.python import VIPER
from meterling.reading import put_steps

if VIPER:
    from meterling.cosem.plan import compile_plan
    from meterling.cosem.plan_viper import check, extract
else:
    from meterling.cosem.plan_plain import check, compile_plan, extract

from meterling import octets_plain
from meterling.cosem import plan_plain
from meterling.json_plain import put_steps as put_steps_plain
from meterling.link import crc_plain

_seed = 12345


def draw(limit):
    """A number below `limit` (up to 2**24)."""
    global _seed
    _seed = (_seed * 1103515245 + 12345) & 0x7FFFFFFF
    return (_seed >> 7) % limit


def octets_of(count):
    return bytearray(draw(256) for _ in range(count))


def word():
    return draw(1 << 16) << 16 | draw(1 << 16)


def copies():
    # Every alignment of source and target, short and long, and within one buffer downwards.
    for count in list(range(40)) + [64, 100, 255]:
        for at in range(5):
            begin = draw(9)
            source = octets_of(begin + count + 3)
            target, twin = octets_of(at + count + 3), None
            twin = bytearray(target)
            octets.copy(target, source, at, begin, count)
            octets_plain.copy(twin, source, at, begin, count)
            assert target == twin and len(target) == at + count + 3, (count, at, begin)
            one = octets_of(at + begin + count + 3)
            other = bytearray(one)
            octets.copy(one, one, at, at + begin, count)
            octets_plain.copy(other, other, at, at + begin, count)
            assert one == other, (count, at, begin)
            print("copy", sum(target), sum(one))


def searches():
    for count in range(70):
        data = octets_of(count)
        begin = draw(count + 1)
        end = begin + draw(count - begin + 1)
        value = data[draw(count)] if count else 7
        found = int(octets.index(data, value, begin, end))
        total = int(octets.checksum(data, begin, end - begin))
        assert total == octets_plain.checksum(data, begin, end - begin)
        print("index", found, "checksum", total)


def checks_of_hdlc():
    table = crc_table()
    twin_table = crc_plain.crc_table()
    for count in range(2, 80):
        data = octets_of(count + 4)
        crc = 0xFFFF
        for byte in data[2 : 2 + count - 2]:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
        crc ^= 0xFFFF
        data[count] = crc & 0xFF
        data[count + 1] = crc >> 8
        assert int(crc_fits(table, data, 2, count)) == 1
        assert int(crc_plain.crc_fits(twin_table, data, 2, count)) == 1
        data[2 + draw(count)] ^= 1 << draw(8)
        assert int(crc_fits(table, data, 2, count)) == 0
        assert int(crc_plain.crc_fits(twin_table, data, 2, count)) == 0
    print("crc")


def plans():
    for _ in range(150):
        places, template = [], bytearray()
        for _ in range(draw(12)):
            template += octets_of(draw(7))
            width = (1, 2, 4, 8, 12, 0, 1 << 3)[draw(7)]
            numeric = width in (1, 2, 4) and draw(4)
            places += [len(template), width if numeric or width >= 8 else width | 0xFFF8]
            template += octets_of(width)
        template += octets_of(draw(5))
        template = bytes(template)
        places = array("H", places)
        count = len(places) // 2
        shape = array("H", [len(template), count, 255, 255, 255, 255])
        for offset in range(4):
            apdu = octets_of(offset) + bytearray(template) + octets_of(3)
            for i in range(count):  # other values under the same shape
                width = places[2 * i + 1]
                width = width & 7 if width >= 0xFFF8 else width
                begin = offset + places[2 * i]
                apdu[begin : begin + width] = octets_of(width)
            values = array("I", bytes(4 * 64))
            twin = array("I", bytes(4 * 64))
            of_kernel = [shape, template, compile_plan(template, places), None, None, places]
            of_twin = of_kernel[:2] + [plan_plain.compile_plan(template, places)] + of_kernel[3:]
            assert int(extract(apdu, of_kernel, values, offset)) == 1
            assert plan_plain.extract(apdu, of_twin, twin, offset) == 1
            assert values == twin
            print("extract", [hex(value) for value in values[:count]])
            if template:
                at = offset + draw(len(template))
                apdu[at] ^= 1 << draw(8)
                found = int(extract(apdu, of_kernel, values, offset))
                assert found == plan_plain.extract(apdu, of_twin, twin, offset)
                print("altered", found)


def limits():
    for _ in range(400):
        count = 1 + draw(8)
        rules = bytearray(count + 1)
        bounds = array("I", bytes(8 * count))
        values = array("I", bytes(4 * 64))
        rules[count] = draw(2)
        for i in range(count):
            rules[i] = (0, 9, 10, 12, 16, 32)[draw(6)]
            bounds[i] = 1 + (word() >> draw(30) & 0x3FFFFFFF)
            bounds[count + i] = word()
            width = {9: 8, 10: 16}.get(rules[i], 32)
            values[i] = word() >> (32 - width)
            if rules[i] == 32 and draw(2):
                values[i] = (bounds[count + i] + draw(1 << 20)) & 0xFFFFFFFF
            if draw(3) == 0:
                values[i] = bounds[i] & ((1 << width) - 1)
        twin_rules, twin_bounds = bytearray(rules), array("I", bounds)
        found = int(check(rules, bounds, values, count))
        twin = plan_plain.check(twin_rules, twin_bounds, values, count)
        assert found == twin, (found, twin, list(rules), list(bounds), list(values[:count]))
        assert rules == twin_rules and bounds == twin_bounds
        print("check", found)


def json_steps():
    for _ in range(400):
        script = bytearray()
        values = array("I", bytes(4 * 64))
        apdu = octets_of(40)
        if draw(2):
            apdu = bytes(32 + byte % 95 for byte in apdu)
        nonce = octets_of(12)
        for i in range(1 + draw(6)):
            step = draw(6)
            if step == 0:
                text = octets_of(draw(9))
                script += bytes((0, len(text))) + text
            elif step == 1:
                kind = (0, 1, 2, 4)[draw(4)]
                number = word() >> draw(32)
                if draw(4) == 0:
                    number = (0, 1, 9, 10, 0x7F, 0x80, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000)[
                        draw(10)
                    ]
                values[i] = number & ((1 << 8 * (kind or 4)) - 1)
                script += bytes((1, i, kind, 128 + draw(19) - 9))
            elif step == 2:
                values[i] = draw(20)
                script += bytes((2, i, 0, draw(20)))
            else:
                script.append(step)
        if draw(4) == 0:
            script.append(6 + draw(3))  # a step that the kernel leaves to others
        out, twin_out = bytearray(400), bytearray(400)
        state = array("i", [3, draw(300), 0, len(script), draw(2)])
        twin_state = array("i", state)
        put_steps(out, state, bytes(script), values, apdu, nonce)
        put_steps_plain(twin_out, twin_state, bytes(script), values, apdu, nonce)
        if state[0] > 400:  # no room: then where in the script it stopped means nothing
            state[2] = twin_state[2] = 0
        assert state == twin_state and out == twin_out, (script, state, twin_state, out, twin_out)
        print("json", list(state), bytes(out[3 : state[0]]) if state[0] < 400 else "no room")


copies()
searches()
checks_of_hdlc()
plans()
limits()
json_steps()
assert plan is not None
