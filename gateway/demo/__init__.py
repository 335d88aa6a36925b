"""The demonstration: a stand-in model, a gateway in front of it, and a tour of prompts through both."""
