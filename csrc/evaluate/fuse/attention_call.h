// The kernel of a fused attention: from the operands of its form to one of the back ends (spec 12, 12.2).
#pragma once

#include <string>

#include "evaluate/fuse/attention_form.h"

namespace pycircuit {

struct AttentionCall {
  Kernel kernel;
  NodePtrs operands;
  std::string backend;  // the one expected
  uint64_t workspace_bytes = 0;
};

AttentionCall make_attention_call(const AttentionForm& form, const Node& root);

}  // namespace pycircuit
