"""The web flasher: what lies in its folder, and its page in a real browser. No browser of a test
has a board, so what writes the flash is esp-web-tools' own business; what it is told is ours.
After that it gives the dongle its Wi-Fi: that is tried with the firmware at a terminal."""

import argparse
import functools
import http.server
import json
import os
import select
import shutil
import threading
import time
from contextlib import contextmanager

import pytest
from browsing import DESKTOP, PHONE, browser, findings, wider_than_screen, window
from console_dongle import Dongle
from fake_dongle import FakeDongle
from meterling_tools import CommandError, board_build, boards, image, webflasher
from test_image import stock

BOARDS = ("esp32-devkit-mbus", "esp32c3-supermini-p1")
BUTTON = "#install esp-web-install-button"
INSTALL = "#install button[slot]"
# A browser without Web Serial, as Safari is
_NO_SERIAL = "delete Navigator.prototype.serial"


@pytest.fixture(scope="module")
def packages():
    try:
        return webflasher.install()
    except CommandError as error:
        pytest.skip(f"the web flasher cannot be built: {error}")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """{chip: Path}, as people download them."""
    folder = tmp_path_factory.mktemp("images")
    found = {}
    for chip in ("esp32", "esp32c3"):
        found[chip] = folder / f"{chip}.bin"
        found[chip].write_bytes(stock(chip))
    return found


@pytest.fixture(scope="module")
def built(packages, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flasher")
    found = [boards.load(name) for name in BOARDS]
    assert webflasher.make(folder, found, images) == list(BOARDS)
    return folder


def manifest_of(folder, name):
    return json.loads((folder / "boards" / name / "manifest.json").read_text())


@pytest.mark.parametrize(("name", "family"), [(BOARDS[0], "ESP32"), (BOARDS[1], "ESP32-C3")])
def test_a_manifest_names_what_is_there(built, name, family):
    manifest = manifest_of(built, name)
    (only,) = manifest["builds"]
    assert manifest["name"] == "Meterling" and manifest["version"]
    assert only["chipFamily"] == family
    assert [(part["path"], part["offset"]) for part in only["parts"]] == [("meterling.bin", 0)]


@pytest.mark.parametrize("name", BOARDS)
def test_what_is_written_is_the_board_s_image(built, images, name, tmp_path):
    board = boards.load(name)
    board_build.make(board, tmp_path, images[board["kit"]["chip"]])
    whole = (tmp_path / "meterling.bin").read_bytes()
    data = (built / "boards" / name / "meterling.bin").read_bytes()
    assert len(data) % 4096 == 0 and len(data) < len(whole)
    assert data + b"\xff" * (len(whole) - len(data)) == whole
    start = boards.CHIPS[board["kit"]["chip"]].bootloader
    assert image.MicroPython(data[start:]).chip == board["kit"]["chip"]


def test_every_chip_of_a_board_has_a_name_for_esp_web_tools(packages):
    known = packages / "node_modules" / "esp-web-tools" / "dist" / "const.d.ts"
    for name in boards.names():
        family = webflasher.FAMILIES[boards.load(name)["kit"]["chip"]]
        assert f'"{family}"' in known.read_text()


def test_the_firmware_and_the_manifest_have_one_name():
    from meterling import improv_dialogue

    # With another one esp-web-tools would offer to erase the dongle, not to update it.
    assert improv_dialogue._NAME == webflasher.NAME


def test_the_licences_of_what_is_bundled_are_passed_on(built):
    text = (built / "licences.txt").read_text()
    for name in ("esp-web-tools 10.4.0: Apache-2.0", "esptool-js ", "lit ", "@material/web "):
        assert "\n" + name in "\n" + text
    assert "Apache License" in text and "esbuild" not in text


def test_the_same_sources_give_the_same_bytes(built, images, tmp_path):
    (tmp_path / "chunk-QX2LJ7PB.js").write_text("")
    shutil.copy(built / "index.html", tmp_path)  # an older site of ours
    webflasher.make(tmp_path, [boards.load(name) for name in BOARDS], images)
    names = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for name in names:
        assert (built / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_a_board_without_an_image_is_left_out_and_that_is_said(images, packages, tmp_path, capsys):
    found = [boards.load(name) for name in BOARDS]
    only = {"esp32c3": images["esp32c3"]}
    assert webflasher.make(tmp_path, found, only) == [BOARDS[1]]
    assert f"{BOARDS[0]} is left out" in capsys.readouterr().out
    assert BOARDS[0] not in (tmp_path / "index.html").read_text()
    with pytest.raises(CommandError, match=f"No image of MicroPython is given for {BOARDS[0]}"):
        webflasher.make(tmp_path, found, only, must=True)


def test_the_command_line(images, packages, tmp_path):
    parser = argparse.ArgumentParser()
    webflasher.add_arguments(parser)
    image_of_c3 = str(images["esp32c3"])
    webflasher.run(
        parser.parse_args(["--micropython", image_of_c3, "--board", BOARDS[1], str(tmp_path)])
    )
    assert manifest_of(tmp_path, BOARDS[1])["builds"][0]["chipFamily"] == "ESP32-C3"


# In the browser


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server(built):
    """The port (int) where it is served."""
    handler = functools.partial(_Quiet, directory=built)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@contextmanager
def page_at(chromium, server, script=None, host="127.0.0.1", **options):
    url = f"http://{host}:{server}/"
    with window(chromium, url, **options) as page:
        if script:
            page.add_init_script(script)
        page.goto(url)
        yield page


def test_each_board_has_its_picture_and_its_button(chromium, server):
    with page_at(chromium, server) as page:
        assert page.get_by_text("Choose the board first.").is_visible()
        assert page.locator(BUTTON).count() == 0
        for name in BOARDS:
            page.check(f"input[value={name}]")
            button = page.locator(BUTTON)
            assert button.get_attribute("manifest") == f"boards/{name}/manifest.json"
            assert button.get_attribute("install-supported") is not None
            assert page.locator(INSTALL).text_content() == "Install"
            picture = page.locator(".wiring:visible img")
            assert picture.count() == 1
            assert picture.get_attribute("src") == f"boards/{name}/wiring.svg"
            picture.scroll_into_view_if_needed()
            page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle())
        assert not page.locator("#unsupported").is_visible()
        assert not page.locator("#insecure").is_visible()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("locale", ["de-AT", "en-GB"])
def test_everybody_can_use_it(chromium, server, locale, size):
    for scheme in ("light", "dark"):
        with page_at(chromium, server, locale=locale, viewport=size, color_scheme=scheme) as page:
            page.check(f"input[value={BOARDS[0]}]")
            assert not wider_than_screen(page)
            assert findings(page) == []


def test_the_reader_chooses_the_language(chromium, server):
    with page_at(chromium, server, locale="de-AT") as page:
        assert page.locator("html").get_attribute("lang") == "de"
        assert page.get_by_text("Welche Platine haben Sie?").is_visible()
        assert not page.get_by_text("Which board do you have?").is_visible()
        page.check(f"input[value={BOARDS[0]}]")
        assert page.locator(INSTALL).text_content() == "Aufspielen"
        page.get_by_role("button", name="English").click()
        assert page.get_by_text("Which board do you have?").is_visible()
        assert page.locator(INSTALL).text_content() == "Install"


@pytest.mark.parametrize(
    ("locale", "text"), [("de-AT", "Mit diesem Browser geht es nicht"), ("en", "cannot do it")]
)
def test_a_browser_without_web_serial_is_told_what_to_do(chromium, server, locale, text):
    with page_at(chromium, server, _NO_SERIAL, locale=locale) as page:
        box = page.locator("#unsupported")
        assert box.is_visible() and text in box.inner_text() and "Safari" in box.inner_text()
        page.check(f"input[value={BOARDS[0]}]")
        assert page.locator(BUTTON).get_attribute("install-unsupported") is not None
        assert not page.locator(INSTALL).is_visible()
        assert findings(page) == []


def test_a_page_that_is_not_encrypted_says_why_it_cannot(chromium, server):
    with page_at(chromium, server, host="meterling.local") as page:
        assert page.locator("#insecure").is_visible()
        assert not page.locator("#unsupported").is_visible()


# With a board: the browser's port is a terminal. What stands for a board's bootloader is made for
# esptool; here esptool-js, which is inside of esp-web-tools, finds it right as well.

_PORT = """
let heard;
window.hear = (numbers) => heard?.enqueue(new Uint8Array(numbers));
const port = Object.assign(new EventTarget(), {
  readable: null, writable: null, getInfo: () => ({}), setSignals: async () => {},
  async open() {
    this.readable = new ReadableStream({ start: (controller) => { heard = controller; } });
    this.writable = new WritableStream({ write: (data) => window.say([...data]) });
  },
  async close() { this.readable = this.writable = null; },
});
navigator.serial.requestPort = async () => port;
"""


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


class Cable:
    """Between the browser's port and the terminal `descriptor`; read: () -> bytes, what is new."""

    def __init__(self, page, server, descriptor, read):
        self._page = page
        self._read = read
        page.expose_function("say", lambda numbers: write_all(descriptor, bytes(numbers)))
        page.add_init_script(_PORT)
        page.goto(f"http://127.0.0.1:{server}/")

    def until(self, condition, seconds=20):
        """Wait for `condition()`, and carry meanwhile."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            new = self._read()
            if new:
                self._page.evaluate("numbers => window.hear(numbers)", list(new))
            self._page.wait_for_timeout(5 if new else 25)

    def click(self, button):
        self.until(button.is_visible)
        button.click()


@pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
def test_the_page_writes_the_image_onto_the_board(chromium, server, built, interpreter, tmp_path):
    image = (built / "boards" / BOARDS[0] / "meterling.bin").read_bytes()
    url = f"http://127.0.0.1:{server}/"
    with FakeDongle(interpreter, tmp_path) as dongle, window(chromium, url) as page:
        terminal = os.open(dongle.path, os.O_RDWR | os.O_NOCTTY)

        def read():
            return os.read(terminal, 65536) if select.select([terminal], [], [], 0)[0] else b""

        cable = Cable(page, server, terminal, read)
        page.check(f"input[value={BOARDS[0]}]")
        page.locator(INSTALL).click()
        dialog = page.locator("ewt-install-dialog")
        cable.click(dialog.get_by_text("Install Meterling"))
        cable.click(dialog.get_by_role("button", name="Install", exact=True))
        cable.until(lambda: dongle.flash[: len(image)] == image, 60)
        assert dongle.erased
        os.close(terminal)
        # An empty board does not speak Improv: its JavaScript calls that an error, twice.
        known = ("Improv initialization failed", "threw: Error fetching current state: TIMEOUT")
        page.wrong[:] = [text for text in page.wrong if not text.startswith(known)]


@pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
def test_the_page_gives_the_dongle_its_wifi(chromium, server, interpreter, tmp_path):
    url = f"http://127.0.0.1:{server}/"
    with Dongle(interpreter, tmp_path) as dongle, window(chromium, url) as page:
        dongle.is_up()
        at = len(dongle.heard)

        def read():
            nonlocal at
            new = dongle.heard[at:]
            at += len(new)
            return new

        cable = Cable(page, server, dongle.master, read)
        page.check(f"input[value={BOARDS[0]}]")
        page.locator(INSTALL).click()
        cable.click(page.get_by_text("Connect to Wi-Fi"))
        password = page.locator("ew-filled-text-field[name=password] input")
        cable.until(password.is_visible)
        password.fill("geheim12")
        page.get_by_role("button", name="Connect", exact=True).click()
        visit = page.locator("ew-list-item[href]")
        cable.until(visit.is_visible)
        assert "Visit Device" in visit.inner_text()
        assert visit.get_attribute("href") == f"http://127.0.0.1:{dongle.port}/"
        assert dongle.settings()["wifi"]["ssid"] == "Zuhause"
