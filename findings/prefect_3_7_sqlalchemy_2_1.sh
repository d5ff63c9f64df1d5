#!/usr/bin/env bash
# Prefect 3.7.7 accepts SQLAlchemy 2.1 ("<3.0.0,>=2.0"), but its scheduler does not work with it: a deployment whose
# schedule is active never gets a scheduled run, and no client is told. The server's log alone says "Can't evaluate bulk
# DML statement". With SQLAlchemy 2.0 the same deployment has runs within seconds. So users bound SQLAlchemy below 2.1.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes some minutes; needs pip and a Python 3.11 to 3.13.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$work"
}
trap cleanup EXIT
python=${PYTHON:-python3}
"$python" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip install -q "$@" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }; }

cat >"$work/ask.py" <<'PYTHON'
import datetime
import time
import urllib.request

from prefect import flow, get_client
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.settings import PREFECT_API_URL

@flow
def tick():
    pass

for _ in range(240):
    try:
        urllib.request.urlopen(f"{PREFECT_API_URL.value()}/health", timeout=3)
        break
    except OSError:
        time.sleep(0.5)
with get_client(sync_client=True) as client:
    every = IntervalSchedule(interval=datetime.timedelta(seconds=10))
    client.create_deployment(
        flow_id=client.create_flow(tick),
        name="every-ten-seconds",
        schedules=[DeploymentScheduleCreate(schedule=every, active=True)],
    )
    runs = []
    # The scheduler looks for new deployments every five seconds.
    for _ in range(25):
        runs = client.read_flow_runs()
        if runs:
            break
        time.sleep(1)
print(len(runs))
PYTHON

scheduled() {  # scheduled runs within 25 seconds, with the SQLAlchemy of that version
    pip "prefect==3.7.7" "fastapi==0.136.3" "sqlalchemy==$1"
    export PREFECT_HOME=$work/home-$1 PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
    local port
    port=$("$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$work/venv/bin/python" -m prefect server start --host 127.0.0.1 --port "$port" >"$work/server-$1.log" 2>&1 &
    server=$!
    runs=$(PREFECT_API_URL=http://127.0.0.1:$port/api "$work/venv/bin/python" "$work/ask.py")
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
    echo "Prefect 3.7.7, SQLAlchemy $1: $runs scheduled runs"
    grep -m1 -o "Can't evaluate bulk DML statement" "$work/server-$1.log" | sed 's/^/  the server: /' || true
}

scheduled 2.1.9
with_newer=$runs
scheduled 2.0.58
[ "$with_newer" = 0 ] && [ "$runs" -gt 0 ] || { echo "this has changed" >&2; exit 1; }
