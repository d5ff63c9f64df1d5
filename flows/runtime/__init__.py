"""What flows stand on: server, checks before a run, names and ends of runs, errors in one sentence."""
