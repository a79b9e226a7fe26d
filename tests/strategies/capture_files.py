"""Generators of capture files: records of every layout, whole, cut and damaged."""

from capture_files import Taken, block, enhanced, interface, obsolete, option, pcap_file, section, simple
from hypothesis import strategies as st

times = st.integers(0, 4_000_000_000).flatmap(
    lambda seconds: st.integers(0, 999_999_999).map(lambda nanoseconds: seconds * 1_000_000_000 + nanoseconds)
)
packets = st.builds(Taken, times, st.binary(max_size=80), wire_length=st.integers(0, 2000), interface=st.integers(0, 2))
orders = st.sampled_from("<>")


@st.composite
def pcap_files(draw: st.DrawFn) -> bytes:
    """Draw a whole classic capture."""
    return pcap_file(
        draw(st.lists(packets, max_size=12)),
        order=draw(orders),
        tick_ns=draw(st.sampled_from([1, 1000])),
        patched=draw(st.booleans()),
        link_type=draw(st.sampled_from([1, 113, 0x2800_0001])),
    )


@st.composite
def sections(draw: st.DrawFn) -> bytes:
    """Draw a section: interfaces with clocks of all kinds, packets, and blocks that are stepped over."""
    order = draw(orders)
    resolutions = st.sampled_from([None, 0, 3, 6, 9, 12, 0x80, 0x8A, 0xA0, 0xFF, 127])
    descriptions = st.builds(
        interface,
        st.sampled_from([1, 113]),
        name=st.sampled_from([b"", b"eth0"]),
        resolution=resolutions,
        offset_seconds=st.sampled_from([None, 0, 1_600_000_000, -5, -(2**63)]),
        snap_length=st.sampled_from([0, 20, 65535]),
        order=st.just(order),
    )
    comments = st.sampled_from([b"", option(1, b"seen", order) + option(0, b"", order)])
    others = st.one_of(
        st.builds(
            enhanced, packets, units=st.none() | st.integers(0, 2**64 - 1), options=comments, order=st.just(order)
        ),
        st.builds(enhanced, packets, order=st.just(order)),
        st.builds(obsolete, packets, order=st.just(order)),
        st.builds(simple, st.binary(max_size=40), st.integers(0, 40), order=st.just(order)),
        st.builds(block, st.sampled_from([4, 5, 10, 0xBAD, 9]), st.binary(max_size=20), st.just(order)),
        descriptions,
    )
    return b"".join([section(order), *draw(st.lists(descriptions, max_size=3)), *draw(st.lists(others, max_size=12))])


pcapng_files = st.lists(sections(), min_size=1, max_size=3).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    """Draw a file with bytes changed, left out, or put in; what begins it stays."""
    data = bytearray(draw(files))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(min(12, len(data)), len(data)))
        kind = draw(st.sampled_from(["flip", "delete", "insert", "blank", "huge"]))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 20))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=20))
        elif kind == "blank":
            data[at : at + 16] = bytes(16)
        elif kind == "huge":
            data[at : at + 4] = b"\xff" * 4
    return bytes(data)
