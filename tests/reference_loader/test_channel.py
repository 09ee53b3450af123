"""Frames arrive whole or not at all, and nobody waits for the other side."""

import os
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_loader.channel import Incoming, Outgoing, connected, frame

Ends = tuple[socket.socket, socket.socket]
LARGE = 5_000_000  # more than a connection holds


@pytest.fixture
def ends() -> Iterator[Ends]:
    held, given = connected()
    with held, given:
        yield held, given


def as_bytes(parts: Any) -> list[bytes]:
    return [bytes(part) for part in parts]


def test_a_frame_arrives_part_by_part(ends: Ends) -> None:
    reader, writer = ends
    writer.sendall(frame([b"one", b"", b"three"]) + frame([b"x"]))
    arriving = Incoming(reader)
    assert as_bytes(next(arriving)) == [b"one", b"", b"three"]
    assert as_bytes(next(arriving)) == [b"x"]
    assert next(arriving) is None


@given(
    messages=st.lists(st.lists(st.binary(max_size=9), max_size=4), max_size=4),
    step=st.integers(1, 30),
)
def test_it_does_not_matter_in_which_pieces_frames_arrive(
    messages: list[list[bytes]], step: int
) -> None:
    reader, writer = connected()
    with reader, writer:
        stream = b"".join(map(frame, messages))
        arriving = Incoming(reader)
        seen: list[list[bytes]] = []
        for start in range(0, len(stream), step):
            writer.sendall(stream[start : start + step])
            while (parts := next(arriving)) is not None:
                seen.append(as_bytes(parts))
    assert seen == messages


def test_a_frame_may_have_more_parts_than_a_system_call_takes(ends: Ends) -> None:
    reader, writer = ends
    parts = [b"%d" % number for number in range(3000)]
    writer.sendall(frame(parts))
    assert as_bytes(next(Incoming(reader))) == parts


def test_a_frame_is_a_copy_of_its_parts(ends: Ends) -> None:
    reader, writer = ends
    reused = bytearray(b"first")
    data = frame([reused])
    reused[:] = b"later"
    writer.sendall(data)
    assert as_bytes(next(Incoming(reader))) == [b"first"]


def test_what_was_sent_before_the_end_arrives_and_what_was_cut_off_does_not(ends: Ends) -> None:
    reader, writer = ends
    writer.sendall(frame([b"whole"]) + frame([b"cut off"])[:-1])
    writer.close()
    arriving = Incoming(reader)
    assert as_bytes(next(arriving)) == [b"whole"]
    with pytest.raises(EOFError):
        next(arriving)


def test_an_end_with_unread_data_is_an_end_as_well(ends: Ends) -> None:
    reader, writer = ends
    reader.sendall(b"never read")
    writer.close()
    with pytest.raises(EOFError):
        next(Incoming(reader))


def test_sending_never_waits_and_the_rest_goes_when_there_is_room(ends: Ends) -> None:
    reader, writer = ends
    outgoing = Outgoing(writer)
    outgoing.put(frame([bytes(LARGE)]))
    outgoing.put(frame([b"next"]))
    assert outgoing
    arriving = Incoming(reader)
    seen: list[Any] = []
    while len(seen) < 2:
        outgoing.flush()
        if (parts := next(arriving)) is not None:
            seen.append(parts)
    assert [len(parts[0]) for parts in seen] == [LARGE, 4]
    assert not outgoing


def test_what_nobody_is_left_to_take_is_dropped(ends: Ends) -> None:
    reader, writer = ends
    reader.close()
    outgoing = Outgoing(writer)
    outgoing.put(bytes(LARGE))
    assert not outgoing


def test_a_forked_process_does_not_keep_a_connection_open(ends: Ends) -> None:
    held, given = ends
    leave, stay = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stay)
        os.read(leave, 1)
        os._exit(0)
    held.close()
    select.select([given], [], [], 30)
    with pytest.raises(EOFError):
        next(Incoming(given))
    os.close(stay)
    os.close(leave)
    os.waitpid(child, 0)
