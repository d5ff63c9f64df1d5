"""What happens in an iteration, a campaign, an evaluation, and in which order."""

# Before anything here imports Prefect: it turns usage statistics off.
import tasks as tasks
