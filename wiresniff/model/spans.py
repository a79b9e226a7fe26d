"""What spans cost."""

SPAN_BYTES = 500
"""What one span takes in OTLP before compression: 24 bytes of ids, 18 of times, a name of 20, and a dozen attributes of
some 35 bytes each. Stores need more for their indexes, and compress to less."""
