# calls: f(1)
# outcome: value []
# correct: hard limits cannot be raised, nor can those of PID 1 be changed

import resource


def f(x):
    raised = []
    for name in [name for name in dir(resource) if name.startswith("RLIMIT_")]:
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        for attempt in (
            lambda: resource.setrlimit(limit, (hard + 1, hard + 1)),
            lambda: resource.prlimit(1, limit, (0, 0)),
        ):
            try:
                if hard != resource.RLIM_INFINITY:
                    attempt()
                    raised.append(name)
            except (OSError, ValueError):
                pass
    return raised
