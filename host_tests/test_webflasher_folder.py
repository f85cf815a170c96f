"""What `meterling webflasher DIR` removes from a folder, and where it does not even begin."""

import json

import pytest
from meterling_tools import FIRMWARE, ROOT, CommandError, boards, webflasher


def lay(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_older_site_goes_and_nothing_else(tmp_path):
    ours = json.dumps({"name": webflasher.NAME})
    page = webflasher._section(boards.load("esp32-devkit-mbus"))
    lay(tmp_path, **{"chunk-QX2LJ7PB_js": "", "chunk-vendors_js": "", "index_html": page})
    files = {"meterling_bin": "", "wiring_svg": "", "notes_txt": ""}
    lay(tmp_path / "boards" / "ours", manifest_json=ours, **files)
    lay(tmp_path / "boards" / "theirs", manifest_json='{"name": "Snowboards"}', **files)
    lay(tmp_path / "boards" / "broken", manifest_json="no JSON", wiring_svg="")
    lay(tmp_path / "boards" / "none", wiring_svg="")
    webflasher._clear(tmp_path)
    assert names(tmp_path) == {
        "index.html",
        "chunk-vendors.js",
        "boards/ours/notes.txt",
        *(f"boards/theirs/{name.replace('_', '.')}" for name in (*files, "manifest.json")),
        "boards/broken/manifest.json",
        "boards/broken/wiring.svg",
        "boards/none/wiring.svg",
    }


def test_chunks_without_a_page_of_ours_stay(tmp_path):
    lay(tmp_path, **{"chunk-QX2LJ7PB_js": ""})
    webflasher._clear(tmp_path)
    assert names(tmp_path) == {"chunk-QX2LJ7PB.js"}


@pytest.fixture
def site_of(monkeypatch):
    """Make the site of one board in a folder, but for what is done after the refusals."""

    def not_asked():
        raise AssertionError("it would have begun")

    monkeypatch.setattr(webflasher, "install", not_asked)
    board = boards.load("esp32-devkit-mbus")
    return lambda folder: webflasher.make(folder, [board], {"esp32": None})


@pytest.mark.parametrize("folder", [ROOT, boards.BOARDS, FIRMWARE / "site", webflasher.SOURCES])
def test_the_project_s_own_folders_are_refused(site_of, folder):
    with pytest.raises(CommandError, match="holds the project's sources"):
        site_of(folder)


def test_another_checkout_is_refused(site_of, tmp_path):
    lay(tmp_path / "boards" / "mine", board_json="{}", wiring_svg="")
    with pytest.raises(CommandError, match="holds the boards' own files"):
        site_of(tmp_path)


def test_somebody_else_s_site_is_refused(site_of, tmp_path):
    files = {"index_html": "<title>Meterling</title>", "style_css": "", "chunk-QX2LJ7PB_js": ""}
    lay(tmp_path, **files)
    with pytest.raises(CommandError, match="index.html is of another site"):
        site_of(tmp_path)
    assert names(tmp_path) == {"index.html", "style.css", "chunk-QX2LJ7PB.js"}


@pytest.mark.parametrize("empty", [True, False])
def test_an_empty_folder_and_an_older_site_of_ours_are_taken(site_of, tmp_path, empty):
    if not empty:
        lay(tmp_path, index_html=webflasher._section(boards.load("esp32-devkit-mbus")))
    with pytest.raises(AssertionError, match="it would have begun"):
        site_of(tmp_path)


def test_a_folder_of_build_is_taken(site_of):
    with pytest.raises(AssertionError, match="it would have begun"):
        site_of(ROOT / "build" / "flasher")
