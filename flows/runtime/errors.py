"""One sentence instead of a traceback, and what must be settled before Prefect is imported."""

from __future__ import annotations

import errno
import logging
import os
import warnings

from tasks.core.errors import FlywheelError
from tasks.settings.renamed import RenamedSettingWarning


def explain(error: BaseException) -> str | None:
    """One sentence for an error that a user can act on; None for a bug of ours."""
    if isinstance(error, FlywheelError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "the disk is full: free some space and run the same command again; a run keeps what it finished."
        )
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return f"{error.filename} lies on a disk that is read-only: choose a folder that you may write."
    if isinstance(error, PermissionError):
        return f"no permission for {error.filename}: choose a folder that you may write."
    if isinstance(error, MemoryError):
        return "out of memory: lower sampling.shard_problems or training.micro_batch_size."
    if type(error).__module__.startswith("pydantic"):
        from pydantic import ValidationError

        from tasks.settings.loading import explain_validation

        return explain_validation(error) if isinstance(error, ValidationError) else None
    return None


class _OneSentence(logging.Filter):
    """Prefect logs a failed task's traceback; a user's error is told by the command itself, once."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        text = explain(error) if error else None
        if text is not None:
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = "stopped: %s", (text,)
        return True


_ONE_SENTENCE = _OneSentence()


def tell_in_one_sentence() -> None:
    """Keep users' errors to one sentence in Prefect's logs, whoever started the run."""
    for name in ("prefect.task_runs", "prefect.flow_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_ONE_SENTENCE)


def warn_in_one_sentence() -> None:
    """Have a setting's old name told as the command's other words are, without a place in the code."""
    usual = warnings.formatwarning

    def format_warning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if issubclass(category, RenamedSettingWarning):
            return f"flywheel: {message}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = format_warning


def prepare_prefect() -> None:
    """Settle what must be settled before Prefect is imported, and keep users' errors to one sentence."""
    # Two runs on one machine write to one SQLite file: wait for the other instead of failing.
    os.environ.setdefault("PREFECT_SERVER_DATABASE_TIMEOUT", "60")
    tell_in_one_sentence()
