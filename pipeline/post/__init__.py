"""From plate corners to passages: plate formats, pose, distance and speed with intervals, tracks."""
