"""What people and schedules start: hunts, from their file to their results."""
