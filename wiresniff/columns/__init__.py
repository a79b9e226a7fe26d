"""How arrays of bytes are spoken of.

Theory of operation. Thousands of packets lie in one buffer. A header that all of them have is read at once: positions
(`*_at`, one per row) and a layout (a big-endian dtype in wire order) go into `gather`, and out comes a structured array
whose fields have the names that the RFC gives them. Nothing is read before it is known to be there: `enough` says which
rows have their bytes, and only those are gathered. Packed bits are masks; their shifts follow from the masks.

    layout   a wire header as a dtype; packed bits as masks
    gather   bytes at many positions -> columns; the only home of stride tricks

This package knows nothing of packets and imports nothing of wiresniff.
"""
