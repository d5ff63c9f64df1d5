"""A flow that only runs, for tests of serving: it is imported by the name of this module."""

from __future__ import annotations

from prefect import flow


@flow
def tick() -> str:
    """Run at once and end."""
    return "tick"
