#!/usr/bin/env bash
# Writes the .env that docker-compose.yml reads its passwords from: random ones, once. One that is there stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=${1:-.env}
if [ -e "$target" ]; then
  echo "$target is there already; it stays as it is. To have new passwords, remove it and the volumes: docker compose down --volumes" >&2
  exit 0
fi
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
umask 077
{
  echo '# Passwords of docker-compose.yml, made by scripts/compose-env.sh. For this machine alone: never commit it.'
  for name in TEMPORAL_DB_PASSWORD WAREHOUSE_DB_PASSWORD S3_SECRET_KEY METRICS_TOKEN GRAFANA_PASSWORD; do echo "$name=$(random)"; done
  echo '# Addresses of incoming webhooks of Slack, for alerts that wake somebody and for those that can wait. Without them, look at'
  echo '# http://localhost:9093.'
  echo 'ALERTS_ON_CALL_WEBHOOK='
  echo 'ALERTS_TEAM_WEBHOOK='
} >"$target.new"
mv "$target.new" "$target"
echo "$target is written; docker compose reads it." >&2
