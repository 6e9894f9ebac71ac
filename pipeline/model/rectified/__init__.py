"""The small network that moves corners on the rectified plate: what it sees, what it is, and its training."""
