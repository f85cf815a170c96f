"""What a line may carry, for hypothesis, and how a decoder is to bear it."""

from hypothesis import strategies as st

CHUNKS = st.lists(st.integers(1, 400), min_size=1, max_size=5)  # sizes, in turn


@st.composite
def streams(draw, telegrams, others, garbage=300):
    """Garbage, pieces of telegrams, whole ones, some again, some altered, in one row: bytes.

    telegrams: strategy of bytes; others: strategy of what else may come, such as starts of
    frames; garbage: most bytes of it in a piece.
    """
    pieces = st.one_of(
        st.binary(max_size=garbage),
        parts(telegrams),
        altered(telegrams),
        st.builds(lambda telegram, times: telegram * times, telegrams, st.integers(1, 3)),
        others,
    )
    return b"".join(draw(st.lists(pieces, max_size=6)))


@st.composite
def parts(draw, telegrams):
    """A piece of a telegram."""
    telegram = draw(telegrams)
    begin = draw(st.integers(0, len(telegram)))
    return telegram[begin : begin + draw(st.integers(0, len(telegram)))]


@st.composite
def altered(draw, telegrams):
    """A telegram with one to four bytes that are not its own."""
    bad = bytearray(draw(telegrams))
    for _ in range(draw(st.integers(1, 4))):
        bad[draw(st.integers(0, len(bad) - 1))] = draw(st.integers(0, 255))
    return bytes(bad)


def feed(seen, data, sizes):
    """`data` to a Listener in chunks of `sizes`, in turn."""
    position = 0
    while position < len(data):
        for size in sizes:
            part = data[position : position + size]
            seen.decoder.feed(part, len(part))
            position += size


def memory(listener):
    """Bytes of all buffers that a decoder owns, whatever they are called."""
    lengths = []
    waiting, known = [listener.decoder], set()
    while waiting:
        each = waiting.pop()
        if id(each) in known:
            continue
        known.add(id(each))
        if isinstance(each, bytearray) or type(each).__name__ == "array":
            lengths.append(len(each) * getattr(each, "itemsize", 1))
        elif isinstance(each, (tuple, list)):
            waiting.extend(each)
        elif isinstance(each, bytes):
            lengths.append(len(each))
        elif type(each).__module__.startswith("meterling."):
            waiting.extend(getattr(each, "__dict__", {}).values())
    return sum(lengths)
