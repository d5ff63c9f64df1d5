"""What everything stands on: records, plain data, tables, JSON lines, statistics, errors, Python source."""
