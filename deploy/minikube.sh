#!/usr/bin/env bash
# Deploys one version of the service, with MongoDB, Kafka and Elasticsearch of its own, into a running minikube, waits until
# all of it is ready, and prints its address. Run again it changes what differs, and nothing if nothing does.
#
#   TAG=1.2.3 deploy/minikube.sh
#
# Variables:
#   TAG               the image's version; required
#   IMAGE             the image's name (user-service). One with a registry, such as docker.io/you/user-service, is pulled;
#                     one without has to be in minikube already:
#                       docker build --build-arg APP_VERSION=1.2.3 --tag user-service:1.2.3 .
#                       minikube image load user-service:1.2.3
#   TIMEOUT           seconds until everything has to be ready (600); the first time, images have to be pulled
#   MINIKUBE_PROFILE  which minikube (minikube); no other cluster is ever touched
#
# Exit codes: 0 it runs, 1 it could not be deployed, 2 a variable or an argument is wrong.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
namespace=user-service
image=${IMAGE:-user-service}
profile=${MINIKUBE_PROFILE:-minikube}
timeout=${TIMEOUT:-600}
work=

help() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"
}

# fail CODE MESSAGE
fail() {
  echo "$2" >&2
  exit "$1"
}

kube() {
  kubectl --context "$profile" --namespace "$namespace" "$@"
}

check_variables() {
  local tag='^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$'
  local word='[a-z0-9]+([._-]+[a-z0-9]+)*'
  [[ -n ${TAG:-} ]] || fail 2 "TAG is not set. Say which version: TAG=1.2.3 deploy/minikube.sh"
  [[ $TAG =~ $tag ]] || fail 2 "TAG '$TAG' is no tag of an image: letters, digits, '.', '_' and '-', such as 1.2.3."
  [[ $TAG != latest ]] || fail 2 "TAG latest is no version: it would never be rolled out again. Say a number, such as 1.2.3."
  [[ $image =~ ^$word(:[0-9]+)?(/$word)*$ ]] || fail 2 "IMAGE '$image' is no name of an image; its version belongs in TAG."
  [[ $timeout =~ ^[1-9][0-9]{0,5}$ ]] || fail 2 "TIMEOUT '$timeout' is no number of seconds."
  [[ $profile =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]] || fail 2 "MINIKUBE_PROFILE '$profile' is no name of a profile."
}

check_tools() {
  local tool
  for tool in minikube kubectl; do
    command -v "$tool" >/dev/null || fail 1 "$tool is not installed, or not on the PATH."
  done
  minikube --profile "$profile" status >/dev/null 2>&1 ||
    fail 1 "minikube '$profile' does not run. Start it: minikube --profile $profile start --cpus 4 --memory 6g"
}

# A name without a registry is never pulled: Docker Hub would be asked for an image of its own.
check_image() {
  [[ $image != */* ]] || return 0
  local images
  images=$(minikube --profile "$profile" image ls) || fail 1 "minikube '$profile' does not list its images."
  grep -Eq "(^|/)$image:${TAG//./\\.}$" <<<"$images" ||
    fail 1 "minikube '$profile' has no image $image:$TAG. Put it there: minikube --profile $profile image load $image:$TAG"
}

# The overlay with this image; a copy, so that no tracked file changes.
apply() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp -R "$here" "$work/deploy"
  cat >"$work/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deploy/overlays/minikube]
images:
- name: user-service
  newName: "$image"
  newTag: "$TAG"
YAML
  kube --request-timeout 60s apply --kustomize "$work" || fail 1 "The cluster refused the manifests: see above."
}

# The servers first: until they are there the service waits, or ends and is started again.
wait_for_all() {
  local what left
  for what in statefulset/{mongodb,elasticsearch,kafka} deployment/{api,relay,indexer}; do
    left=$((timeout - SECONDS))
    ((left > 0)) || left=1
    kube rollout status "$what" --timeout "${left}s" || explain "$what"
  done
}

explain() {
  kube --request-timeout 30s get pods --output wide >&2 || true
  fail 1 "$1 is not ready after $SECONDS s. Look at it: kubectl --context $profile --namespace $namespace describe $1"
}

print_address() {
  local port address
  port=$(kube --request-timeout 30s get service user-service --output 'jsonpath={.spec.ports[0].nodePort}')
  address=$(minikube --profile "$profile" ip)
  cat <<TEXT

user-service $TAG is ready:

  http://$address:$port/graphql

Where that cannot be reached (Docker on macOS or Windows), http://localhost:8000/graphql is the same while this runs:

  kubectl --context $profile --namespace $namespace port-forward service/user-service 8000:80

A token:

  kubectl --context $profile --namespace $namespace exec deployment/api -- python -m graph token --scope user:admin
TEXT
}

case ${1:-} in
  -h | --help) help && exit 0 ;;
  ?*) fail 2 "'$1' is no argument of this script; TAG=1.2.3 deploy/minikube.sh --help tells what is." ;;
esac
check_variables
check_tools
check_image
apply
wait_for_all
print_address
