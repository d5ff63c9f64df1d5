"""Usage statistics of the libraries below this project: off, here and in every process started from here.

Prefect asks for its collector's address at the first import in a terminal and its server every ten minutes,
vLLM at every engine, TRL and the hub's client at every trainer: so this must come before any of them is
imported, and the package imports it first.
"""

from __future__ import annotations

from collections.abc import MutableMapping

SWITCH = "DO_NOT_TRACK"
# What each library reads; Prefect's server knows only a variable of its own.
OFF: dict[str, str] = {
    SWITCH: "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_ALLOWED = ("0", "false", "no")


def turn_off(environment: MutableMapping[str, str]) -> None:
    """Turn usage statistics off in an environment. What it says already stays, and one that says
    `DO_NOT_TRACK=0` is left as it is: then every library does as it does by itself."""
    if environment.get(SWITCH, "").strip().lower() not in _ALLOWED:
        for name, value in OFF.items():
            environment.setdefault(name, value)
