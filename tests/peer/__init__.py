"""Comparison with rust_circuit 0.4.6, the library whose API this is: a worker process that may die, and circuits sent to it.

Use it in a test module so::

    from tests.peer import PeerDied, needs_peer, peer
    pytestmark = needs_peer

    def test_name(circuit):
        assert peer().describe(circuit)["name"] == circuit.op_name
        assert peer().run("result = circuit.repr()", circuit=circuit) == ...
        ours, theirs = both("result = [node.shape for node in ordered(rc.substitute_all_modules(circuit))]", circuit=circuit)
        assert ours == theirs
"""

from tests.peer.client import Peer, PeerDied, PeerError, both, needs_peer, peer, plain

__all__ = ["Peer", "PeerDied", "PeerError", "both", "needs_peer", "peer", "plain"]
