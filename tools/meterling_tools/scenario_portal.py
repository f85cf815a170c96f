"""A stand-in for a grid operator's customer portal: what an owner clicks through for the key.

    with ScenarioPortal(key) as portal:
        portal.url      where it is, on this PC only
        portal.step     how far the owner has come, one of the numbers below

Nobody logs in, nothing is typed: one button leads to the next step. Two more make hours
pass. It looks like no operator's real page.
"""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REGISTER, CONFIRM, SIGN_IN, OVERVIEW, INACTIVE, ACTIVATED, HOURS_LATER, NEXT_DAY = range(8)

_NUMBER = "100 234 5678"  # what owners paste for the key, as it stands beside it
_LONGEST = 1000  # bytes of a form

# By step: heading, text, the button that leads on
_STEPS = {
    "de": [
        ("Willkommen", "Noch kein Konto? Registrieren Sie sich.", "Registrieren"),
        (
            "E-Mail bestätigen",
            "Wir haben Ihnen eine E-Mail geschickt.",
            "Link in der E-Mail öffnen",
        ),
        ("Anmelden", "Ihre E-Mail-Adresse ist bestätigt.", "Anmelden"),
        ("Übersicht", "Was möchten Sie sehen?", "Smart Meter"),
        ("Smart Meter", "Kundenschnittstelle: nicht aktiviert.", "Kundenschnittstelle aktivieren"),
        (
            "Smart Meter",
            "Kundenschnittstelle: wird aktiviert. Die Bearbeitung dauert einige Stunden. "
            "Den Schlüssel finden Sie morgen hier.",
            "Zeitsprung: einige Stunden später",
        ),
        (
            "Smart Meter",
            "Kundenschnittstelle: aktiviert. Den Schlüssel finden Sie morgen hier.",
            "Zeitsprung: am nächsten Tag",
        ),
        ("Smart Meter", "Kundenschnittstelle: aktiviert.", None),
    ],
    "en": [
        ("Welcome", "No account yet? Register.", "Register"),
        ("Confirm your e-mail address", "We have sent you an e-mail.", "Open the e-mail’s link"),
        ("Sign in", "Your e-mail address is confirmed.", "Sign in"),
        ("Overview", "What would you like to see?", "Smart Meter"),
        ("Smart Meter", "Customer interface: not active.", "Activate the customer interface"),
        (
            "Smart Meter",
            "Customer interface: being activated. This takes some hours. "
            "You will find the key here tomorrow.",
            "Leap in time: some hours later",
        ),
        (
            "Smart Meter",
            "Customer interface: active. You will find the key here tomorrow.",
            "Leap in time: the next day",
        ),
        ("Smart Meter", "Customer interface: active.", None),
    ],
}
_WORDS = {
    "de": {
        "title": "Kundenportal, nachgestellt",
        "number": "Kundennummer",
        "key": "Schlüssel",
        "copy": "{} kopieren",
    },
    "en": {
        "title": "Customer portal, a stand-in",
        "number": "Customer number",
        "key": "Key",
        "copy": "Copy: {}",
    },
}
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">{refresh}
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<title>{title}</title><style>
body {{ font: 18px/1.5 system-ui, sans-serif; max-width: 30rem; margin: auto; padding: 1rem;
  color: #222; background: #f6f3ee }}
header {{ border-bottom: 2px solid #8a6d3b; color: #6b5128 }}
code {{ font-size: 1rem; user-select: all; overflow-wrap: anywhere }}
button {{ font: inherit; padding: .6rem 1rem }}
dt {{ font-weight: bold }} dd {{ margin: 0 0 1rem }}
</style></head><body><header>{title}</header><main><h1>{heading}</h1><p>{text}</p>
{facts}{form}</main></body></html>
"""
_FACT = """<dt>{name}</dt><dd><code>{value}</code><br><button type="button"
 onclick="navigator.clipboard.writeText('{value}')">{copy}</button></dd>"""
_FORM = '<form method="post"><button name="from" value="{step}">{button}</button></form>'
_REFRESH = '<meta http-equiv="refresh" content="3">'


class ScenarioPortal:
    """`key`: bytes, what the meter ciphers with; it is shown on the next day."""

    def __init__(self, key):
        self.step = REGISTER
        self._key = key.hex().upper()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"portal": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def leave(self, step):
        """Go from `step` to the next; nothing if it was left already."""
        with self._lock:
            if self.step == step < NEXT_DAY:
                self.step += 1

    def page(self, language):
        """The step's page (str) in "de" or "en"."""
        step = self.step
        heading, text, button = _STEPS[language][step]
        words = _WORDS[language]
        facts = {}
        if step >= OVERVIEW:
            facts[words["number"]] = _NUMBER
        if step == NEXT_DAY:
            facts[words["key"]] = self._key
        facts = "".join(
            _FACT.format(name=name, value=value, copy=words["copy"].format(name))
            for name, value in facts.items()
        )
        return _PAGE.format(
            language=language,
            # Time may pass without the button, too.
            refresh=_REFRESH if step in (ACTIVATED, HOURS_LATER) else "",
            title=words["title"],
            heading=heading,
            text=html.escape(text),
            facts=facts and f"<dl>{facts}</dl>",
            form=button and _FORM.format(step=step, button=button) or "",
        )


class _Handler(BaseHTTPRequestHandler):
    portal = None

    def do_GET(self):
        language = "de" if self.headers.get("Accept-Language", "").startswith("de") else "en"
        body = self.portal.page(language).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST)
        name, _, step = self.rfile.read(length).decode(errors="replace").partition("=")
        if name == "from" and step.isdecimal():
            self.portal.leave(int(step))
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *message):
        pass
