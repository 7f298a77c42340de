"""Peers as a person reads them: a line an instance, below a line a peer."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graph.peers.asking import Peer

NOTHING = "There are no peers: PEERS names none."
_COLUMNS = ("instance", "state", "latency", "in flight", "requests", "failed")


def show(console: Console, peers: Sequence[Peer]) -> None:
    """Print `peers`, each as `asking.QUERY` has it."""
    if not peers:
        console.print(NOTHING, markup=False)
    for peer in peers:
        console.print(Text(headline(peer)), soft_wrap=True)
        if peer["instances"]:
            console.print(_table(peer))


def headline(peer: Peer) -> str:
    """The peer in a line: its circuit, and what is wrong with it."""
    told = [f"circuit {_words(peer['circuit'])}"]
    if peer["retryAfter"] is not None:
        told.append(f"asked again in {peer['retryAfter']:.1f} s")
    if not peer["instances"]:
        told.append("no instance is known")
    if peer["panic"]:
        told.append("too few instances are well, all are asked")
    if peer["lookupError"]:
        told.append(f"the last look failed: {peer['lookupError']}")
    return f"{peer['name']} ({peer['url']}): {'; '.join(told)}"


def _table(peer: Peer) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(_COLUMNS):
        table.add_column(name, justify="left" if number < 2 else "right", overflow="fold")
    for each in peer["instances"]:
        latency = "-" if each["latency"] is None else f"{each['latency'] * 1000:.1f} ms"
        counts = (str(each[name]) for name in ("inFlight", "requests", "failures"))
        table.add_row(*map(Text, (each["address"], _words(each["state"]), latency, *counts)))
    return table


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
