"""What to believe of a problem's samples: one file a rule, listed in `tasks.filtering.decide`."""
