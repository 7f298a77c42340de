"""Overlap rotation, decided: which step comes next and not before when, from the state and the time alone.

add    the new key is published beside the old one; nothing is signed with it yet
sign   once every verifier can know the new key, tokens are signed with it
drop   once the last token of the old key has expired, the old key is published no more
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from keytool.errors import RotationRefused, TooEarly


class Step(StrEnum):
    ADD = "add"
    SIGN = "sign"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long verifiers take to learn of a key, a token's longest life, and how much late they still take it."""

    settle: timedelta = timedelta(minutes=5)
    longest_life: timedelta = timedelta(days=1)
    leeway: timedelta = timedelta(minutes=1)

    def longest(self, other: "Policy") -> "Policy":
        """Of each time the longer one."""
        return Policy(
            max(self.settle, other.settle),
            max(self.longest_life, other.longest_life),
            max(self.leeway, other.leeway),
        )


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation under way: `done` is its last step, taken at `since`.

    `managed` tells whether the new private key is in our folder; `manifest` is where the keys are published, too.
    """

    done: Step
    new: str
    old: tuple[str, ...]
    since: datetime
    managed: bool
    policy: Policy
    manifest: Path | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The step that comes next, the first moment for it, and what is waited for until then."""

    step: Step
    due: datetime | None = None
    reason: str = ""


def following(rotation: Rotation | None, last_expiry: Mapping[str, int]) -> Next:
    """`last_expiry` has, for a kid, the second in which the last token known to be signed with it expires."""
    if rotation is None:
        return Next(Step.ADD)
    if rotation.done is Step.ADD:
        return Next(
            Step.SIGN, _whole(rotation.since + rotation.policy.settle), "not every verifier has the new key yet"
        )
    known = max((last_expiry.get(kid, 0) for kid in rotation.old), default=0)
    expired = max(rotation.since + rotation.policy.longest_life, datetime.fromtimestamp(known, UTC))
    return Next(Step.DROP, _whole(expired + rotation.policy.leeway), "tokens of the old key may still be in use")


def allow(step: Step, coming: Next, now: datetime, *, force: bool) -> None:
    """Raises RotationRefused for a step out of its order, and TooEarly, unless forced, for one before its time."""
    if step is not coming.step:
        raise RotationRefused(f"{coming.step} comes next, not {step}: see `rotate_keys.py status`.")
    if coming.due is not None and now < coming.due and not force:
        raise TooEarly(step, coming.reason, coming.due)


def _whole(moment: datetime) -> datetime:
    """The next whole second: what is shown is never earlier than what is meant."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
