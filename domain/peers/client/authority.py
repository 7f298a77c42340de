"""What a peer is called in requests: its service's name, while connections go to its instances' addresses."""

from urllib.parse import urlsplit


def authority(url: str) -> str | None:
    """`posts.default.svc` of `srv://_graphql._tcp.posts.default.svc`; None: each instance by its own address.

    A mesh finds the rules for a request by this name, and a certificate has it.
    """
    parts = urlsplit(url)
    if parts.scheme != "srv":
        return None
    labels = (parts.hostname or "").rstrip(".").split(".")
    while labels and labels[0].startswith("_"):
        labels.pop(0)
    return ".".join(labels) or None
