"""The ways of deploy/README.md to hand `watch` its one capability, and what it does without: each as a real process.

User ids don't matter here: with the secure bit `noroot` user 0 is a user like any other to the kernel's rules on
capabilities, and may still read the interpreter, wherever that is.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from live_running import fetched, lacking, running, wait_for
from namespaces import Namespace, needs_namespaces

README = Path(__file__).resolve().parents[1] / "deploy" / "README.md"
REASON = lacking(("setpriv",))
pytestmark = [needs_namespaces, pytest.mark.skipif(REASON is not None, reason=REASON or "")]

USER = ("setpriv", "--securebits=+noroot,+noroot_locked")
ALLOWED = ("--bounding-set=-all,+net_raw",)
NOT_ALLOWED = ("--bounding-set=-all",)
NO_NEW_PRIVILEGES = ("--no-new-privs",)
HANDED_ON = ("--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw")
NOT_HANDED_ON = ("--inh-caps=-all",)
IDENTITY = ("--reuid", "--regid", "--clear-groups")
SHELL = ("sh", "-c", 'exec "$@"', "sh")
FIRST_PORT = 9801


class Way(NamedTuple):
    """How `watch` is started, and whether it captures then."""

    before: tuple[str, ...]
    has_file_capability: bool
    captures: bool


FILE, NO_FILE, CAPTURES, BLIND = True, False, True, False
WAYS = {
    "ambient": Way((*USER, *ALLOWED, *HANDED_ON, *NO_NEW_PRIVILEGES), NO_FILE, CAPTURES),
    "added, not handed on": Way((*USER, *ALLOWED, *NOT_HANDED_ON), NO_FILE, BLIND),
    "file capability": Way((*USER, *ALLOWED, *NOT_HANDED_ON), FILE, CAPTURES),
    "file capability, no new privileges": Way((*USER, *ALLOWED, *NOT_HANDED_ON, *NO_NEW_PRIVILEGES), FILE, CAPTURES),
    "file capability behind a shell": Way((*USER, *ALLOWED, *NOT_HANDED_ON, *SHELL), FILE, CAPTURES),
    "file capability, no new privileges, behind a shell": Way(
        (*USER, *ALLOWED, *NOT_HANDED_ON, *NO_NEW_PRIVILEGES, *SHELL), FILE, BLIND
    ),
    "file capability, not allowed": Way((*USER, *NOT_ALLOWED, *NOT_HANDED_ON, *NO_NEW_PRIVILEGES), FILE, BLIND),
    "nothing": Way((*USER, *NOT_ALLOWED, *NOT_HANDED_ON, *NO_NEW_PRIVILEGES), NO_FILE, BLIND),
}


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Copy the interpreter and give the copy `cap_net_raw=p`, as deploy/Dockerfile does."""
    copy = tmp_path_factory.mktemp("interpreter") / "python"
    if os.statvfs(copy.parent).f_flag & os.ST_NOSUID:
        pytest.skip("the folder of tests is mounted nosuid: files give no capabilities there")
    shutil.copy(Path(sys.executable).resolve(), copy)
    os.setxattr(copy, "security.capability", struct.pack("<5I", 0x02000000, 1 << 13, 0, 0, 0))
    return str(copy)


@pytest.fixture(scope="module")
def metrics(interpreter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start `watch` in every way at once, in a network of their own; return what each serves."""
    folder, place = tmp_path_factory.mktemp("logs"), Namespace()
    found = os.environ | {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with ExitStack() as stack:
        stack.callback(place.close)
        watches = []
        for number, (name, way) in enumerate(WAYS.items()):
            program = interpreter if way.has_file_capability else Path(sys.executable).resolve()
            watch = running(
                place, *way.before, program, "-m", "wiresniff", "watch", "-i", "lo",
                "--listen", f"127.0.0.1:{FIRST_PORT + number}", log=folder / f"{name}.log", env=found,
            )  # fmt: skip
            watches.append(stack.enter_context(watch))
        yield {
            name: wait_for(name, lambda at=FIRST_PORT + number: fetched(place, f"http://127.0.0.1:{at}/metrics"), 30)
            for number, name in enumerate(WAYS)
        }
        for each in watches:
            each.terminate()  # they end at once, not one after the other


@pytest.mark.parametrize("name", WAYS)
def test_it_captures_where_it_may_and_stays_up_where_it_may_not(metrics: dict[str, str], name: str) -> None:
    """And says which of the two in a metric."""
    assert f'wiresniff_capture_up{{interface="lo"}} {float(WAYS[name].captures)}' in metrics[name]


def test_the_command_of_the_readme_captures() -> None:
    """As it stands there; where other users can't run this interpreter, as a user 0 without its rights."""
    (line,) = re.findall(r"^sudo (setpriv .*) wiresniff (watch .*)$", README.read_text(), re.MULTILINE)
    before, arguments = (part.split() for part in line)
    if subprocess.run([*before, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        before = [*USER, *(word for word in before if word.startswith("--") and not word.startswith(IDENTITY))]
    arguments[arguments.index("--for") + 1] = "1s"
    place = Namespace()
    with place.entered():
        done = subprocess.run(
            [*before, sys.executable, "-m", "wiresniff", *arguments],
            capture_output=True, text=True, timeout=30, check=False, cwd="/",
        )  # fmt: skip
    place.close()
    assert done.returncode == 0, done.stderr
    assert "capture-up interface=any" in done.stderr
    assert "no capability is kept, none can be gained" in done.stderr
