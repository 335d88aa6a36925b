"""The rows, by group and style, and the script that checks them."""
