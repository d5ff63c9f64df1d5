"""How a step runs and where its results lie: workspace, stage, artifacts with their curves."""
