"""What is believed: rules of agreement, the step, the audit."""
