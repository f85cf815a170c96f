"""What `meterling bench` says of its figures; the measuring itself only where it is cheap."""

from types import SimpleNamespace

import pytest
from meterling_tools import CommandError, bench, cli, interpreters
from meterling_tools.bench import competitors, corpus, cpython, heap, instructions
from meterling_tools.bench.figure import Figure, heading, line


@pytest.mark.parametrize(
    ("figure", "state"),
    [
        (Figure("f", 0, "B", target=0), "ok"),
        (Figure("f", 1, "B", target=0), "short"),
        (Figure("f", 100.0, "x", target=100, at_least=True), "ok"),
        (Figure("f", 99.9, "x", target=100, at_least=True), "short"),
        (Figure("f", target=5, missing="no mosquitto"), "not measured"),
        (Figure("f", failed="it broke"), "failed"),
        (Figure("f", 5), ""),
    ],
)
def test_the_state_of_a_figure(figure, state):
    assert figure.state == state
    assert state in line(figure)


def test_a_line_has_value_target_state_and_what_one_has_to_know():
    text = line(Figure("speed", 56650, "B", 55000, stretch=40000))
    assert text.split() == (
        "speed 56 650 B at most 55 000 short (stretch 40 000 not reached)".split()
    )
    assert text.index("56 650 B") + len("56 650 B") == heading().index("value") + len("value")
    assert "(no valgrind)" in line(Figure("speed", target=1, missing="no valgrind"))
    assert " 19.4 x " in line(Figure("speed", 19.44, "x", 20, at_least=True))


@pytest.fixture
def measured(monkeypatch):
    """Replaces what is measured: `measured(Figure, ..)`; a CommandError is raised."""

    class Part:
        def figures(args):
            for each in results:
                if isinstance(each, CommandError):
                    raise each
                yield each

    results = []
    monkeypatch.setattr(bench, "import_module", lambda *_: Part)
    return results.extend


def test_one_that_falls_short_makes_the_exit_code_1(measured, capsys):
    measured([Figure("a", 1, target=1), Figure("b", 2, target=1), Figure("c", 3)])
    assert cli.main(["bench", "heap"]) == 1
    assert capsys.readouterr().out.endswith("\n1 of 2 figures fall short of their target.\n")


def test_what_cannot_be_measured_here_is_said_and_no_failure(measured, capsys):
    measured([Figure("a", 1, target=1), Figure("b", target=1, missing="no valgrind")])
    assert cli.main(["bench", "heap"]) == 0
    assert "0 of 2 figures fall short of their target, 1 not measured." in capsys.readouterr().out


def test_a_part_that_breaks_off_fails_and_the_others_go_on(measured, capsys):
    measured([Figure("a", 1, target=1), CommandError("The meter is asleep.")])
    assert cli.main(["bench", "heap", "mqtt"]) == 1
    output = capsys.readouterr().out
    assert output.count("(The meter is asleep.)") == 2
    assert output.endswith("2 parts failed.\n")


def test_an_unknown_part_is_answered_with_those_there_are(capsys):
    assert cli.main(["bench", "coffee"]) == 2
    assert "'coffee'; there are: heap, instructions," in capsys.readouterr().err


def test_without_valgrind_instructions_are_not_measured(monkeypatch):
    monkeypatch.setattr(instructions, "shutil", SimpleNamespace(which=lambda name: None))
    figures = list(instructions.figures(None))
    assert [figure.state for figure in figures] == ["not measured"] * 2


def test_the_telegram_for_counting_instructions_has_about_450_bytes():
    meter = corpus.medium_kamstrup()
    assert len(meter.telegram(0)) == 452
    assert meter.auth_key


def test_a_competitor_that_reads_less_is_not_compared():
    class Lazy:
        name = "lazy"

        def prepare(self, n):
            return n

        def decode(self, data):
            return [b"\x01\x00\x01\x08\x00\xff", 1]

        values = staticmethod(competitors.find_values)

    with pytest.raises(CommandError, match="was misread"):
        cpython.compare(Lazy(), corpus.meter("wien-im150"))


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_a_telegram_is_measured_on_the_32_bit_micropython(interpreter, tmp_path):
    measured, _ = heap.Heap(interpreter, tmp_path).per_telegram(corpus.meter("wien-im150"))
    assert measured == 0


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_memory_that_is_given_back_at_once_counts_too(interpreter):
    """A Python frame of many words is on the heap only during the call."""
    words = ", ".join(f"x{i}" for i in range(40))
    code = f"""
import gc, micropython
def frame({words.replace(",", "=0,")}=0):
    return x0
def measure():
    kept, total = gc.mem_alloc(), micropython.mem_total()
    frame()
    print(gc.mem_alloc() - kept, micropython.mem_total() > total)
gc.disable()
measure()
"""
    result = interpreters.run(interpreter, "-c", [code])
    assert result.stdout.split() == [b"0", b"True"], result.stderr
