"""Addresses as people write them."""

import pytest

from domain.peers.address import parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("posts.example:8080", ("posts.example", 8080)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("my_host-1:65535", ("my_host-1", 65535)),
        ("[::1]:80", ("::1", 80)),
        ("[FD00:0::1]:80", ("fd00::1", 80)),
    ],
)
def test_an_address(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not host:port, like posts.example:8080 or [::1]:8080"),
        ("posts", "is not host:port"),
        (":80", "is not host:port"),
        ("posts:", "is not host:port"),
        ("::1:80", "is not host:port"),
        ("posts:٣", "is not host:port"),
        ("http://posts:80", "is not host:port"),
        ("user@posts:80", "is not host:port"),
        ("posts:80/graphql", "is not host:port"),
        ("posts:0", "'posts:0' has the port 0: use one from 1 to 65535"),
        ("posts:65536", "has the port 65536"),
        ("[posts]:80", "posts"),
        ("[]:80", "cannot be empty"),
    ],
)
def test_what_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the reason is compared below)
        parse_address(text)
    assert reason in str(caught.value)
