"""The management plane's API for whoever runs the gateway."""
