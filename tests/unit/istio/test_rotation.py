"""Which step comes next, and when: from state and time alone."""

from datetime import UTC, datetime, timedelta

import pytest

from keytool import state
from keytool.errors import RotationRefused, TooEarly
from keytool.rotation import Next, Policy, Rotation, Step, allow, following
from keytool.state import State

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
POLICY = Policy(settle=timedelta(minutes=5), longest_life=timedelta(hours=1), leeway=timedelta(minutes=1))


def rotation(done: Step, since: datetime = NOON) -> Rotation:
    return Rotation(done=done, new="new", old=("old",), since=since, managed=True, policy=POLICY)


def test_first_a_key_is_added() -> None:
    assert following(None, {"old": 1}) == Next(Step.ADD)


def test_it_signs_when_verifiers_know_it() -> None:
    assert following(rotation(Step.ADD), {}).step is Step.SIGN
    assert following(rotation(Step.ADD), {}).due == NOON + timedelta(minutes=5)


def test_the_old_one_goes_after_the_longest_life_and_the_leeway() -> None:
    assert following(rotation(Step.SIGN), {}).step is Step.DROP
    assert following(rotation(Step.SIGN), {}).due == NOON + timedelta(minutes=61)


def test_a_token_that_is_known_to_live_longer_is_waited_for() -> None:
    expiry = int((NOON + timedelta(days=3)).timestamp())
    assert following(rotation(Step.SIGN), {"old": expiry}).due == NOON + timedelta(days=3, minutes=1)
    assert following(rotation(Step.SIGN), {"new": expiry}).due == NOON + timedelta(minutes=61)


def test_what_is_shown_is_never_before_what_is_meant() -> None:
    late = rotation(Step.ADD, NOON + timedelta(microseconds=1))
    assert following(late, {}).due == NOON + timedelta(minutes=5, seconds=1)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("next_step", list(Step))
def test_no_step_out_of_its_order_by_force_either(step: Step, next_step: Step) -> None:
    if step is next_step:
        allow(step, Next(next_step), NOON, force=False)
        return
    with pytest.raises(RotationRefused, match=f"^{next_step} comes next, not {step}"):
        allow(step, Next(next_step), NOON, force=True)


def test_no_step_before_its_time_unless_forced() -> None:
    coming = Next(Step.DROP, NOON, "old tokens")
    allow(Step.DROP, coming, NOON, force=False)
    early = NOON - timedelta(seconds=1)
    with pytest.raises(TooEarly) as refusal:
        allow(Step.DROP, coming, early, force=False)
    assert str(refusal.value) == (
        "drop comes next, but not before 2026-11-25T12:00:00Z: old tokens. --force does it now."
    )
    allow(Step.DROP, coming, early, force=True)


def test_the_state_is_read_as_it_was_written() -> None:
    known = State(last_expiry={"old": 5}, rotation=rotation(Step.SIGN))
    assert state.read(state.write(known)) == known
    assert state.read(state.write(State())) == State()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"rotation": {}}', b'{"last_expiry": {"a": "soon"}}'])
def test_a_damaged_state_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        state.read(content)


def test_a_time_without_its_zone_is_refused() -> None:
    naive = state.write(State(rotation=rotation(Step.ADD))).replace(b"12:00:00Z", b"12:00:00")
    with pytest.raises(ValueError, match="zone"):
        state.read(naive)


def test_the_last_expiry_of_a_key_only_grows() -> None:
    known = State().with_token("a", 5).with_token("a", 3).with_token("b", 1)
    assert known.last_expiry == {"a": 5, "b": 1}
