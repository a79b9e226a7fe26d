"""The nouns that pass between stages: plain data and enumerations, no behaviour but totals that add up.

Read in this order: packets, segments, delivery, exchanges, context, verdicts, totals, findings, accounting, audit.
Beside them: anomalies (trouble on the wire that blames no service), limits (every bound), policy (what the
person said), errors (the only exceptions meant for a person).
"""
