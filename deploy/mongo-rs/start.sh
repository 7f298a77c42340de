#!/bin/bash
# Runs mongod as the only member of a replica set; arguments are mongod's. Beside it, the set is initiated.
set -euo pipefail
cd "$(dirname "$0")"

initiate() {
  until mongosh --quiet "mongodb://127.0.0.1:27017/?directConnection=true" --file initiate.js; do
    sleep 1
  done
}

initiate &
exec docker-entrypoint.sh mongod --replSet "$REPLICA_SET" --bind_ip_all "$@"
