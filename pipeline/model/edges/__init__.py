"""The network of the edge look: a line for each edge of a plate in a rectified view, and its training."""
