"""The keyword lists as package data: one CSV file per risk class; see README.md beside this file."""
