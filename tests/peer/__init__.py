"""Comparison with rust_circuit 0.4.6, the library whose API this is: a worker process that may die, and circuits sent to it.

Use it in a test module so::

    from tests.peer import PeerDied, needs_peer, peer
    pytestmark = needs_peer

    def test_name(circuit):
        assert peer().describe(circuit)["name"] == circuit.op_name
        assert peer().run("result = circuit.repr()", circuit=circuit) == ...
"""

from tests.peer.client import Peer, PeerDied, PeerError, needs_peer, peer

__all__ = ["Peer", "PeerDied", "PeerError", "needs_peer", "peer"]
