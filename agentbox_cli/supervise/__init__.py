"""Child processes: spawned so that they die with their parent, watched, restarted."""
