"""Keeps camera passwords out of logs, events and error texts."""
