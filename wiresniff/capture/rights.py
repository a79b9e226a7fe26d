"""What this process may do: whether it may capture, and how it gives up everything once its sockets are open.

One capability is enough to watch, CAP_NET_RAW (capabilities(7)), and only while sockets are opened: they can be bound
to interfaces that come later without it. So nothing is kept: a program that reads the network is the last that should
be able to do anything else.

A capability may be permitted without being in effect, as when the file of an interpreter has `cap_net_raw=p`: that file
can be executed where the capability is not to be had at all, unlike one with `cap_net_raw=ep`. It is put into effect
here.
"""

import ctypes
import errno
import os
import resource
import socket
import struct
from pathlib import Path
from typing import NamedTuple

from wiresniff.model.errors import CaptureError

NET_RAW = 1 << 13
LAST_CAPABILITY = 63
"""Beyond the last that Linux knows (40): those are refused."""
SET_DUMPABLE, CAPBSET_DROP, SET_NO_NEW_PRIVS, CAP_AMBIENT = 4, 24, 38, 47
"""PR_... of prctl(2)."""
CLEAR_ALL = 4
"""PR_CAP_AMBIENT_CLEAR_ALL"""
CAPABILITY_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two words of 32 bits for each set."""
STATUS = Path("/proc/self/status")
THREADS = Path("/proc/self/task")
ADVICE = (
    "run it as root, or give it the capability NET_RAW alone: `setpriv --reuid nobody --clear-groups "
    "--inh-caps=+net_raw --ambient-caps=+net_raw wiresniff watch ...`, `docker run --cap-add NET_RAW`, or "
    "`capabilities: {add: [NET_RAW]}` of a Kubernetes securityContext"
)


class Privileges(NamedTuple):
    """What a process may do."""

    capabilities: int
    """Permitted ones, one bit each."""
    bounding: int
    """Those it could get by executing a file."""
    no_new_privs: bool
    """Executing a file gives it none."""
    other_threads: int
    """Of this process, each with privileges of its own: none were taken from them."""

    def __str__(self) -> str:
        """Say what is left, for the log."""
        if not self.capabilities:
            kept = "no capability is kept"
        else:
            kept = f"capabilities are kept (bits {self.capabilities:#x}): the system refused to drop them"
        if self.other_threads:
            kept += f" by this thread; {self.other_threads} others keep theirs"
        if self.no_new_privs:
            return f"{kept}, none can be gained"
        return f"{kept}" if self.bounding else f"{kept}, the bounding set is empty"


def is_portable() -> bool:
    """Say whether this system has no packet sockets of Linux, so that scapy takes the packets."""
    return not hasattr(socket, "AF_PACKET")


def refusal_to_capture() -> CaptureError | None:
    """Return why this process may not capture, as a sentence; None when it may."""
    if is_portable():
        return None  # it shows when sockets are opened
    raise_net_raw()
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return not_permitted()
    except OSError as error:
        if error.errno in {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}:
            return CaptureError("this kernel or its sandbox has no packet sockets; watch from the host instead")
        raise
    return None


def not_permitted() -> CaptureError:
    """Return what is missing, and how to get it."""
    privileges = current_privileges()
    if privileges.capabilities & NET_RAW:
        return CaptureError(
            "watching is refused although the capability NET_RAW is there: a seccomp or security profile forbids "
            "packet sockets; allow them there (socket AF_PACKET)"
        )
    if os.geteuid() != 0 and privileges.bounding & NET_RAW:
        return CaptureError(
            "watching needs the capability NET_RAW, which this user may have but was not given (containers give "
            f"added capabilities to root only, unless a file or `setpriv` hands them on); {ADVICE}"
        )
    return CaptureError(f"watching needs the capability NET_RAW, which this process does not have; {ADVICE}")


def raise_net_raw() -> None:
    """Put the right to capture into effect where it is permitted and is not in effect."""
    if not STATUS.exists():
        return
    library = _library()
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    sets = ctypes.create_string_buffer(24)
    if library is None or library.capget(header, sets):
        return
    effective, permitted, *rest = struct.unpack("=6I", sets.raw)
    if permitted & NET_RAW and not effective & NET_RAW:
        library.capset(header, struct.pack("=6I", effective | NET_RAW, permitted, *rest))


def drop_privileges() -> Privileges:
    """Give up all capabilities for good, be neither dumped nor debugged, leave no core file; return what is left.

    Call it when sockets are open and before threads are started: capabilities belong to the thread. What the system
    does not let us give up (the bounding set belongs to those who have SETPCAP) is not an error: with no_new_privs
    nothing can be gained from it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = _library()
    if library is None:
        return current_privileges()
    for capability in range(LAST_CAPABILITY + 1):
        if library.prctl(CAPBSET_DROP, capability, 0, 0, 0):
            break
    library.prctl(CAP_AMBIENT, CLEAR_ALL, 0, 0, 0)
    library.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24))
    library.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    library.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    return current_privileges()


def current_privileges() -> Privileges:
    """Return what this process may do; elsewhere than on Linux, all that its user may."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return Privileges(0 if os.geteuid() else NET_RAW, 0, no_new_privs=False, other_threads=0)
    known = {name: value.strip("\t ") for name, _, value in (line.partition(":") for line in lines)}
    return Privileges(
        int(known["CapPrm"], 16),
        int(known["CapBnd"], 16),
        known.get("NoNewPrivs") == "1",
        len(list(THREADS.iterdir())) - 1,
    )


def _library() -> ctypes.CDLL | None:
    """Return the C library, None where it does not know prctl."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "prctl"):
        return None
    library.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return library
