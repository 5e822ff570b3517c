"""Judged flow log records -> counts, disagreements with AWS, the summary, a table, records of their own."""
