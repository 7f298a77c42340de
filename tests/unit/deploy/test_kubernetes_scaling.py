"""Autoscalers and disruption budgets name Deployments and metrics that are there."""

import pytest
from prometheus_client import CollectorRegistry

from domain.settings import Settings
from indexer.pairs import INDEXER
from indexer.status import Status, StatusCollector
from tests.unit.deploy import manifests
from tests.unit.deploy.manifests import BASE, PRODUCTION, container, environment_file
from tests.unit.deploy.project import ROOT

RESOURCES = [*manifests.resources(BASE), *manifests.resources(PRODUCTION)]
PROCESSES = manifests.of_kind(RESOURCES, "Deployment")
AUTOSCALERS = manifests.of_kind(RESOURCES, "HorizontalPodAutoscaler")
BUDGETS = manifests.of_kind(RESOURCES, "PodDisruptionBudget")


@pytest.mark.parametrize("name", ["api", "relay", "indexer"])
def test_a_drained_node_takes_one_pod_at_a_time(name: str) -> None:
    spec = BUDGETS[name]["spec"]
    assert spec["maxUnavailable"] == 1
    selected = [
        other for other, each in PROCESSES.items() if manifests.selects(spec["selector"], manifests.labels(each))
    ]
    assert selected == [name]


@pytest.mark.parametrize("name", list(AUTOSCALERS))
def test_an_autoscaler_has_a_deployment(name: str) -> None:
    spec = AUTOSCALERS[name]["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert name in PROCESSES
    assert 2 <= spec["minReplicas"] < spec["maxReplicas"]


def test_the_api_scales_on_its_cpu() -> None:
    [metric] = AUTOSCALERS["api"]["spec"]["metrics"]
    measured = metric["containerResource"]
    assert (measured["name"], measured["container"]) == ("cpu", container(PROCESSES["api"])["name"])
    assert "cpu" in container(PROCESSES["api"])["resources"]["requests"], "a share of nothing cannot be measured"


def test_the_indexer_scales_on_a_metric_that_it_exports() -> None:
    [metric] = AUTOSCALERS["indexer"]["spec"]["metrics"]
    wanted = metric["external"]["metric"]
    registry = CollectorRegistry()
    registry.register(StatusCollector([Status(INDEXER.name, lag_records=42)]))
    assert registry.get_sample_value(wanted["name"], wanted["selector"]["matchLabels"]) == 42


def test_there_are_never_more_indexers_than_partitions() -> None:
    assert AUTOSCALERS["indexer"]["spec"]["maxReplicas"] == Settings.model_fields["kafka_partitions"].default
    given = [environment_file(folder / "settings.properties") for folder in (BASE, PRODUCTION)]
    assert all("KAFKA_PARTITIONS" not in each for each in given)


def test_the_rule_for_the_adapter_in_the_page_is_that_of_the_metric() -> None:
    page = (ROOT / "docs/kubernetes.md").read_text()
    [metric] = AUTOSCALERS["indexer"]["spec"]["metrics"]
    [rule] = [text for text in page.split("```yaml\n")[1:] if "externalRules" in text]
    [document] = manifests.parse(rule.split("```")[0])
    [external] = document["externalRules"]
    assert external["seriesQuery"].startswith(metric["external"]["metric"]["name"] + "{")
    assert external["resources"]["overrides"]["namespace"] == {"resource": "namespace"}
