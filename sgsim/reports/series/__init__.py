"""Counts over time and between parties, kept batch by batch in numpy: what ``sgsim report`` draws."""
