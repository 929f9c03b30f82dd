"""Opening a session with the mail server: connect, greet, encrypt, log in."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from nurture.domain.errors import NurtureError
from nurture.domain.messages.refusal import Blame, Cause, Refusal, Stage, understand
from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError, RenewableTokens
from nurture.mail.smtp import token_login
from nurture.mail.smtp.replies import printable
from nurture.mail.smtp.route import SmtpRoute, StartTls
from nurture.mail.smtp.session import SmtpSession

_ASK_THE_SERVER = "Check that the server takes mail from this machine."


#: A server sends a few hundred bytes before it accepts email.
_MOST_SAID = 64 * 1024


class SessionRefusedError(NurtureError):
    """No session could be opened, through no fault of a message; the remedy says what to check.

    `about` says what the server's answer to the login is about.
    """

    about: Refusal | None = None


class _TokenRefusedError(SessionRefusedError):
    """The server did not accept the access token, which may have been withdrawn."""


class _EndlessError(OSError):
    """The server sent far more than a mail server has reason to."""


class _Client(smtplib.SMTP):
    """An `smtplib` client that limits the length of the server's answers."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = cast(Any, _Listening(cast(Any, self.sock).makefile("rb")))
        return super().getreply()


class _Listening:
    """A file wrapper that raises once the server has sent too much."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._heard = file, 0

    def readline(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        self._heard += len(line)
        if self._heard > _MOST_SAID:
            raise _EndlessError
        return line

    def close(self) -> None:
        self._file.close()


class Opening:
    """The opening of one session, in its own thread so that no caller waits for it.

    `done` is called in that thread once `session` or `refusal` is set. A route that needs access
    tokens gets them from `tokens`, before the server is kept waiting.
    """

    def __init__(
        self,
        route: SmtpRoute,
        timeout: float,
        tls: ssl.SSLContext | None,
        done: Callable[["Opening"], None],
        tokens: RenewableTokens | None = None,
    ) -> None:
        self.session: SmtpSession | None = None
        self.refusal = ""
        self.about: Refusal | None = None
        self._route, self._timeout, self._tls, self._done = route, timeout, tls, done
        self._sock: socket.socket | None = None
        self._abandoned = False
        self._tokens, self._token = tokens, ""
        self._client = self._new_client()
        self._thread = threading.Thread(target=self._run, name="smtp-opening", daemon=True)

    def _new_client(self) -> _Client:
        return _Client(local_hostname="localhost", timeout=self._timeout)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds` for the opening to end."""
        self._thread.join(seconds)

    def abandon(self) -> None:
        """Disconnect from a slow server, so that the thread ends; never raise."""
        self._abandoned = True
        if self._sock is not None:
            shut(self._sock)

    def discard(self) -> None:
        """Close a session that is no longer wanted."""
        if self.session is not None:
            self.session.say_goodbye()
            self.session.close()

    def _run(self) -> None:
        try:
            self.session = self._begin()
        except SessionRefusedError as refusal:
            self.refusal, self.about = str(refusal), refusal.about
        except Exception as error:
            # Raised in this thread, it would go unnoticed, and the offer would wait for ever. Its
            # text is left out because it may contain the password.
            self.refusal = f"{self._route} could not be spoken to ({type(error).__name__})."
        if self.session is None:
            self._client.close()
        self._done(self)

    def _begin(self) -> SmtpSession:
        """Open a session; if a valid access token is refused, do so once more with another one."""
        if not self._route.login.needs_token:
            return self._open()
        assert self._tokens is not None  # `make_mailer` and the checks bring them.
        self._token = _obtained(self._tokens.current)
        try:
            return self._open()
        except _TokenRefusedError:
            refused, self._token = self._token, _obtained(self._tokens.renewed, self._token)
            if self._token == refused:
                raise
        self._client.close()
        self._client = self._new_client()
        return self._open()

    def _open(self) -> SmtpSession:
        try:
            return self._converse()
        except ssl.SSLCertVerificationError as error:
            raise self._refused(
                f"showed a certificate that is not valid for it ({error.verify_message}).",
                "Check the host name in NURTURE_SMTP_URL and the certificate; "
                "for an authority of your own set SSL_CERT_FILE.",
            ) from None
        except ssl.SSLError as error:
            raise self._refused(
                f"could not be spoken to encrypted ({error.reason or error}).",
                "Check the port: 465 goes with smtps://, 587 and 25 with smtp://.",
            ) from None
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise self._broken_off(error) from None

    def _broken_off(self, error: Exception) -> SessionRefusedError:
        """Distinguish a silent server from one that hangs up: smtplib raises the same for both."""
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return self._too_slow()
        if isinstance(error.__context__, _EndlessError):
            return self._refused("talks without end before the session begins.", _ASK_THE_SERVER)
        return self._refused(
            "hung up before the session began.",
            "Check the port in NURTURE_SMTP_URL (465 goes with smtps://), "
            "and that the server takes mail from this machine.",
        )

    def _refused(self, trouble: str, remedy: str) -> SessionRefusedError:
        """Return the error for what the server did; after `abandon` it is always a timeout."""
        if self._abandoned:
            return self._too_slow()
        return SessionRefusedError(f"The mail server {self._route} {trouble}", remedy=remedy)

    def _too_slow(self) -> SessionRefusedError:
        return SessionRefusedError(
            f"The mail server {self._route} did not answer within {self._timeout:g} seconds.",
            remedy="Check the host and port in NURTURE_SMTP_URL, and that no firewall is between.",
        )

    def _converse(self) -> SmtpSession:
        client = self._client
        client.sock = self._connect()
        client.local_hostname = _own_name(client.sock)
        self._expect(client.getreply(), 220, "refused the session", _ASK_THE_SERVER)
        self._say_hello(client)
        self._encrypt(client)
        self._log_in(client)
        return self._hand_over(client)

    def _expect(self, reply: tuple[int, bytes], code: int, trouble: str, remedy: str) -> None:
        if reply[0] == code:
            return
        said = f"{reply[0]} {_text(reply[1])}" if reply[0] > 0 else f"{_text(reply[1])!r}"
        raise self._refused(f"{trouble}: {said}.", remedy)

    def _connect(self) -> socket.socket:
        try:
            self._sock = socket.create_connection(
                (self._route.host, self._route.port), self._timeout
            )
        except socket.gaierror:
            raise SessionRefusedError(
                f"The mail server's name {self._route.host} cannot be found.",
                remedy="Check the host in NURTURE_SMTP_URL and that names can be looked up here.",
            ) from None
        except TimeoutError:
            raise self._too_slow() from None
        except OSError as error:
            raise self._refused(
                f"cannot be reached ({error.strerror or error}).",
                "Check that it is running, and the host and port in NURTURE_SMTP_URL.",
            ) from None
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._route.implicit_tls:
            self._sock = self._wrapped(self._sock)
        return self._sock

    def _wrapped(self, sock: socket.socket) -> ssl.SSLSocket:
        assert self._tls is not None
        return self._tls.wrap_socket(sock, server_hostname=self._route.host)

    def _say_hello(self, client: smtplib.SMTP) -> None:
        if client.ehlo()[0] != 250:
            self._expect(client.helo(), 250, "refused the greeting", _ASK_THE_SERVER)

    def _encrypt(self, client: smtplib.SMTP) -> None:
        wish = self._route.starttls
        if self._route.implicit_tls or wish is StartTls.NEVER:
            return
        if client.has_extn("starttls"):
            return self._start_tls(client)
        if wish is StartTls.REQUIRED:
            raise self._refused(
                "does not offer STARTTLS, and mail is to go there encrypted only.",
                "Check the port, use smtps:// with port 465, or allow plain text with "
                "?starttls=never in NURTURE_SMTP_URL.",
            )

    def _start_tls(self, client: smtplib.SMTP) -> None:
        """Encrypt and greet again, forgetting what was received unencrypted (RFC 3207 §4.2)."""
        remedy = "Check its certificate, or use smtps:// with port 465."
        self._expect(client.docmd("STARTTLS"), 220, "refused to encrypt", remedy)
        assert self._sock is not None
        if client.file is not None:
            client.file.close()
        self._sock = client.sock = self._wrapped(self._sock)
        client.file = None
        self._say_hello(client)

    def _log_in(self, client: smtplib.SMTP) -> None:
        if self._route.user is None:
            return
        try:
            if self._route.login.needs_token:
                token_login.log_in(client, self._route, self._token)
            else:
                client.login(self._route.user, self._route.password or "")
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPResponseException as error:
            raise self._login_refused(error.smtp_code, _text(error.smtp_error)) from None
        except smtplib.SMTPException:
            raise self._no_login_offered() from None

    def _no_login_offered(self) -> SessionRefusedError:
        if self._route.login.needs_token:
            return self._refused(
                "offers no login with an access token (XOAUTH2 or OAUTHBEARER).",
                "Check the host and the port in NURTURE_SMTP_URL, or log in with a password.",
            )
        return self._refused(
            "offers no way to log in that is known here.",
            "Check the port, or leave the user name and password out of NURTURE_SMTP_URL "
            "if none is needed.",
        )

    def _login_refused(self, code: int, text: str) -> SessionRefusedError:
        trouble = f"did not accept the login: {code} {text}."
        if not self._route.login.needs_token:
            refused = self._refused(
                trouble, "Check the user name and password in NURTURE_SMTP_URL."
            )
        else:
            remedy = (
                "Check that the user name in NURTURE_SMTP_URL is the account that was connected, "
                "and that its provider allows sending by SMTP."
            )
            refused = self._refused(trouble, remedy)
            if code == token_login.CREDENTIALS_REFUSED:
                refused = _TokenRefusedError(refused.message, remedy=refused.remedy)
        refused.about = understand(Stage.LOGIN, code, text)
        return refused

    def _hand_over(self, client: smtplib.SMTP) -> SmtpSession:
        assert self._sock is not None
        if client.file is not None:
            client.file.close()
        stated = client.esmtp_features.get("size", "")
        return SmtpSession(
            self._sock,
            server=str(self._route),
            pipelining=client.has_extn("pipelining"),
            size_limit=int(stated) if stated.isdecimal() else 0,
            timeout=self._timeout,
        )


def _obtained(ask: Callable[..., str], *refused: str) -> str:
    """Return an access token, or raise why there is none.

    A lapsed grant is about the account, so that everything waits for it. A login service that gives
    no token just now is like a mail server that is away.
    """
    try:
        return ask(*refused)
    except GrantLapsedError as lapsed:
        session_refused = SessionRefusedError(lapsed.message, remedy=lapsed.remedy)
        session_refused.about = Refusal(Blame.ACCOUNT, cause=Cause.LOGIN)
        raise session_refused from None
    except AccessTokenUnavailableError as away:
        raise SessionRefusedError(away.message, remedy=away.remedy) from None


def _text(words: bytes | str) -> str:
    return printable(words) if isinstance(words, bytes) else words


def _own_name(sock: socket.socket) -> str:
    """Return what to call this machine in EHLO: its full name, else its address in brackets.

    RFC 5321 §4.1.4 requires one of the two; asking the name service for a full name can take
    many seconds if none is set up.
    """
    name = socket.gethostname()
    if "." in name and name.replace("-", "").replace(".", "").isalnum() and name.isascii():
        return name
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def shut(sock: socket.socket) -> None:
    """Shut down a connection in both directions, waking threads that wait for it; never raise."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
