"""Rooms by question, each with its step (one `@stage` function) where it has one; arrows point down."""

import os

from tasks.core.telemetry import turn_off

turn_off(os.environ)
