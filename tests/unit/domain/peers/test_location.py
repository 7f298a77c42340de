"""The URL of a peer."""

from pathlib import Path

import pytest

from domain.peers.dns.resolver import SrvResolver
from domain.peers.file import FileResolver
from domain.peers.instance import Instance
from domain.peers.location import resolver_for


async def test_a_list() -> None:
    resolution = await resolver_for("static://posts-1:80, posts-2:81,[::1]:82").resolve()
    assert resolution.instances == {Instance("posts-1", 80), Instance("posts-2", 81), Instance("::1", 82)}
    assert resolution.ttl is None


async def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "the posts"
    path.write_text("posts-1:80\n")
    resolver = resolver_for(path.as_uri())
    assert isinstance(resolver, FileResolver)
    assert (await resolver.resolve()).instances == {Instance("posts-1", 80)}


@pytest.mark.parametrize(
    "url",
    [
        "srv://_graphql._tcp.posts.default.svc",
        "srv://_graphql._tcp.posts.example.",
        "srv://_graphql._tcp.posts.service.consul?nameserver=127.0.0.1:8600&nameserver=[::1]:8600",
    ],
)
def test_a_name(url: str) -> None:
    assert isinstance(resolver_for(url), SrvResolver)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "'' cannot be the URL of a peer. Write srv://"),
        ("posts:80", "cannot be the URL of a peer. Write"),
        ("https://posts", "cannot be the URL of a peer. Write"),
        ("SRV://posts", "cannot be the URL of a peer. Write"),
        ("srv://", "a DNS name is missing"),
        ("srv://a..b", "'a..b' is not a DNS name"),
        ("srv://posts:80", "'posts:80' has more than a name: SRV records have the ports"),
        ("srv://posts/graphql", "has more than a name"),
        ("srv://posts?ttl=1", "there is no parameter 'ttl'"),
        ("srv://posts?nameserver", "bad query field"),
        ("srv://posts?nameserver=", "'' is not host:port"),
        ("srv://posts?nameserver=10.0.0.1", "'10.0.0.1' is not host:port"),
        ("srv://posts?nameserver=dns.example:53", "the nameserver 'dns.example' is not an IP address"),
        ("static://", "'' is not host:port"),
        ("static://posts:80,", "'' is not host:port"),
        ("static://posts:80,posts:80", "names an instance twice"),
        ("file://posts", "it needs three slashes and an absolute path"),
        ("file:///", "it needs three slashes and an absolute path"),
    ],
)
def test_what_is_none_is_refused_and_the_forms_are_shown(url: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the reason is compared below)
        resolver_for(url)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(
        "Write srv://_graphql._tcp.posts.default.svc, static://host:port,host:port or file:///path."
    )
