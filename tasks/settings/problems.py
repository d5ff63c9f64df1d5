"""Settings of where problems come from."""

from __future__ import annotations

from pydantic import Field

from tasks.settings.base import SettingsModel


class ProblemSettings(SettingsModel):
    """Where problems come from."""

    statements: str = Field(
        "builtin",
        description="JSONL file of statements (problem_id, statement, entry_point, signature), "
        "'builtin' for the shipped file, 'mbpp-train' for the texts of MBPP train, '' for none.",
    )
    max_statements: int = Field(
        60, ge=0, le=100_000, description="At most so many statements, drawn by seed."
    )
    seed_snippets: str = Field(
        "stdlib",
        description="Folder of Python files that inspire proposed problems, 'stdlib' for the "
        "interpreter's own, or 'dataset:NAME' for a Hugging Face dataset with a text column.",
    )
    propose: int = Field(8, ge=0, le=100_000, description="Problems the model is asked to propose.")
    repeat_statements: bool = Field(
        True, description="Statements of earlier iterations return when no unused ones are left."
    )
    near_duplicate: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity of word 3-grams that makes a near-duplicate."
    )
