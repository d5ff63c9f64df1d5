"""Every solution on every call: the step, determinism (two seeds, two orders), verdicts, exchange files."""
