"""What was spent: the record of every attempt."""
