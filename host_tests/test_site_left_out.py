"""Where npm's packages cannot be had: the pages are left out, and it is said why."""

import sys

import pytest
from meterling_tools import CommandError, npm, site

_LOG = "npm error A complete log of this run can be found in: /root/.npm/_logs/x.log\n"


def test_older_pages_are_not_built_in(monkeypatch, tmp_path, capsys):
    def fail():
        raise CommandError("There is no network.")

    monkeypatch.setattr(site, "install", fail)
    (tmp_path / "index.html.gz").write_bytes(b"of yesterday")
    (tmp_path / "notes.txt").write_text("mine")
    assert site.build_or_say(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert capsys.readouterr().out == "build: the pages are left out. There is no network.\n"


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        (
            "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno ENOTFOUND\n"
            "npm error network request to https://registry.npmjs.org/uplot failed\n"
            "npm error network This is a problem related to network connectivity.\n" + _LOG,
            "network request to https://registry.npmjs.org/uplot failed",
        ),
        (
            "npm warn config\nnpm ERR! code EUSAGE\nnpm ERR! \nnpm ERR! The lock is out of sync.\n",
            "The lock is out of sync.",
        ),
        ("npm error code E404\n" + _LOG, "npm error code E404"),
        ("Segmentation fault\n", "Segmentation fault"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_npm_s_own_sentence(monkeypatch, tmp_path, printed, reason):
    script = tmp_path / "npm.py"
    script.write_text(f"import sys\nsys.exit({printed!r}.rstrip() or 1)\n")
    monkeypatch.setattr(npm, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr(npm, "_node", lambda: (sys.executable, [sys.executable, str(script)]))
    with pytest.raises(CommandError) as error:
        npm.install(site.SITE, "npm")
    assert str(error.value) == f"npm cannot install what the pages need: {reason}"
