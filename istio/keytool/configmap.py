"""The ConfigMap that brings the published keys to the service: deploy/overlays/production mounts it."""

from keytool import jwks

_TEMPLATE = """\
# Written by the scripts in istio/: public keys only. kubectl apply -f it together with request-auth.yaml.
apiVersion: v1
kind: ConfigMap
metadata:
  name: user-service-jwks
  namespace: user-service
  labels:
    app.kubernetes.io/name: user-service
data:
  jwks.json: |
"""


def write(entries: jwks.Entries) -> str:
    """The manifest's text."""
    return _TEMPLATE + "".join(f"    {line}\n" for line in jwks.write(entries).splitlines())
