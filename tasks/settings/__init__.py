"""Every setting of an iteration, described and bounded: a module a section, presets, loading."""
