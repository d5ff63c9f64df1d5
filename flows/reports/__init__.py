"""What a run tells: the report of an iteration and of a campaign, charts, cards, the terminal."""
