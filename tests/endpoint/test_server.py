"""The HTTP server: what clients may send, how much of it, and how slowly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from sgsim.endpoint import server as module
from sgsim.endpoint.http import HttpRequest, HttpResponse
from sgsim.endpoint.server import Server
from sgsim.errors import SgsimError
from tests.endpoint.clients import Plain, connect, get, received


def echo(request: HttpRequest) -> HttpResponse:
    """Says what was asked."""
    text = f"{request.method} {request.path} {request.query} {request.body.decode()}"
    return HttpResponse(200, "text/plain", text.encode(), "a-request")


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Starts servers that answer with a function."""
    started = []

    def start(answer: Callable[[HttpRequest], HttpResponse] = echo) -> Server:
        started.append(Server("127.0.0.1", 0, answer))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def url(serving) -> str:
    return serving().url


def sent(url: str, *parts: bytes) -> bytes:
    """What comes back to bytes that are sent, until the server closes."""
    with connect(url) as connection:
        for part in parts:
            connection.sendall(part)
        return received(connection)


def test_a_connection_serves_many_requests(url):
    """HTTP/1.1 keeps it open; requests may come before the answers."""
    with Plain(url) as plain:
        assert plain.post("a=b", path="/x?y=z").body == "POST /x y=z a=b"
        assert plain.get("/?q").body == "GET / q "
    first = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nA"
    last = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nB"
    answers = sent(url, first + last)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b"B")


def test_old_clients_get_one_answer_and_a_closed_connection(url):
    """HTTP/1.0 does not keep it open."""
    answer = sent(url, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer


def test_a_head_has_no_body(url):
    """Only the length of what there would be."""
    answer = sent(url, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 8" in answer


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"hello\r\n\r\n", 400, "InvalidHttpRequest"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "InvalidHttpRequest"),  # TLS
        (b"GET / HTTP/9.9\r\n\r\n", 505, "InvalidHttpRequest"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "InvalidHttpRequest"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "InvalidHttpRequest"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431, "InvalidHttpRequest"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "InvalidHttpRequest"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400, "InvalidHttpRequest"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "InvalidHttpRequest"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, "InvalidHttpRequest"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413, "RequestEntityTooLarge"),
        (
            b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 999999999999\r\n\r\n",
            413,
            "RequestEntityTooLarge",
        ),
    ],
)
def test_what_is_no_request_is_refused_in_ec2s_words(url, request_bytes, status, code):
    """An error document with a request id, and the connection is closed."""
    answer = sent(url, request_bytes)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert f"<Code>{code}</Code>".encode() in answer
    assert b"<RequestID>" in answer
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_that_is_too_large_is_refused_while_it_is_sent(url):
    """The client, which sends all of it before it reads, still gets the answer."""
    length = module.MOST_BODY + 1
    answer = sent(url, b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length, b"a" * length)
    assert b"<Code>RequestEntityTooLarge</Code>" in answer


def test_the_largest_body_is_taken(url):
    """A byte less is no error."""
    with Plain(url) as plain:
        assert len(plain.post("a" * module.MOST_BODY).body) == module.MOST_BODY + len("POST /  ")


def test_a_client_may_ask_before_it_sends(url):
    """``Expect: 100-continue``, of curl and of some SDKs."""
    with connect(url) as connection:
        head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert received(connection).endswith(b"POST /  ab")


def test_a_slow_client_holds_up_nobody(url):
    """Others are answered while it is in the middle of its request."""
    with connect(url) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        assert get(url).status == 200
        slow.sendall(b"-" * 96)
        assert slow.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "begun", [b"POST", b"POST / HTTP/1.1\r\nA: b", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\na"]
)
def test_a_request_that_does_not_come_to_its_end_is_given_up(monkeypatch, serving, begun):
    """Wherever it stops."""
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.2)
    assert b"<Code>RequestTimeout</Code>" in sent(serving().url, begun)


def test_a_request_that_trickles_is_given_up(monkeypatch, serving):
    """A byte now and then does not make the time longer: it counts for the whole request."""
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.3)
    with connect(serving().url) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        connection.settimeout(0.05)
        answer = b""
        for _ in range(200):
            try:
                connection.sendall(b"a")
                answer += connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if answer:
                break
        assert b"<Code>RequestTimeout</Code>" in answer


def test_an_idle_connection_is_closed_without_a_word(monkeypatch, serving):
    """Nothing was asked, so nothing is answered."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    assert sent(serving().url) == b""


def test_clients_that_go_away_leave_the_server_as_it_was(url):
    """In the middle of a request, and before the answer."""
    for begun in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\na", b"GET / HTTP/1.1\r\n\r\n"):
        connection = connect(url)
        connection.sendall(begun)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
        connection.close()
    assert get(url).status == 200


def test_connections_are_bounded(monkeypatch, serving):
    """One too many is told so, and there is room when another ends."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 2)
    url = serving().url
    with Plain(url) as one, Plain(url) as two:
        assert one.get("/").status == two.get("/").status == 200
        assert b"<Code>Unavailable</Code>" in sent(url)
    for _ in range(3000):  # until the server has seen that they ended
        with contextlib.suppress(ConnectionError):
            if b"200 OK" in sent(url, b"GET / HTTP/1.0\r\n\r\n"):
                return
        threading.Event().wait(0.01)
    pytest.fail("there was no room again")


def test_an_error_of_ours_is_an_internal_error(serving, capfd):
    """500, a trace on standard error, and the next request is answered."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path == "/bad":
            raise ZeroDivisionError("of ours")
        return echo(request)

    url = serving(answer).url
    failed = get(url, "/bad")
    assert (failed.status, failed.code) == (500, "InternalError")
    assert failed.all("RequestID") == [failed.request_id]
    assert get(url, "/good").status == 200
    printed = capfd.readouterr().err
    assert f"sgsim: internal error, request {failed.request_id}" in printed
    assert "ZeroDivisionError: of ours" in printed


def test_closing_waits_for_calls_under_way(serving):
    """Their clients get their answers; nobody is let in any more."""
    begun, go_on = threading.Event(), threading.Event()

    def answer(request: HttpRequest) -> HttpResponse:
        begun.set()
        assert go_on.wait(30)
        return echo(request)

    server = serving(answer)
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(get(server.url, "/").status))
    client.start()
    assert begun.wait(30)
    closing = threading.Thread(target=server.close)
    closing.start()
    while server.fileno() != -1:  # until the port is closed
        threading.Event().wait(0.01)
    with pytest.raises(ConnectionRefusedError):
        connect(server.url)
    assert closing.is_alive()
    go_on.set()
    closing.join(30)
    client.join(30)
    assert answers == [200]


def test_a_port_in_use_is_one_line(serving):
    """It names the port and the remedy."""
    port = serving().server_port
    with pytest.raises(SgsimError, match=rf"port {port} of 127\.0\.0\.1 cannot be had: .*--port"):
        Server("127.0.0.1", port, echo)


def test_an_address_that_is_not_ours_is_one_line():
    """A host that cannot be listened on, or looked up."""
    for host in ("192.0.2.1", "no such host"):
        with pytest.raises(SgsimError, match="cannot be had"):
            Server(host, 0, echo)


def test_ipv6_has_its_brackets():
    """As URLs write it."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = Server("::1", 0, echo)
    except SgsimError:
        pytest.skip("no IPv6 here")
    server.start()
    assert server.url.startswith("http://[::1]:")
    server.close()
