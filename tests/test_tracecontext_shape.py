"""What looks like a traceparent where the name of its field is not known."""

import json
from pathlib import Path

import pytest

from wiresniff.tracecontext.shape import is_traceparent_shaped

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent / "vectors" / "tracecontext.jsonl").read_text(encoding="utf-8").splitlines()
]
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

SHAPELESS = frozenset(
    [
        "---", "00-1-1-00", "invalid!", "garbage", " \t ", "", "ff", "None", "null", "undefined",
        "00--b9c7c989f97918e1-01", "00--ffffffffffffffff-01", "00--b4a146e3237b4df1-01", "00--ff00000000000041-01",
        "00-ffffffff-ffffffffffffffff-01", "00-ffffffffffffffffffffffffffffffff",
        "00-ffffffffffffffffffffffffffffffff--01", "00-ff000000000000000000000000000041--01",
        TRACE_ID, "00x0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01",
        "01-ff000000000000000000000000000041+ff00000000000041-00-02",
        "00-abcdefghijklmnopabcdefghijklmnop-ff00000000000041-01", f'{{"traceparent":"00-{TRACE_ID}-{PARENT_ID}-01"}}',
    ]
)  # fmt: skip
"""Values of the vectors of which nobody could say what they are without their name."""

VALUES = sorted({value for vector in VECTORS for name, value in vector["headers"] if name.lower() == "traceparent"})

OTHERS = [
    "",
    "/cart.Cart/AddItem",
    "/orders/00-11",
    "10.0.0.11:50051",
    "application/grpc+proto",
    "grpc-python/1.60.0 grpc-c/37.0.0 (linux; chttp2)",
    "trailers",
    "identity, deflate, gzip",
    "999999u",
    "123e4567-e89b-42d3-a456-426614174000",  # UUID
    "123e4567e89b42d3a456426614174000",
    "2026-11-22T10:00:00.000Z",
    "Sun, 22 Nov 2026 10:00:00 GMT",
    f"{TRACE_ID}-{PARENT_ID}-1",  # b3, sentry-trace
    f"{TRACE_ID}-{PARENT_ID}-1-05e3ac9a4f6e3b90",
    f"{PARENT_ID}-{PARENT_ID}-1",
    f"{TRACE_ID}:{PARENT_ID}:0:1",  # uber-trace-id
    f"{TRACE_ID}/67667974448284343;o=1",  # X-Cloud-Trace-Context
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",  # X-Amzn-Trace-Id
    "1-5759e988-bd862e3fe1be46a994272793",
    "1-TVNHWlhYWTEyMzQ1Njc4OTA=-TVNHU0VHTUVOVDEyMzQ1-3-c2hvcA==-b3JkZXItMQ==-L2NhcnQ=-Y2FydDo4MDgw",  # sw8
    "2B7435A9FE510AE4533414D425DADF4E180D2B4E3649E60702469DB05F01",  # x-trace
    "|4bf92f3577b34da6a3ce929d0e0e4736.bcec871c_1.",  # Request-Id
    "AAAAAABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE",  # grpc-trace-bin
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",  # tracestate
    "userId=alice,serverNode=DF-28",
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "7d0f9c8b7c8d1e2f-AMS",
    "00-checkout-service-internal-production-canary-blue-01",  # dashes, no digits
]


@pytest.mark.parametrize("value", VALUES)
def test_vectors(value: str) -> None:
    """Every traceparent of the vectors looks like one, also a malformed one, unless its dashes or ids are gone."""
    assert is_traceparent_shaped(value.encode("latin-1")) == (value not in SHAPELESS)


def test_what_is_shapeless_is_in_the_vectors() -> None:
    """The list of exceptions holds nothing that no vector has."""
    assert set(VALUES) >= SHAPELESS


@pytest.mark.parametrize("value", OTHERS)
def test_other_values(value: str) -> None:
    """Ids, dates, paths and other carriers do not look like a traceparent."""
    assert not is_traceparent_shaped(value.encode("ascii"))


@pytest.mark.parametrize(
    "value",
    [
        f"00-{TRACE_ID}-{PARENT_ID}-1",
        f"00-{TRACE_ID[:-1]}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{PARENT_ID[:-2]}-01",
        f"000-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{TRACE_ID[:-1]}g-{PARENT_ID}-0x",
        f"00-{PARENT_ID}-{PARENT_ID}-01",
        f"-{TRACE_ID}-{PARENT_ID}-01",
        f'"00-{TRACE_ID}-{PARENT_ID}-01"',
        f"00-{TRACE_ID}-{PARENT_ID}-01, 00-{TRACE_ID}-{PARENT_ID}-01",
    ],
)
def test_nearly_right(value: str) -> None:
    """Dashes and lengths that are nearly right are enough."""
    assert is_traceparent_shaped(value.encode("ascii"))


def test_long_values_are_quick() -> None:
    """A value that goes on and on is looked at once."""
    assert not is_traceparent_shaped(b"00-" + b"0" * 1_000_000)
    assert is_traceparent_shaped(f"00-{TRACE_ID}-{PARENT_ID}-01-".encode() + b"-" * 1_000_000)
