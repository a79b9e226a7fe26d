"""HPACK (RFC 7541), decoded even by one who came late.

Theory of operation. Both ends of a direction keep the same dynamic table. The encoder adds entries and refers to them
by index, and the newest entry always has the lowest dynamic index, 62 (RFC 7541 2.3.3). So an index says how many
entries were added *since* the one that is meant, and nothing else: not how many there are, not how large they are.
Whoever saw the last k entries being added knows what the first k indices mean, whatever was there before. Eviction
takes the oldest entries only, a size update likewise, and an entry larger than the table empties it, after which
nothing that was in it is referred to again: none of these moves an index that is still in use. That is why an append-
only window of entries (`window`) resolves every reference to one of them exactly, even when the size of the table is
not known.

A reference further back is `Unresolved`, and keeps the identity of its entry: the epoch, and the position counted from
its beginning, which stays the same while indices move on. A literal that takes only its name from there has its value;
it may be added to the table, and then the entry has that position for a name. `Decoder.learn_name` gives positions
names, for entries already added too.

What a window can't survive is bytes that were not seen: they may have added entries, and then every index is off. So
after each gap, each block cut short and each error a new epoch begins, with an empty window and an unknown size.

Evictions are followed as far as they can be known, to bound memory and to tell nonsense: with the whole connection seen
the table is exact, and a reference beyond it is an error. Joined late, the first size update makes the size known; once
the entries seen leave no room in it for an older one (32 octets at the least), the table is known whole. The window is
bounded beside that (`limits.HEADER_WINDOW_BYTES`); what falls out has its position, zero or above, and is unresolved.

`decoder` reads fields, `primitives` integers and strings, `huffman` the code. Nothing raises at the wire: an error ends
the block with a word of `undecodable`, and what stands before it is right. Blocks must come in wire order, those of
pushed, refused and reset streams too. Names and values are bytes as sent; whether they are well-formed isn't judged.
"""

from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.fields import Field, HeaderBlock, Unresolved
from wiresniff.protocols.hpack.undecodable import Undecodable

__all__ = ["Decoder", "Field", "HeaderBlock", "Undecodable", "Unresolved"]
