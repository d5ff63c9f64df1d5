"""Steps (one @task each) and the vocabulary they share; see README, "Layout"."""
