"""Ways round the filter, each tried through the whole gateway."""
