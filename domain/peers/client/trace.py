"""W3C trace context (https://www.w3.org/TR/trace-context/): passed on as it came, begun where there is none.

Passed on with its parent id: nothing here records spans, and an id that no span has would tear the trace apart.
"""

import re
from collections.abc import Mapping
from random import Random

HEADER = "traceparent"
STATE = "tracestate"
_LONGEST_STATE = 512
_FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-[!-~]{0,200})?"
)


def headers(given: Mapping[str, str], random: Random) -> Mapping[str, str]:
    """Both headers of the context; the state of one that is not passed on is dropped with it."""
    parent, state = given.get(HEADER), given.get(STATE, "")
    if parent is None or not is_valid(parent):
        return {HEADER: new(random)}
    return {HEADER: parent} | ({STATE: state} if 0 < len(state) <= _LONGEST_STATE else {})


def is_valid(text: str) -> bool:
    """Later versions may have more behind what this one has."""
    match = _FORM.fullmatch(text)
    if match is None or match["version"] == "ff" or (match["version"] == "00" and match["more"]):
        return False
    return match["trace"].strip("0") != "" and match["parent"].strip("0") != ""


def new(random: Random) -> str:
    """Not sampled: that is for whoever records to decide."""
    return f"00-{_id(random, 128)}-{_id(random, 64)}-00"


def _id(random: Random, bits: int) -> str:
    return format(random.randrange(1, 2**bits), f"0{bits // 4}x")
