"""The schemas for kubeconform refuse what the API server would drop or refuse."""

from typing import Any

from tests.cluster.schemas import custom, names, strict


def test_a_schema_that_lists_its_properties_is_closed_wherever_it_does() -> None:
    schema = {"properties": {"spec": {"type": "array", "items": {"properties": {"a": {"type": "string"}}}}}}
    assert strict(schema) == {
        "additionalProperties": False,
        "properties": {
            "spec": {
                "type": "array",
                "items": {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
            }
        },
    }


def test_maps_and_free_objects_stay_open() -> None:
    for schema in (
        {"properties": {}, "additionalProperties": {"type": "string"}},
        {"properties": {}, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object"},
    ):
        assert strict(schema) == schema


def test_a_property_may_be_called_properties() -> None:
    inner = {"properties": {"type": "object"}}
    assert strict({"properties": inner}) == {"additionalProperties": False, "properties": inner}


def test_the_core_group_says_its_version_twice() -> None:
    definitions = {
        "core.Pod": {"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}]},
        "apps.Deployment": {
            "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}]
        },
        "not.a.kind": {},
    }
    assert names(definitions) == {"pod-v1-v1.json": "core.Pod", "deployment-apps-v1.json": "apps.Deployment"}


def test_every_version_of_a_custom_resource_has_a_schema_with_the_fields_of_any_object() -> None:
    version: dict[str, Any] = {"schema": {"openAPIV3Schema": {"properties": {"spec": {"properties": {}}}}}}
    crd = {
        "spec": {
            "group": "a.example",
            "names": {"kind": "Thing"},
            "versions": [{"name": "v1", **version}, {"name": "v2", **version}],
        }
    }
    schemas = custom([crd])
    assert sorted(schemas) == ["thing-a.example-v1.json", "thing-a.example-v2.json"]
    assert set(schemas["thing-a.example-v1.json"]["properties"]) == {"spec", "apiVersion", "kind", "metadata"}
    assert schemas["thing-a.example-v1.json"]["additionalProperties"] is False
