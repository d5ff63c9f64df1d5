"""The story: what happens, in which order."""
