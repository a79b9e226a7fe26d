"""Addresses to service names.

A server is called what the policy says, else what it was asked for, else what its endpoint is known as, else its
address; `names.Names` holds this order as a table. A client is called what it is as a server, which may be learned
after its first request: names are cheap to ask for, so whoever keeps totals keys them by raw identity and asks again
at the end. Everything outside (no policy, no private range: `places`) is one client, `external`.

What a name is never made of: an ephemeral port; the Host of a client from outside (unless the policy has that host);
a Host that is an address or could not be a host name.
"""
