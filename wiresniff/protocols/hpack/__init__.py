"""HPACK (RFC 7541), decoded even by one who came late."""
