"""The seam to the web: where it may go, and what it says about requests that came to nothing."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.connectors.http import (
    AddressRefusedError,
    Http,
    NetRules,
    NoAnswerError,
    NotSentError,
    RedirectRefusedError,
    UnreadableAnswerError,
)

JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + b'{"total": 0.10}'
Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the same bytes to every request; returns the address."""
    sockets: list[socket.socket] = []

    def _serve(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        threading.Thread(target=_answer_all, args=(listener, answer), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield _serve
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _answer_all(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            request = connection.recv(65536)
            while request.startswith(b"POST") and not request.endswith(b"{}"):
                request += connection.recv(65536)
            if answer == b"wait":
                connection.recv(1)
            else:
                connection.sendall(answer)


def http(allow: str = "127.0.0.1:*", **rest: float) -> Http:
    return Http("Vendor", NetRules.parse(allow, **{"connect_timeout": 2, "read_timeout": 2, **rest}))


def test_numbers_are_exact(serve: Serve) -> None:
    assert http().call("GET", serve(JSON)).json() == {"total": Decimal("0.10")}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "not https"),
        ("https://127.0.0.1/", "inside this network"),
        ("https://10.1.2.3/", "inside this network"),
        ("https://localhost/", "inside this network"),
        ("https://[::ffff:192.168.1.1]/", "inside this network"),
        ("https://[fd00::1]/", "inside this network"),
        ("https://169.254.169.254/latest", "never called"),
        ("https://[fe80::1]/", "never called"),
        ("https://0.0.0.0/", "never called"),
        ("https://user:secret@example.com/", "not valid"),
        ("ftp://example.com/", "not valid"),
        ("https://", "not valid"),
        ("https://example.com:99999/", "not valid"),
    ],
)
def test_an_address_that_is_not_public_https_is_refused_with_a_remedy(url: str, words: str) -> None:
    with pytest.raises(AddressRefusedError, match=words) as caught:
        http(allow="").call("GET", url)

    assert caught.value.code == "not_allowed_address"
    assert caught.value.remedy
    assert caught.value.systemic


def test_a_link_local_address_is_refused_even_where_it_is_listed() -> None:
    with pytest.raises(AddressRefusedError, match="never called"):
        http(allow="169.254.169.254:80").call("GET", "http://169.254.169.254/")


@pytest.mark.parametrize("allow", ["127.0.0.1:{port}", "127.0.0.1:*", "other:1, 127.0.0.1:{port} "])
def test_a_listed_address_may_be_plain_and_inside(serve: Serve, allow: str) -> None:
    url = serve(JSON)

    assert http(allow=allow.format(port=url.rpartition(":")[2])).call("GET", url).ok


def test_another_port_of_a_listed_host_is_refused(serve: Serve) -> None:
    with pytest.raises(AddressRefusedError):
        http(allow="127.0.0.1:1").call("GET", serve(JSON))


def test_a_server_that_is_not_there_was_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotSentError, match="can't be reached"):
        http().call("GET", f"http://127.0.0.1:{port}/")


def test_a_name_that_does_not_exist_is_said_so() -> None:
    with pytest.raises(NotSentError, match=r"no server named nowhere\.invalid") as caught:
        http().call("GET", "https://nowhere.invalid/")

    assert caught.value.code == "unknown_host"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"])
def test_an_answer_that_breaks_off_may_have_been_executed(serve: Serve, answer: bytes) -> None:
    with pytest.raises(NoAnswerError, match="closed the connection") as caught:
        http().call("POST", serve(answer), body="{}")

    assert not caught.value.timed_out


def test_an_answer_that_does_not_come_may_be_on_its_way(serve: Serve) -> None:
    with pytest.raises(NoAnswerError, match="did not answer in time") as caught:
        http(read_timeout=0.1).call("POST", serve(b"wait"), body="{}")

    assert caught.value.timed_out


def test_no_error_carries_the_query_a_header_or_a_cause(serve: Serve) -> None:
    with pytest.raises(NoAnswerError) as caught:
        http().call("GET", serve(b"") + "/path?token=hunter2", headers={"Authorization": "hunter2"})

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("key", ["hunter2\n", "hünter2", "hunter2\u200b"])
def test_a_key_that_no_header_can_carry_is_refused_without_naming_it(serve: Serve, key: str) -> None:
    with pytest.raises(NotSentError) as caught:
        http().call("GET", serve(JSON), headers={"clientId": key})

    assert "nter2" not in str(caught.value)
    assert "clientId" in str(caught.value)


def test_a_redirect_to_another_host_is_not_followed(serve: Serve) -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"

    with pytest.raises(RedirectRefusedError, match=r"elsewhere\.example"):
        http().call("GET", serve(away))


def test_a_redirected_write_was_not_executed(serve: Serve) -> None:
    away = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"

    with pytest.raises(NotSentError):
        http().call("POST", serve(away), body="{}")


def test_a_page_instead_of_json_is_said_so(serve: Serve) -> None:
    page = http().call("GET", serve(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"))

    with pytest.raises(UnreadableAnswerError, match="not JSON"):
        page.json()


def test_a_connection_that_the_vendor_has_ended_meanwhile_is_replaced(serve: Serve) -> None:
    url, vendor = serve(JSON), http()
    assert vendor.call("GET", url).ok
    time.sleep(0.05)

    assert vendor.call("POST", url, body="{}").ok


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A TLS server with a certificate of an authority of its own; its address and the authority's file."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer_securely, args=(listener, context), daemon=True).start()
    yield f"https://localhost:{listener.getsockname()[1]}", certificate
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def self_signed(folder: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


def _answer_securely(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(JSON)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(secure: tuple[str, Path]) -> None:
    with pytest.raises(NotSentError, match="certificate of localhost") as caught:
        http(allow="localhost:*").call("POST", secure[0], body="{}")

    assert caught.value.code == "bad_certificate"


def test_an_offices_own_authority_can_be_trusted(secure: tuple[str, Path]) -> None:
    url, authority = secure

    assert Http("Vendor", NetRules.parse("localhost:*", ca_bundle=str(authority))).call("GET", url).ok
