"""A figure, its target, and the line of the table that shows both."""

from dataclasses import dataclass

OK, SHORT, NOT_MEASURED, FAILED = "ok", "short", "not measured", "failed"
_NAME, _VALUE, _TARGET = 68, 12, 17  # widths of the columns


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    value: number, None if not measured; target: number, None where there is none and the
    figure is for information; at_least: the target is a lower bound, not an upper one; stretch:
    what would be better still; note: what one has to know of it; missing: why it was not
    measured; failed: why measuring went wrong.
    """

    name: str
    value: float | None = None
    unit: str = ""
    target: float | None = None
    at_least: bool = False
    stretch: float | None = None
    note: str = ""
    missing: str = ""
    failed: str = ""

    @property
    def state(self):
        """OK, SHORT, NOT_MEASURED, FAILED, or "" if it is only for information."""
        if self.failed:
            return FAILED
        if self.value is None:
            return NOT_MEASURED
        if self.target is None:
            return ""
        reached = self.value >= self.target if self.at_least else self.value <= self.target
        return OK if reached else SHORT


def heading():
    """The table's first line."""
    return f"{'figure':<{_NAME}}{'value':>{_VALUE}}{'target':>{_TARGET}}"


def line(figure):
    """A figure as one line of the table (two if its name is long)."""
    if figure.failed or figure.value is None:
        value = "-"
    else:
        value = _quantity(figure.value, figure.unit)
    target = ""
    if figure.target is not None:
        target = ("at least " if figure.at_least else "at most ") + _number(figure.target)
    note = figure.failed or figure.missing or figure.note
    if figure.stretch is not None and not note:
        word = "reached" if (figure.value or 0) <= figure.stretch else "not reached"
        note = f"stretch {_number(figure.stretch)} {word}"
    text = f"{figure.name:<{_NAME}}{value:>{_VALUE}}{target:>{_TARGET}}  {figure.state:<6}"
    return (text + (f" ({note})" if note else "")).rstrip()


def _quantity(value, unit):
    return f"{_number(value)} {unit}".rstrip()


def _number(value):
    """Thousands in groups; decimals only where they say something."""
    if value == int(value):
        return f"{int(value):,}".replace(",", " ")
    return f"{value:,.{0 if abs(value) >= 1000 else 1}f}".replace(",", " ")
