"""The frames between driver and supervisor; both ends import this module and nothing else of each other.

A request is `REQUEST` (id, kind, bytes of the candidate's payload, bytes of the test's, CPU seconds, wall
seconds, memory in KiB, bytes of output, processes), then the two payloads. Kind "calls" has the
candidate's alone, "check" both, "null" the test's alone.

An answer is `ANSWER` (id, how it ended, whose end it was, exit status or signal, CPU ms, wall ms, peak
KiB, bytes), then so many raw bytes that the child wrote: hostile input for whoever reads them.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct(">QBIIddQQI")
ANSWER = struct.Struct(">QBBiddQI")
KINDS = ("calls", "check", "null")
ENDS = ("exit", "signal", "memory", "cpu", "wall")
PROCESSES = ("candidate", "test")
