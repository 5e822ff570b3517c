"""The HTTP server: a thread for each connection, and bounds on what a client may cost.

The standard library's server, with what it leaves open closed: a request has to arrive within a time, has a largest
size, and is refused in EC2's words; a client that dawdles holds its own thread and nobody else's.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from uuid import uuid4

from sgsim.endpoint.answers import CONTENT_TYPE, failure
from sgsim.endpoint.http import HttpRequest, HttpResponse
from sgsim.errors import SgsimError

MOST_BODY = 4 * 1024 * 1024  # bytes; 1,000 rules with descriptions are a third of a megabyte
MOST_CONNECTIONS = 512  # at a time, each a thread
IDLE_SECONDS = 120.0  # between two requests of a connection
REQUEST_SECONDS = 30.0  # from a request's first byte to its last, and for each write of an answer
ENDING_SECONDS = 5.0  # that calls under way have when the server ends

_INVALID = "The HTTP request is invalid. Reason: "


class _Connection(io.RawIOBase):
    """The bytes of a socket, until a moment: however little comes at a time, it comes before that."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.until = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and writes the answers."""

    protocol_version = "HTTP/1.1"
    server: Server
    rfile: io.BufferedReader

    def setup(self) -> None:
        self._incoming = _Connection(self.request)
        self.connection: socket.socket = self.request
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer is one write
        self.rfile = io.BufferedReader(self._incoming, 64 * 1024)

    def finish(self) -> None:
        self.rfile.close()

    def handle_one_request(self) -> None:
        self.close_connection = True
        try:
            request = self._read()
        except TimeoutError:
            if self._has_begun:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, "RequestTimeout", "Your request took too long to arrive.")
            return
        except ConnectionError:
            return
        if request is not None:
            with self.server.answering():
                self._write(self.server.answer(request))

    def _read(self) -> HttpRequest | None:
        """The next request; None where there is none, or where it was refused here."""
        self._has_begun = False
        self.command = self.requestline = self.request_version = ""
        self._incoming.until = time.monotonic() + IDLE_SECONDS
        if not self.rfile.peek(1):
            return None
        self._has_begun = True
        self._incoming.until = time.monotonic() + REQUEST_SECONDS
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return None
        if not self.parse_request():
            return None
        length = self._body_length()
        if length is None:
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            return None  # the client went away
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return HttpRequest(self.command, path, query, headers, body)

    def _body_length(self) -> int | None:
        """How long the body is that follows; None where that was refused."""
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        if "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "InvalidHttpRequest", f"{_INVALID}Content-Length is needed")
        elif len(lengths) > 1 or not re.fullmatch("[0-9]{1,19}", max(lengths)):
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidHttpRequest", f"{_INVALID}Content-Length is not a length")
        elif int(max(lengths)) > MOST_BODY:
            problem = f"The request body is larger than {MOST_BODY} bytes"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", problem)
        else:
            return int(max(lengths))
        return None

    def handle_expect_100(self) -> bool:
        """Asked for a body before it is sent: only one that will be taken."""
        if self._body_length() is None:
            return False
        self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: a request line or headers that are none."""
        self._refuse(code, "InvalidHttpRequest", f"{_INVALID}{message or 'Unable to parse request'}")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer a request that was not read to its end; the connection ends with it."""
        self.close_connection = True
        request_id = str(uuid4())
        self._write(HttpResponse(status, CONTENT_TYPE, failure(code, message, request_id), request_id))
        self._let_it_arrive()

    def _let_it_arrive(self) -> None:
        """Read on for a moment: closing with bytes unread would take the answer from the client's hands."""
        self._incoming.until = time.monotonic() + 2
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(1024):
                if not self.rfile.read1(64 * 1024):
                    break

    def _write(self, response: HttpResponse) -> None:
        head = (
            f"HTTP/1.1 {response.status} {_phrase(response.status)}\r\n"
            f"Server: sgsim\r\nDate: {self.date_time_string()}\r\n"
            f"x-amzn-RequestId: {response.request_id}\r\nContent-Type: {response.content_type}\r\n"
            f"Content-Length: {len(response.body)}\r\n"
            f"Connection: {'close' if self.close_connection else 'keep-alive'}\r\n\r\n"
        ).encode("latin-1")
        self._send(head if self.command == "HEAD" else head + response.body)

    def _send(self, data: bytes) -> None:
        self.connection.settimeout(REQUEST_SECONDS)
        try:
            self.connection.sendall(data)
        except OSError:
            self.close_connection = True  # the client went away, or reads nothing

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Server(ThreadingHTTPServer):
    """Listens on an address until it is closed; ``answer`` is called for each request, from many threads."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        """Raises SgsimError where the address cannot be had."""
        self.answer = answer
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._calls = 0
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self.address_family = family
            super().__init__(address[:2], _Handler)  # type: ignore[arg-type]
        except OSError as error:
            raise SgsimError(
                f"port {port} of {host} cannot be had: {error.strerror or error} "
                "(choose another with --port; 0 is any that is free)"
            ) from error

    def server_bind(self) -> None:
        """Without the base class's look-up of the host's full name, which may ask a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Around a call that is under way: the server's end waits for it."""
        with self._changed:
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            has_room = len(self._connections) < MOST_CONNECTIONS
            if has_room:
                self._connections.add(request)
        if has_room:
            super().process_request(request, client_address)
            return
        body = failure("Unavailable", f"There are {MOST_CONNECTIONS} connections already.", str(uuid4()))
        with contextlib.suppress(OSError):
            request.setblocking(False)
            request.send(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n" + body)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        with self._changed:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An error of ours while a request was answered: the client is told, and standard error why."""
        error = sys.exception()
        assert error is not None
        request_id = str(uuid4())
        with contextlib.suppress(OSError, ValueError):  # standard error may be closed
            print(f"sgsim: internal error, request {request_id}:", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)
        body = failure("InternalError", "An internal error has occurred", request_id)
        head = (
            "HTTP/1.1 500 Internal Server Error\r\n"
            f"x-amzn-RequestId: {request_id}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            request.sendall(head.encode() + body)

    def start(self) -> None:
        """Serve from a thread of its own."""
        threading.Thread(target=self.serve_forever, name="accept", kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Take no more connections, let the calls under way be answered, and end the connections."""
        self.shutdown()
        self.server_close()
        with self._changed:
            self._changed.wait_for(lambda: not self._calls, ENDING_SECONDS)
            idle = list(self._connections)
        for connection in idle:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
