// A hook by which the core prints without knowing of an interpreter.
#pragma once

#include <string>

namespace pycircuit {

// Prints one or more lines through the installed hook, which may throw; nothing without one.
void print_line(const std::string& text);
void install_output_hook(void (*hook)(const std::string& text));

}  // namespace pycircuit
