// A hook by which long passes notice Ctrl-C without knowing of an interpreter.
#pragma once

namespace pycircuit {

// Calls the installed hook, which may throw; cheap, meant for every few thousand steps of a loop.
void poll_interrupt();
void install_interrupt_hook(void (*hook)());

}  // namespace pycircuit
