"""Test text -> cases, by syntax alone: styles, fixtures, slices, conditions, bounded evaluation."""
