"""How near distance and speed come to the statistical limit: `python -m pipeline.post.benchmark --help`."""
