"""A real browser for the pages' tests: Chromium, by Playwright, that talks to nobody else."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # As mDNS would: the firmware answers to names it knows only.
    "--host-resolver-rules=MAP meterling.local 127.0.0.1",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# What axe-core calls the rules of WCAG 2.2 A and AA, and its own advice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def browser():
    """A running Chromium; skips if there is none, which CI must not."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: apt-get install chromium")
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield chromium
        chromium.close()


@contextmanager
def window(chromium, url, **options):
    """A page of a fresh window. It fails the test, at the end, if the page threw or logged an
    error (as a broken Content-Security-Policy does), or asked anybody but `url` for anything."""
    context = chromium.new_context(**{"viewport": PHONE, "locale": "en-GB", **options})
    page = context.new_page()
    page.set_default_timeout(5_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"threw: {error}"))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((url, "data:", "blob:")) or wrong.append(f"asked {request.url}")
        ),
    )
    page.wrong = wrong
    yield page
    context.close()
    # That the dongle refused something is the tests' business, not the page's fault.
    assert [text for text in wrong if not text.startswith("Failed to load resource")] == []


def findings(page):
    """What axe-core finds (list of str). Evaluated, not added as a script: the CSP stays on."""
    import axe_playwright_python

    source = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(source.read_text(encoding="utf-8"))
    result = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", _RULES
    )
    return [
        f"{found['id']}: {node['html'][:120]} ({node['failureSummary']})"
        for found in result["violations"]
        for node in found["nodes"]
    ]


def wider_than_screen(page):
    """True if one has to scroll sideways."""
    return page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
