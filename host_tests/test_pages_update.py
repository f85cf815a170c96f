"""The settings' section "Update" in a real browser, against the real firmware from its slots."""

import re

import dongle
import pytest
import updating
from browsing import browser, findings, window
from dongle import Dongle
from meterling import __version__
from meterling.update import errors
from meterling_tools import interpreters, release, site
from portal_runner import PASSWORD

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.timeout(180)]
NEW = "9.0.0"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def owner(tmp_path):
    """(Dongle, its tree)"""
    interpreter = interpreters.find("micropython32")
    if not interpreter:
        pytest.skip(f"no micropython32: {interpreter.reason}")
    tree = dongle.tree(interpreter, tmp_path / "tree", [updating.PUBLIC])
    site.build(tree / "site")
    with Dongle(interpreter, tmp_path / "flash", tree) as found:
        found.up()
        yield found, tree


def open_section(page):
    if page.get_by_label("Password", exact=True).count():
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
    page.locator("summary", has_text="Update").click()
    page.locator("details[open]").get_by_text("is running").wait_for()


def choose(page, name, data):
    page.get_by_label("Release file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )
    page.get_by_role("button", name="Install", exact=True).click()


def test_an_owner_updates(chromium, owner, tmp_path):
    running, tree = owner
    new = release.make(dongle.files_of(tree, tmp_path, NEW), updating.KEY, NEW)
    older = release.make(dongle.files_of(tree, tmp_path, "0.0.1"), updating.KEY, "0.0.1")
    url = f"http://127.0.0.1:{running.port}/"
    with window(chromium, url) as page:
        page.goto(url + "#settings")
        page.get_by_label("Password", exact=True).wait_for()
        open_section(page)
        page.get_by_text(f"Version {__version__} is running.").wait_for()
        page.get_by_role("button", name="Install", exact=True).click()
        page.get_by_text("Please choose a file.").wait_for()
        choose(page, "holiday.jpg", b"\xff\xd8" * 9000)
        page.get_by_text("This is no release of Meterling.").wait_for()
        choose(page, "m.release", new[:-200])
        page.get_by_text("The file is not complete.").wait_for(timeout=20_000)
        page.get_by_role("button", name="Fetch and install").click()
        page.get_by_text("Please enter the address of a release.").wait_for()
        page.get_by_label("Or an address").fill("https://127.0.0.1:1/m.release")
        page.get_by_role("button", name="Fetch and install").click()
        page.get_by_text("There was nothing to be had at this address.").wait_for()
        choose(page, "m.release", older)
        page.get_by_text("The release is older than the version that is running.").wait_for()
        page.get_by_role("button", name="Install it all the same").wait_for()
        assert findings(page) == []
        choose(page, "m.release", new)
        page.get_by_text("Meterling restarts with the new version.").wait_for(timeout=30_000)
        page.wait_for_event("load", timeout=40_000)
        page.get_by_role("heading").first.wait_for()
        open_section(page)
        page.get_by_text(f"Version {NEW} is running.").wait_for()
        page.get_by_text(f"In reserve: {__version__}.").wait_for()
        choose(page, "m.release", older)
        page.get_by_role("button", name="Install it all the same").click(timeout=20_000)
        page.get_by_text("Meterling restarts with the new version.").wait_for(timeout=30_000)
        page.wait_for_event("load", timeout=40_000)
    assert running.up() == "0.0.1"


def test_a_dongle_without_a_key_says_so(chromium, tmp_path):
    interpreter = interpreters.find("micropython32")
    if not interpreter:
        pytest.skip(f"no micropython32: {interpreter.reason}")
    tree = dongle.tree(interpreter, tmp_path / "tree", [])
    site.build(tree / "site")
    with Dongle(interpreter, tmp_path / "flash", tree) as running:
        running.up()
        url = f"http://127.0.0.1:{running.port}/"
        with window(chromium, url, locale="de-AT") as page:
            page.goto(url + "#settings")
            page.get_by_label("Passwort", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Anmelden").click()
            page.locator("summary", has_text="Update").click()
            page.get_by_text("Dieses Gerät nimmt keine Updates").wait_for()
            assert page.locator("details[open] input").count() == 0


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_refusal_and_every_outcome_has_its_words(language):
    text = (site.SITE / f"{language}.js").read_text(encoding="utf-8")
    codes = re.findall(r"^    ([a-z-]+)  +\S", errors.Refused.__doc__, re.MULTILINE)
    assert {"no-release", "wrong-micropython", "busy"} <= set(codes)
    for code in (*codes, "no-key", "no-url"):
        assert f'"up.no.{code}": ' in text, code
    outcomes = ["ok"]
    for path in ("boot_slots.py", "meterling/update/trial.py"):
        source = (site.SITE.parent / path).read_text()
        outcomes += re.findall(r'"(failed-[a-z]+)"', source)
    assert len(set(outcomes)) > 7
    for code in outcomes:
        assert f'"up.was.{code}": ' in text, code
    for state in ("receiving", "checking", "emptying", "unpacking", "comparing"):
        assert f'"up.is.{state}": ' in text
