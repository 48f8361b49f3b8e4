"""Answer over HTTP from a bundle alone."""
