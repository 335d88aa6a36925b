"""What operators reach over HTTP: the API of the management plane."""
