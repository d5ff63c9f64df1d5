"""Generated programs run in warm hardened containers: the pool, a container, a program's run, the image."""
