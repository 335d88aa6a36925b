"""One module per wire format, all with the same small interface."""
