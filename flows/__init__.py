"""The story: what happens, in which order."""

# Before anything here imports Prefect: it turns usage statistics off.
import tasks as tasks
