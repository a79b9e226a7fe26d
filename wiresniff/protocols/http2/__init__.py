"""HTTP/2 (RFC 9113), read by one who may have come late."""
