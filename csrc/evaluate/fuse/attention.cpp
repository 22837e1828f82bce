// The recogniser of fused attention (spec 12, section 12).
#include <unordered_set>

#include "evaluate/fuse/attention_call.h"
#include "evaluate/fuse/attention_form.h"
#include "evaluate/fuse/recognisers.h"

namespace pycircuit {

std::optional<Region> recognise_attention(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  std::string reason;
  NodePtr softmax;
  const auto form = attention_form(root, graph, reason, softmax);
  if (!form) {
    if (refusals && softmax && !reason.empty()) refusals->push_back({softmax, "attention", reason});
    return {};
  }
  AttentionCall call = make_attention_call(*form, *root);
  Region region;
  region.fusion = "attention";
  region.root = root;
  std::unordered_set<uint64_t> seen;
  for (const auto& node : form->inner)
    if (seen.insert(node->id()).second) region.inner.push_back(node);
  for (const auto& operand : call.operands)
    if (seen.contains(operand->id())) {
      if (refusals) refusals->push_back({softmax, "attention", "its scores are used twice"});
      return {};
    }
  region.operands = std::move(call.operands);
  region.kernel = std::move(call.kernel);
  region.softmax_nodes = 1;
  region.backend = std::move(call.backend);
  region.workspace_bytes = call.workspace_bytes;
  return region;
}

}  // namespace pycircuit
