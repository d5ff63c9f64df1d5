"""What a model is asked and answers: problems, prompts, parsers, samples, diversity, decontamination."""
