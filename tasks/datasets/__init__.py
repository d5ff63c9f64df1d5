"""From kept problems to training rows: rows and pairs of both roles, row filters, collection, lineage."""
