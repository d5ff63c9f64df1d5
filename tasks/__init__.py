"""Packages by question, each with its step (one `@stage` function) where it has one; imports point down."""

import os

from tasks.core.telemetry import turn_off

turn_off(os.environ)
