"""Pictures with marked corners, as labelling tools write them: read, checked, dealt into splits, shown."""
