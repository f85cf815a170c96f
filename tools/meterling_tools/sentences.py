"""What the firmware's codes mean to a person: one sentence each, with what to do."""

SENTENCES = {
    # meterling.publish.diagnosis
    "ok": "All is well.",
    "starting": "Waiting for the first telegram.",
    "no-bytes": "The line is silent: check the cable, and whether the operator has activated"
    " the customer interface.",
    "no-frames": "Bytes come, but no frame yet: the dongle is looking for the line's settings.",
    # meterling.errors
    "noise": "Bytes came that belong to no frame.",
    "truncated": "A telegram broke off.",
    "checksum": "A frame's checksum is wrong: the line disturbs it, or its settings are not quite"
    " right.",
    "segment": "A part of a telegram is missing, or came twice.",
    "too-long": "A telegram is longer than any that a meter sends.",
    "apdu": "A frame holds no telegram that a meter pushes.",
    "ciphering": "The header of the ciphering contradicts itself.",
    "security": "The meter ciphers in a way that is not supported.",
    "no-key": "The telegrams are encrypted, and no key is set: copy it from the grid operator's"
    " portal.",
    "no-auth-key": "The telegrams are authenticated, and no authentication key is set.",
    "tag": "The authentication tag does not fit: a key is wrong, or the telegram was altered.",
    "wrong-key": "The key does not fit this meter: compare it with the one in the grid"
    " operator's portal.",
    "replay": "A telegram came again, or is older than the last.",
    "decode": "The structure of the data is broken.",
    "data-type": "The data holds a type that nobody has defined.",
    "empty": "The telegram holds no value.",
    "implausible": "A value came that no meter takes.",
    "unprotected": "A telegram has no checksum, and none like it has come before.",
}


def sentence(code):
    """The sentence (str) for a code, which it shows too: support asks for it."""
    return f"{SENTENCES.get(code, 'Something is wrong.')} [{code}]"
