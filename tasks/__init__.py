"""Steps (one @task each) and the vocabulary they share; see README, "Layout"."""

import os

from tasks.core.telemetry import turn_off

turn_off(os.environ)
