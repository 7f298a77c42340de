"""Pods as members of the mesh: running, with the label of the injector and the credentials that would be mounted."""

from tests.cluster.cluster import Cluster
from tests.cluster.kubectl import KubectlError
from tests.cluster.kubelet import Kubelet
from tests.cluster.waiting import until
from tests.servers.pilot_agent import Credentials, Workload

_MESHED = "security.istio.io/tlsMode=istio"  # the injector says so of every pod that it gives a proxy


async def run_first(cluster: Cluster, kubelet: Kubelet, namespace: str, selector: str) -> Workload:
    """The first pod that matches, running in the mesh from now on."""
    arguments = ("pods", f"--namespace={namespace}", f"--selector={selector}")

    async def made() -> bool:
        return bool(await cluster.kubectl.items(*arguments))

    await until(made, f"a pod of {selector}")
    pod = (await cluster.kubectl.items(*arguments))[0]
    name = pod["metadata"]["name"]
    await cluster.kubectl("label", "pod", name, f"--namespace={namespace}", _MESHED)
    address = await kubelet.run(pod)
    return Workload(name, namespace, pod["spec"]["serviceAccountName"], address, pod["metadata"]["labels"])


async def credentials(cluster: Cluster, namespace: str, service_account: str) -> Credentials:
    """What a pod of that service account has to show istiod; it waits until istiod has published its root."""
    arguments = ("create", "token", service_account, f"--namespace={namespace}", "--audience=istio-ca")
    token = (await cluster.kubectl(*arguments)).strip()
    root = ("configmap", "istio-ca-root-cert", f"--namespace={namespace}")

    async def published() -> bool:
        try:
            return "root-cert.pem" in (await cluster.kubectl.get(*root))["data"]
        except KubectlError:
            return False

    await until(published, f"istiod's root certificate in {namespace}")
    return Credentials(token, (await cluster.kubectl.get(*root))["data"]["root-cert.pem"])
