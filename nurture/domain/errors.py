"""The base class of every error that the program raises deliberately."""


class NurtureError(Exception):
    """An error that a person can put right; the message says how.

    `remedy` is the next thing to do, as a whole sentence; it may be empty if the message already
    says it. With `quotes_nobody`, the message contains nothing that anyone typed and may be logged.
    """

    quotes_nobody = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
