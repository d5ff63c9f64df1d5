"""From a model's name to its files, and the base model that a workspace starts from."""
