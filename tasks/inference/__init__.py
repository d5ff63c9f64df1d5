"""Completions from a language model: an engine in a child process, or recorded ones."""
