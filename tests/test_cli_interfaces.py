"""`wiresniff interfaces`, as a person sees it."""

import os
import re
import shutil
import socket
import subprocess
import sys

import pytest
from cli_running import environment, ran
from namespaces import Namespace, add_pair, ip, namespace, needs_namespaces, open_tun

from wiresniff.capture.interfaces import local_interfaces
from wiresniff.cli.exits import Exit

__all__ = ["namespace"]


@needs_namespaces
def test_what_can_be_watched_is_listed(capsys: pytest.CaptureFixture[str], namespace: Namespace) -> None:
    """Name, state, kind and addresses of each; that permission is enough, and what to type next."""
    assert namespace.descriptor
    add_pair()
    ip("addr", "add", "10.9.0.1/24", "dev", "va")
    ip("link", "set", "vb", "down")
    tun = open_tun("t0")
    done = ran(capsys, "interfaces")
    os.close(tun)
    assert done.status == Exit.DONE
    lines = [re.split("  +", line) for line in done.out.splitlines()]
    assert sorted(lines) == [
        ["interface", "state", "kind", "addresses"],
        ["lo", "up", "loopback", "127.0.0.1, ::1"],
        ["t0", "up", "raw IP (tun, WireGuard)"],
        ["va", "no carrier", "Ethernet", "10.9.0.1"],
        ["vb", "down", "Ethernet"],
    ]
    assert "`wiresniff watch -i lo`" in done.err


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="gives up a right: needs root, and `setpriv`"
)
def test_a_missing_right_is_said_and_the_list_is_there_all_the_same() -> None:
    """The list needs no right; the status says that a capture could not be opened."""
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw", sys.executable, "-m", "wiresniff", "interfaces"],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == Exit.CAPTURE
    assert "lo" in done.stdout
    assert done.stderr.startswith("wiresniff: watching needs the capability NET_RAW")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not hasattr(socket, "AF_PACKET"), reason="asks Linux")
def test_every_interface_is_listed() -> None:
    """Under the number that the system has for it."""
    assert [(each.number, each.name) for each in local_interfaces()] == sorted(socket.if_nameindex())
