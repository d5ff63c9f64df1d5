# calls: f(1)
# outcome: value 1
# correct: caches of modules, patterns, lines and types end with their process

import collections
import functools
import importlib
import linecache
import re
import sys


def f(x):
    re._cache.clear()
    re.compile = lambda *args: None
    linecache.cache["<solution>"] = (1, None, ["poisoned"], "poisoned")
    collections.Counter.__getitem__ = lambda self, key: "poisoned"
    functools.WRAPPER_ASSIGNMENTS = ()
    sys.path_importer_cache.clear()
    sys.meta_path.clear()
    importlib.invalidate_caches()
    sys.setrecursionlimit(40)
    sys.setswitchinterval(1e-6)
    return x
