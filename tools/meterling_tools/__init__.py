"""The PC side of Meterling: one command line, `meterling`, with verbs."""

from pathlib import Path

# Both only in a checkout, where the project is installed as editable.
ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"


class CommandError(Exception):
    """Why a command cannot do what it was asked: one sentence for the person at the
    terminal. `status` is the exit code: 2 = not even begun, 1 = tried and failed."""

    def __init__(self, sentence, status=2):
        super().__init__(sentence)
        self.status = status
