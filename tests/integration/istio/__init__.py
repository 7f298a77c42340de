"""Istio manifests, as an Envoy enforces them."""
