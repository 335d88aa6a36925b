"""How the shipped keyword lists are made: a development tool, which the product does not import."""
