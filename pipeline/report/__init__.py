"""The report of a replay: one HTML page with every passage's track, residuals, distance and speed."""
