"""What a bad cable does to telegrams, from a seed: the same faults in every run."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """Probabilities, 0 to 1: a bit flipped, a byte lost, a stray byte before a byte, and a
    telegram that breaks off somewhere."""

    seed: int = 0
    flip_bits: float = 0.0
    drop_bytes: float = 0.0
    noise: float = 0.0
    truncate: float = 0.0

    def spoil(self, n, telegram):
        """Telegram number ``n`` as it arrives: bytes."""
        draw = random.Random(f"faults {self.seed} {n}")
        if self.truncate and draw.random() < self.truncate:
            telegram = telegram[: draw.randrange(len(telegram))]
        if not (self.flip_bits or self.drop_bytes or self.noise):
            return telegram
        out = bytearray()
        for byte in telegram:
            if draw.random() < self.noise:
                out.append(draw.randrange(256))
            if draw.random() < self.drop_bytes:
                continue
            for bit in range(8):
                if draw.random() < self.flip_bits:
                    byte ^= 1 << bit
            out.append(byte)
        return bytes(out)
