"""The typed input of each operation."""
