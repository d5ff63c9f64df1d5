"""The commands of `flywheel`, a module each; they stand above the flows that they start or read."""
