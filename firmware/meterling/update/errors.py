"""What a release is refused with."""


class Refused(Exception):
    """code: stable, one of these:

    no-release    not a release at all
    format        a format that this version does not know
    truncated     it ends too early
    too-long      it does not end where it should
    unknown-key   signed with a key that is not ours
    signature     the signature does not fit
    altered       what it carries is not what was signed
    wrong-board   machine code for another family of chips
    wrong-micropython   for another version of MicroPython
    too-large     there is no room for it
    downgrade     older than what runs
    too-old       what runs is too old for it: a release in between comes first
    content       signed, and nonsense
    flash         the flash does not hold what is written to it
    memory        there is no heap to unpack it in
    no-slots      what runs is in no slot (started from a PC)
    busy          a version is being tried
    no-url        it was to be fetched, and nobody has set from where
    not-fetched   there was nothing to be had from there
    """

    def __init__(self, code):
        super().__init__(code)
        self.code = code
