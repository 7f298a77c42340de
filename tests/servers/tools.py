"""What the cluster tests run that is written in Go."""

from tests.servers.golang import GoTool

_KUBERNETES = "1.36.1"  # what that version of Istio is built with
_VERSION = "-X k8s.io/component-base/version."

KUBERNETES = GoTool(
    "kubernetes",
    _KUBERNETES,
    programs={
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    },
    files={"swagger.json": "k8s.io/kubernetes:api/openapi-spec/swagger.json"},
    ldflags=f"{_VERSION}gitVersion=v{_KUBERNETES} {_VERSION}gitMajor=1 {_VERSION}gitMinor=36",
)
ISTIO = GoTool(
    "istio",
    "1.31-20260827",
    programs={
        "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
        "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
        "istioctl": "istio.io/istio/istioctl/cmd/istioctl",
    },
    files={
        "crds.yaml": "istio.io/istio:manifests/charts/base/files/crd-all.gen.yaml",
        "envoy_bootstrap.json": "istio.io/istio:tools/packaging/common/envoy_bootstrap.json",
    },
)
COREDNS = GoTool("coredns", "1.15.0", programs={"coredns": "."})
LINTERS = GoTool(
    "linters",
    "1",
    programs={
        "actionlint": "github.com/rhysd/actionlint/cmd/actionlint",
        "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
    },
)

TOOLS = (LINTERS, COREDNS, ISTIO, KUBERNETES)
"""The quick ones first."""
