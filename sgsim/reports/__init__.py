"""Verdicts -> what people and programs read: records, counts, the summary, a table, an answer.

Nothing is imported here: ``sgsim query`` prints its answer without numpy or rich.
"""
