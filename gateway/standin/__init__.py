"""The stand-in model: an OpenAI-compatible server that answers from scripts, for trying and testing."""
