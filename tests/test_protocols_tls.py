"""TLS and other speech that is not read: counted with its reason, and named by what it says of itself."""

import struct

import pytest
from builders import Conversation
from stage_feeding import dissected, heard_messages

from wiresniff.protocols.tls import server_name


def vector(width: int, octets: bytes) -> bytes:
    """Return a vector of TLS: its length, then its bytes."""
    return len(octets).to_bytes(width, "big") + octets


def client_hello(name: bytes, *, name_type: int = 0, before: bytes = b"") -> bytes:
    """Return a record with a ClientHello (RFC 8446 4.1.2) that asks for a server name (RFC 6066 3)."""
    names = vector(2, bytes([name_type]) + vector(2, name))
    extensions = before + struct.pack("!H", 0) + vector(2, names)
    hello = b"\3\3" + bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\1\x13\2") + vector(1, b"\0")
    handshake = b"\1" + vector(3, hello + vector(2, extensions))
    return b"\x16\3\1" + vector(2, handshake)


OTHER_EXTENSION = struct.pack("!H", 43) + vector(2, b"\2\3\4")
SERVER_HELLO = b"\x16\3\3" + vector(2, b"\2" + vector(3, bytes(70)))
APPLICATION_DATA = b"\x17\3\3" + vector(2, bytes(500))


@pytest.mark.parametrize("mss", [1460, 100])
def test_tls_is_opaque_and_named_by_its_hello(mss: int) -> None:
    """The name is what the client asks for."""
    talk = Conversation()
    talk.open()
    hello = client_hello(b"Pay.Example", before=OTHER_EXTENSION)
    talk.client_sends(hello, mss)
    talk.server_sends(SERVER_HELLO)
    talk.client_sends(APPLICATION_DATA)
    talk.server_sends(APPLICATION_DATA)
    talk.close()
    dissection = heard_messages(talk)
    assert dissection.told() == []
    assert dissection.opaque() == {"tls": len(hello) + len(SERVER_HELLO) + 2 * len(APPLICATION_DATA)}
    assert {(account.client, account.server) for account in dissection.traffic} == {(talk.client, talk.server)}
    if mss == 1460:
        assert {account.name for account in dissection.traffic} == {"pay.example"}
    assert dissection.dissector.counters()["opaque_connections"] == 1


def test_tls_on_the_port_of_http_is_tls() -> None:
    """Bytes decide, not ports; from whichever side."""
    for client, server in ((("10.0.0.9", 80), ("10.0.0.1", 443)), (("10.0.0.1", 443), ("10.0.0.9", 80))):
        talk = Conversation(client=client, server=server)
        talk.open()
        talk.client_sends(client_hello(b"a.example"))
        dissection = heard_messages(talk)
        assert list(dissection.opaque()) == ["tls"]
        assert dissection.traffic[0].client == client


def test_tls_joined_late_is_known_by_its_records() -> None:
    """Two segments that begin like records are needed."""
    talk = Conversation()
    for _ in range(3):
        talk.client_sends(APPLICATION_DATA)
        talk.server_sends(APPLICATION_DATA)
    assert heard_messages(talk).opaque() == {"tls": 6 * len(APPLICATION_DATA)}


def test_what_is_not_known_is_counted_as_that() -> None:
    """A greeting of another protocol, then its answer."""
    talk = Conversation()
    talk.open()
    talk.server_sends(b"SSH-2.0-OpenSSH_9.6\r\n")
    talk.client_sends(b"\0\1\2\3 nothing known")
    talk.close()
    assert heard_messages(talk).opaque() == {"unknown-protocol": 21 + 18}


def test_a_connection_without_bytes_is_no_traffic() -> None:
    """Opened and closed."""
    talk = Conversation()
    talk.open()
    talk.close()
    dissection = dissected(talk.packets)
    assert (dissection.traffic, dissection.dissector.counters()["opaque_connections"]) == ([], 0)


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (client_hello(b"a.example"), "a.example"),
        (client_hello(b"a.example", before=OTHER_EXTENSION * 9), "a.example"),
        (client_hello(b""), None),
        (client_hello(b"a.example", name_type=1), None),
        (client_hello(b"\xff.example"), None),
        (client_hello(b"a\n.example"), None),
        (SERVER_HELLO, None),
        (APPLICATION_DATA, None),
        (b"", None),
    ],
)
def test_server_names(octets: bytes, name: str | None) -> None:
    """Only a host name of printable ASCII."""
    assert server_name(octets) == name


def test_a_hello_that_is_cut_or_damaged_raises_nothing() -> None:
    """Cut anywhere, and with each byte set to its largest value."""
    whole = client_hello(b"a.example", before=OTHER_EXTENSION)
    for length in range(len(whole)):
        assert server_name(whole[:length]) in (None, "a.example", *("a.example"[:end] for end in range(1, 9)))
        damaged = whole[:length] + b"\xff" + whole[length + 1 :]
        name = server_name(damaged)
        assert name is None or name.isprintable()
