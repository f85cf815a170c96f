"""What a request is refused with."""


class Refused(Exception):
    """status: of HTTP; code: stable, see API.md; more: dict, added to the answer."""

    def __init__(self, status, code, **more):
        super().__init__(code)
        self.status = status
        self.code = code
        self.more = more
