"""What a process needs to watch, and what it gives up: each way that is supported, as a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest
from cli_running import ROOT

needs_setpriv = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="changes users: needs root, and `setpriv` (util-linux)",
)
NET_RAW = 1 << 13

WATCH = """
import json, resource, socket, sys
from wiresniff.capture.live import open_live
from wiresniff.capture.rights import current_privileges, drop_privileges
from wiresniff.model.errors import CaptureError
try:
    source = open_live(["lo"])
except CaptureError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit(0)
before = current_privileges()
left = drop_privileges()
try:
    open_live(["lo"])
    again = True
except CaptureError:
    again = False
blocks = iter(source)
next(blocks)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"x", ("127.0.0.1", 9))
source.shed(0.5)
while not len(block := next(blocks)[1]):
    pass
source.close()
import ctypes
print(json.dumps({
    "before": before.capabilities, "left": left, "said": str(left), "seen": len(block), "again": again,
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0], "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
}))
"""


def watching(*before: str, interpreter: str = sys.executable, **variables: str) -> dict[str, object]:
    """Watch loopback in a process started so; return what it says of itself."""
    done = subprocess.run(
        [*before, interpreter, "-c", WATCH],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


class Way(NamedTuple):
    """A way to be allowed to watch."""

    options: tuple[str, ...]
    empties_bounding: bool
    """With SETPCAP, the bounding set can be emptied."""


NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
HANDED_ON = ("--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw")
WAYS = {
    "root": Way((), empties_bounding=True),
    "root with NET_RAW alone": Way(("setpriv", "--bounding-set=-all,+net_raw"), empties_bounding=False),
    "a user with NET_RAW": Way((*NOBODY, *HANDED_ON), empties_bounding=False),
    "no new privileges": Way((*NOBODY, *HANDED_ON, "--no-new-privs"), empties_bounding=False),
    "empty bounding set": Way(
        ("setpriv", "--inh-caps=-all,+net_raw", *NOBODY, HANDED_ON[1], "--bounding-set=-all", "--no-new-privs"),
        empties_bounding=True,
    ),
}


def can_run_as_nobody() -> bool:
    """Say whether the interpreter and the project may be read by any user."""
    done = subprocess.run([*NOBODY, sys.executable, "-c", ""], capture_output=True, check=False)
    return done.returncode == 0


@needs_setpriv
@pytest.mark.parametrize("way", WAYS)
def test_one_capability_is_enough_and_none_is_kept(way: str) -> None:
    """Packets are still read, connections can still be left out, and nothing can be opened or gained any more."""
    if "--reuid" in WAYS[way].options and not can_run_as_nobody():
        pytest.skip("this interpreter can't be run by other users")
    found = watching(*WAYS[way].options)
    assert found["before"] == NET_RAW or way == "root"
    capabilities, bounding, no_new_privs, other_threads = found["left"]  # type: ignore[misc]
    assert (capabilities, no_new_privs, other_threads) == (0, True, 0)
    assert (bounding == 0) == WAYS[way].empties_bounding
    assert found["said"] == "no capability is kept, none can be gained"
    assert found["seen"] == 2  # the datagram, and that nobody takes it
    assert (found["again"], found["core"], found["dumpable"]) == (False, 0, 0)


@needs_setpriv
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("setpriv", "--bounding-set=-net_raw"), "which this process does not have"),
        (NOBODY, "which this user may have but was not given"),
        ((*NOBODY, "--bounding-set=-all"), "which this process does not have"),
    ],
)
def test_without_it_one_sentence_says_what_is_missing(options: tuple[str, ...], words: str) -> None:
    """And how to get it: for a shell, a container, a cluster."""
    if "--reuid" in options and not can_run_as_nobody():
        pytest.skip("this interpreter can't be run by other users")
    refused = str(watching(*options)["refused"])
    assert refused.startswith("watching needs the capability NET_RAW")
    assert words in refused
    assert "setpriv" in refused
    assert "--cap-add NET_RAW" in refused
    assert "\n" not in refused
