"""Audit: exchanges -> verdicts, totals per service pair, findings."""
