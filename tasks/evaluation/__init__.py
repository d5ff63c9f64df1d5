"""What a model can do: labelled problems, reference runs, negatives, scores, metrics, the gate."""
