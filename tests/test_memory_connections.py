"""What a connection costs that stays open and is asked something now and then."""

import gc
import tracemalloc

from builders import Clock, Conversation, packet_block, request, response

from wiresniff.pipeline import Pipeline

CONNECTIONS = 40
HEALTHY = "00-4bf92f3577b34da6a3ce929d0e0e{:04x}-00f067aa0ba9{:04x}-01"


def test_a_connection_costs_the_same_however_many_requests_it_had() -> None:
    """A keep-alive connection lives for weeks: nothing is remembered of it that nobody will ask for."""
    clock = Clock(step_ns=1000)
    talks = [Conversation((f"10.0.0.{number}", 40000), ("10.1.0.1", 80), clock) for number in range(CONNECTIONS)]
    pipeline = Pipeline(judges=False, quarantines=False)

    def ask(times: int) -> int:
        for number in range(times):
            clock.wait(1)
            for talk in talks:
                talk.client_sends(request("GET", "/", fields=[("traceparent", HEALTHY.format(number, number))]))
                talk.server_sends(response(200, body=b"{}"))
                talk.client_acks()
            packets = sorted((each for talk in talks for each in talk.packets), key=lambda packet: packet.time_ns)
            for talk in talks:
                talk.packets.clear()
            pipeline.feed(0, packet_block(packets))
        pipeline.growth()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = ask(80)
        after = ask(80)
    finally:
        tracemalloc.stop()
    assert after - before < 1024 * CONNECTIONS
