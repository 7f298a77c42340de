"""resolv.conf as the C library reads it."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.peers.dns.config import DnsConfig, Nameserver, parse, read

POD = """\
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
"""


def test_a_pods() -> None:
    assert parse(POD) == DnsConfig(
        (Nameserver("10.96.0.10"),),
        search=("default.svc.cluster.local", "svc.cluster.local", "cluster.local"),
        ndots=5,
        timeout=timedelta(seconds=5),
        attempts=2,
    )


def test_every_part() -> None:
    comments = "# a comment\n; another\nnameserver 10.0.0.1 # trailing\n"
    config = parse(f"{comments}nameserver fd00::1\noptions timeout:3 attempts:4 rotate\n")
    assert config.nameservers == (Nameserver("10.0.0.1"), Nameserver("fd00::1"))
    assert (config.timeout, config.attempts, config.ndots) == (timedelta(seconds=3), 4, 1)


def test_the_last_of_search_and_domain_counts() -> None:
    assert parse("search a b\ndomain c\n").search == ("c",)
    assert parse("domain c\nsearch a b\n").search == ("a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nameserver",
        "nameserver example.org",
        "options",
        "options ndots:x timeout: attempts:-1",
        "\x00\xff",
        "search",
    ],
)
def test_lines_that_mean_nothing_are_passed_over(text: str) -> None:
    assert parse(text) == DnsConfig()


def test_values_are_capped_and_at_least_useful() -> None:
    config = parse("options ndots:99 timeout:999 attempts:99\n")
    assert (config.ndots, config.timeout, config.attempts) == (15, timedelta(seconds=30), 5)
    config = parse("options timeout:0 attempts:0 ndots:0\n")
    assert (config.ndots, config.timeout, config.attempts) == (0, timedelta(seconds=1), 1)


def test_three_nameservers_are_asked() -> None:
    assert len(parse("".join(f"nameserver 10.0.0.{n}\n" for n in range(1, 9))).nameservers) == 3


def test_without_a_file_the_server_on_this_machine_is_asked(tmp_path: Path) -> None:
    assert read(tmp_path / "missing").nameservers == (Nameserver("127.0.0.1"),)
    (tmp_path / "resolv.conf").write_text(POD)
    assert read(tmp_path / "resolv.conf").ndots == 5


def test_a_nameserver_is_written_as_in_an_url() -> None:
    assert str(Nameserver("fd00::1")) == "[fd00::1]:53"
    assert str(Nameserver("10.0.0.1", 5353)) == "10.0.0.1:5353"
