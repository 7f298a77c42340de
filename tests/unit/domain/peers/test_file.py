"""Instances that a file lists."""

import os
from pathlib import Path

import pytest

from domain.peers.file import LOOK_EVERY, MAX_BYTES, FileResolver, parse_lines
from domain.peers.instance import Instance
from domain.peers.resolver import MAX_INSTANCES, ResolutionFailed


def test_lines() -> None:
    text = "# instances\n\nposts-1:80\n  [::1]:81 1 20  # the spare one\r\nposts-1:82 0 0"
    assert parse_lines(text) == [Instance("posts-1", 80), Instance("::1", 81, 1, 20), Instance("posts-1", 82, 0, 0)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("posts", "line 2: 'posts' is not host:port, like posts.example:8080 or [::1]:8080"),
        ("posts:0", "line 2: 'posts:0' has the port 0: use one from 1 to 65535"),
        ("posts:80 1", "line 2: 'posts:80 1' is not `host:port` or `host:port priority weight`"),
        ("posts:80 1 2 3", "line 2: 'posts:80 1 2 3' is not `host:port` or `host:port priority weight`"),
        ("posts:80 -1 2", "line 2: the priority '-1' is not a number from 0 to 65535"),
        ("posts:80 1 65536", "line 2: the weight '65536' is not a number from 0 to 65535"),
        ("posts:80 1 ٣", "line 2: the weight '٣' is not a number from 0 to 65535"),
        ("first:80 1 1", "line 2: first:80 is in line 1 already"),
    ],
)
def test_a_bad_line_is_named(line: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the reason is compared below)
        parse_lines(f"first:80\n{line}\n")
    assert str(caught.value) == reason


def test_too_many_lines() -> None:
    with pytest.raises(ValueError, match=f"list at most {MAX_INSTANCES}"):
        parse_lines("".join(f"posts:{port}\n" for port in range(1, MAX_INSTANCES + 2)))


async def _addresses(resolver: FileResolver) -> set[str]:
    return {instance.address for instance in (await resolver.resolve()).instances}


async def _failure(resolver: FileResolver) -> str:
    with pytest.raises(ResolutionFailed) as caught:
        await resolver.resolve()
    return caught.value.reason


async def test_a_change_is_read(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    path.write_text("posts-1:80\n")
    resolver = FileResolver(path)
    assert await _addresses(resolver) == {"posts-1:80"}
    assert (await resolver.resolve()).ttl == LOOK_EVERY
    path.write_text("posts-2:80\n")
    assert await _addresses(resolver) == {"posts-2:80"}


async def test_a_file_put_in_its_place_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "posts", tmp_path / "other"
    path.write_text("posts-1:80\n")
    other.write_text("posts-2:80\n")
    for each in (path, other):
        os.utime(each, (1, 1))
    resolver = FileResolver(path)
    assert await _addresses(resolver) == {"posts-1:80"}
    other.replace(path)
    assert await _addresses(resolver) == {"posts-2:80"}


async def test_an_unchanged_file_is_not_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    path.write_text("posts-1:80\n")
    resolver = FileResolver(path)
    assert await resolver.resolve() is await resolver.resolve()


async def test_an_empty_file_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    path.write_text("# none today\n")
    assert await _addresses(FileResolver(path)) == set()


async def test_what_cannot_be_read_teaches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    resolver = FileResolver(path)
    assert await _failure(resolver) == "it cannot be read (No such file or directory)"
    path.write_bytes(b"\xff\xfe")
    assert await _failure(resolver) == "it is not UTF-8 text"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert await _failure(resolver) == f"it is larger than {MAX_BYTES} bytes"
    path.write_text("posts-1\n")
    for _ in range(2):
        assert (await _failure(resolver)).startswith("line 1: ")
    path.write_text("posts-1:80\n")
    assert await _addresses(resolver) == {"posts-1:80"}
    assert "cannot be read" in await _failure(FileResolver(tmp_path))
