"""tools/get-micropython32, with an apt that is none: what it removes, and what it says."""

import subprocess

import pytest
from meterling_tools import ROOT

_APT = """#!/bin/sh
case "$*" in
    *indextargets*Label*) echo "$DEBIAN" ;;
    *indextargets*) echo http://archive.ubuntu.com/ubuntu/ ;;
    *) echo "no network" >&2; exit 100 ;;
esac
"""
_APT_WHILE_A_MIRROR_CHANGES = """#!/bin/sh
lists=
for option; do case $option in Dir::State::Lists=*) lists=${option#*=} ;; esac; done
case "$*" in
    *indextargets*) echo "$DEBIAN" ;;
    *update*)
        grep -q " stable main$" "$lists/../sources.list" || {
            echo "Mirror sync in progress?" >&2; exit 100; }
        echo "Codename: $CODENAME" >"$lists/mirror_dists_stable_InRelease" ;;
    *download*) echo "download of $CODENAME" >&2; exit 100 ;;
esac
"""


@pytest.fixture
def fetch(tmp_path):
    """Run it into a folder (Path), on a machine whose Debian mirror is `debian`."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "dpkg-deb"):
        (programs / name).write_text(_APT)
        (programs / name).chmod(0o755)

    def run(folder, debian="http://deb.debian.org/debian"):
        return subprocess.run(
            [ROOT / "tools" / "get-micropython32", folder],
            env={"PATH": f"{programs}:/usr/bin:/bin", "DEBIAN": debian},
            capture_output=True,
            text=True,
            timeout=30,
        )

    return run


def test_what_else_lies_in_the_folder_stays(fetch, tmp_path):
    folder = tmp_path / "tools of mine"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "old").write_text("of an older one")
    (folder / "micropython32").write_text("does not start")
    (folder / "notes.txt").write_text("mine")
    result = fetch(folder)
    assert result.returncode and "no network" in result.stderr
    assert (folder / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["apt", "notes.txt"]
    assert fetch(folder).returncode  # what was broken off is in nobody's way
    assert (folder / "notes.txt").exists()


def test_files_that_it_has_not_fetched_are_not_taken_for_its_own(fetch, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "letter.txt").write_text("mine")
    result = fetch(tmp_path)
    assert result.returncode == 1 and "somebody else's" in result.stderr
    assert (tmp_path / "files" / "letter.txt").exists()


def test_a_machine_without_debian_is_told_why(fetch, tmp_path):
    result = fetch(tmp_path / "new", debian="")
    assert result.returncode == 1
    assert result.stderr == "get-micropython32: apt names no Debian mirror\n"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("codename", ["trixie", "forky"])
def test_a_release_is_also_found_by_its_other_name(tmp_path, codename):
    for name in ("apt-get", "dpkg-deb"):
        (tmp_path / name).write_text(_APT_WHILE_A_MIRROR_CHANGES)
        (tmp_path / name).chmod(0o755)
    result = subprocess.run(
        [ROOT / "tools" / "get-micropython32", tmp_path / "new"],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "DEBIAN": "http://x/debian",
            "CODENAME": codename,
        },
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1 and "Mirror sync in progress?" in result.stderr
    # What follows trixie as "stable" has other packages.
    assert ("download of" in result.stderr) == (codename == "trixie")
    assert result.stderr.endswith("get-micropython32: the mirror gave nothing that fits together\n")
