"""The root of every error the program raises on purpose."""


class NurtureError(Exception):
    """Something is wrong that a person can put right; the message says how.

    `remedy` is the next move, a whole sentence, and may be empty where the
    message itself already says it. With `quotes_nobody`, the message holds nothing that
    anybody typed and may stand in a log.
    """

    quotes_nobody = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
