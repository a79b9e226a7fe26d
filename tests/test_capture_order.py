"""Several captures: which continues which, in order of time, none of them spoiling the others."""

from pathlib import Path

import pytest
from capture_files import SECOND, Taken, enhanced, interface, packets_of, pcap_file, section, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiresniff.capture import CaptureFile, capture_points, open_captures

NIGHT = 1_700_000_000 * SECOND


def taken(*times: float) -> bytes:
    """Write a classic capture of packets at these seconds."""
    return pcap_file([Taken(NIGHT + int(time * SECOND), b"packet") for time in times])


def points_of(captures: list[CaptureFile]) -> dict[int, list[str]]:
    """Return the names of the files of each capture point, in the order in which they were read."""
    points: dict[int, list[str]] = {}
    for number, block in capture_points(captures):
        block.check()
        names = points.setdefault(number, [])
        name = Path(captures[block.capture].name).name
        if name not in names:
            names.append(name)
    return points


def captures_in(folder: Path, files: dict[str, bytes], **options: int) -> list[CaptureFile]:
    """Write files and name them."""
    return open_captures([written(folder, data, name) for name, data in files.items()], **options)


def test_a_rotated_capture_is_one_capture_point_in_any_order_of_names(tmp_path: Path) -> None:
    """Files that follow each other in time continue each other."""
    files = {"c": taken(20, 29), "a": taken(0, 9), "b": taken(10, 19)}
    assert points_of(captures_in(tmp_path, files)) == {0: ["a", "b", "c"]}


def test_files_whose_times_overlap_are_capture_points_of_their_own(tmp_path: Path) -> None:
    """The client's side and the server's side of the same minute."""
    files = {"client": taken(0, 10), "server": taken(1, 9)}
    assert points_of(captures_in(tmp_path, files)) == {0: ["client"], 1: ["server"]}


def test_two_rotated_captures_of_one_time_go_on_by_name(tmp_path: Path) -> None:
    """Where several have ended, the one whose name is most alike is continued."""
    files = {
        "web.pcap0": taken(0, 9), "web.pcap1": taken(10.1, 19),
        "db.pcap0": taken(1, 9.5), "db.pcap1": taken(10, 18),
    }  # fmt: skip
    points = points_of(captures_in(tmp_path, files))
    assert points == {0: ["web.pcap0", "web.pcap1"], 1: ["db.pcap0", "db.pcap1"]}


@pytest.mark.parametrize(("begin", "points"), [(9.995, 1), (9.98, 2)])
def test_captures_may_be_disordered_by_milliseconds(tmp_path: Path, begin: float, points: int) -> None:
    """A rotated file may begin a little before the last packet of the one before."""
    files = {"a": taken(0, 9.997, 10), "b": taken(begin, 20)}
    assert len(points_of(captures_in(tmp_path, files, block_packets=1))) == points


def test_interfaces_of_a_capture_point_go_on_across_its_files(tmp_path: Path) -> None:
    """The same interface in the next file has the same number; a new one gets a number of its own."""
    head = section() + interface(1, name=b"eth0") + interface(113, name=b"any")
    files = {
        "a": head + enhanced(Taken(NIGHT, b"1", interface=1)),
        "b": head + enhanced(Taken(NIGHT + SECOND, b"2", interface=1)),
        "c": section() + interface(101, name=b"tun0") + enhanced(Taken(NIGHT + 2 * SECOND, b"3")),
    }
    blocks = [block for _, block in capture_points(captures_in(tmp_path, files))]
    assert [packet.interface for packet in packets_of(blocks)] == [1, 1, 2]
    assert [block.link_types for block in blocks] == [(1, 113), (1, 113), (1, 113, 101)]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    """Missing, empty, something else, cut in its header: each is said, the others are read."""
    files = {"picture": b"\x89PNG\r\n\x1a\n" + bytes(40), "empty": b"", "header": taken()[:10], "good": taken(0, 1)}
    captures = [*captures_in(tmp_path, files), CaptureFile(str(tmp_path / "missing"), 4)]
    assert points_of(captures) == {0: ["good"]}
    assert [capture.summary.error is None for capture in captures] == [False, False, False, True, False]
    assert captures[3].summary.packets == 2


def test_a_single_file_that_cannot_be_read_is_said_too(tmp_path: Path) -> None:
    """No exception comes out of the merge."""
    (capture,) = captures_in(tmp_path, {"empty": b""})
    assert list(capture_points([capture])) == []
    assert capture.summary.error == "it is empty"


def test_one_file_given_twice_is_read_once(tmp_path: Path) -> None:
    """Else every request would be seen by two capture points; a warning says so."""
    name = written(tmp_path, taken(0, 1))
    link = tmp_path / "link"
    link.symlink_to(name)
    captures = open_captures([name, name, str(link)])
    assert sum(len(block) for _, block in capture_points(captures)) == 2
    assert captures[0].summary.warning is None
    assert all("given twice" in str(capture.summary.warning) for capture in captures[1:])


def test_a_capture_without_packets_is_read_to_its_end(tmp_path: Path) -> None:
    """Its summary has a format and no error."""
    captures = captures_in(tmp_path, {"none": taken(), "some": taken(5)})
    assert points_of(captures) == {0: ["some"]}
    assert [capture.summary.format for capture in captures] == ["pcap", "pcap"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=6).map(sorted), min_size=1, max_size=5))
def test_no_packet_is_lost_and_no_capture_point_goes_back(tmp_path: Path, files: list[list[int]]) -> None:
    """Any files: every packet once; blocks in order of time; files of one point never overlap."""
    names = {str(row): taken(*(time / 8 for time in times)) for row, times in enumerate(files)}
    captures = captures_in(tmp_path, names, block_packets=1)
    seen = list(capture_points(captures))
    assert sorted((block.capture, block.now_ns) for _, block in seen) == sorted(
        (row, NIGHT + time * SECOND // 8) for row, times in enumerate(files) for time in times
    )
    times = [block.now_ns for _, block in seen]
    assert times == sorted(times)
    for number in {number for number, _ in seen}:
        order = [block.capture for point, block in seen if point == number]
        assert len([row for row, before in zip(order, [None, *order], strict=False) if row != before]) == len(
            set(order)
        )
