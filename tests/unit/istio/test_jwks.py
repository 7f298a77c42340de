"""Sets of public keys: as text, and in the ConfigMap that the cluster mounts."""

import pytest
from ruamel.yaml import YAML

from keytool import configmap, jwks

ONE, TWO, OTHER_ONE = {"kid": "1"}, {"kid": "2", "n": "ä\"'"}, {"kid": "1", "n": "x"}


@pytest.mark.parametrize("entries", [[], [ONE], [ONE, TWO]])
def test_what_is_written_is_read(entries: list[dict[str, str]]) -> None:
    assert jwks.read(jwks.write(entries)) == entries


def test_a_key_is_a_line() -> None:
    before, after = jwks.write([ONE]).splitlines(), jwks.write([ONE, TWO]).splitlines()
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("text", ["", "NO-KEYS-YET", "[]", "{}", '{"keys": {}}', '{"keys": [1]}'])
def test_what_is_no_jwks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        jwks.read(text)


def test_keys_come_and_go_by_their_name() -> None:
    assert jwks.with_key([ONE], TWO) == [ONE, TWO]
    assert jwks.with_key([ONE, TWO], OTHER_ONE) == [TWO, OTHER_ONE]
    assert jwks.without([ONE, TWO], ["1", "3"]) == [TWO]
    assert jwks.kids([ONE, {}, TWO]) == ["1", "a key without kid", "2"]


def test_the_config_map_has_the_file_that_the_service_reads() -> None:
    manifest = YAML(typ="safe", pure=True).load(configmap.write([ONE, TWO]))
    assert manifest["kind"] == "ConfigMap"
    assert manifest["metadata"]["name"] == "user-service-jwks"
    assert manifest["metadata"]["namespace"] == "user-service"
    assert jwks.read(manifest["data"]["jwks.json"]) == [ONE, TWO]
