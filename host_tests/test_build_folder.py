"""Into which folders `meterling build` does not build, and what stays in those it does."""

import pytest
from meterling_tools import FIRMWARE, ROOT, CommandError, build, cli


@pytest.fixture
def nothing_is_made(monkeypatch):
    """Whoever comes past the refusals is stopped before a file is touched."""

    def stop(*_):
        raise AssertionError("it would have begun")

    monkeypatch.setattr(build, "_march", stop)
    monkeypatch.setattr(build.site, "build_or_say", stop)


@pytest.mark.parametrize("folder", [ROOT, FIRMWARE, FIRMWARE / "meterling", ROOT / "tools" / "new"])
def test_the_project_s_own_folders_are_refused(nothing_is_made, folder):
    with pytest.raises(CommandError, match="holds the project's sources"):
        build.build("esp32", folder)


@pytest.mark.parametrize("what", [["--chip", "esp32"], ["--board", "esp32-devkit-mbus"]])
def test_it_is_said_before_anything_is_made(nothing_is_made, monkeypatch, capsys, what):
    monkeypatch.chdir(ROOT)
    assert cli.main(["build", *what, "firmware"]) == 2
    assert "holds the project's sources" in capsys.readouterr().err


def test_a_folder_beside_a_checkout_is_refused(nothing_is_made, tmp_path):
    """`meterling build ~`, where ~/meterling is what was cloned."""
    (tmp_path / "meterling" / "tools").mkdir(parents=True)
    (tmp_path / "meterling" / "tools" / "mine.py").write_text("")
    with pytest.raises(CommandError, match="meterling holds sources"):
        build.build("esp32", tmp_path)


def test_a_new_tree_leaves_what_is_not_its_own(tmp_path):
    scratch, folder = tmp_path / "scratch", tmp_path / "tree"
    for path in ("scratch/site/new.gz", "tree/site/old.gz", "tree/site/notes.txt", "tree/lib/a.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    build._replace(scratch, folder)
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert left == ["lib/a.py", "site/new.gz", "site/notes.txt"]


def test_old_pages_go_with_their_folder(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "tree" / "site").mkdir(parents=True)
    (tmp_path / "tree" / "site" / "old.gz").write_text("")
    build._replace(tmp_path / "scratch", tmp_path / "tree")
    assert list((tmp_path / "tree").iterdir()) == []
