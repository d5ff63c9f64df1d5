"""Test text -> cases, by syntax alone: styles, fixtures, slices, conditions, safe evaluation."""
