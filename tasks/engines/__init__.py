"""The two expensive machines behind small interfaces: the sampler and the sandbox."""
