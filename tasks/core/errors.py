"""The one error that users see: a sentence with its cause and the next step, never a traceback."""

from __future__ import annotations


class FlywheelError(Exception):
    """A wrong input or a missing part. Its text names the cause and what to do next."""


class SandboxFault(FlywheelError):  # noqa: N818 (the field calls it a fault)
    """The sandbox broke (not the program in it): container lost, daemon gone, frames unreadable."""
