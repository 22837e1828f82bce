#include "evaluate/evaluate.h"

#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "evaluate/schedule.h"

namespace pycircuit {
namespace {

// The first node below that lacks the flag although all its children have it.
template <class Flag>
std::string blocking_node(const NodePtr& circuit, Flag&& flag) {
  for (const auto& node : post_order(circuit))
    if (!flag(*node)) return describe(*node);
  return describe(*circuit);
}

}  // namespace

void check_evaluable(const NodePtr& circuit) {
  if (!circuit->is_explicitly_computable())
    fail(ErrorId::TensorEvalNotExplicitlyComputable,
         describe(*circuit) + " cannot be evaluated because of " +
             blocking_node(circuit, [](const Node& node) { return node.is_explicitly_computable(); }) +
             "; bind its symbols (module_new_bind), sample its variables (Sampler) or estimate its cumulants first",
         circuit_payload(circuit));
  if (!circuit->is_constant())
    fail(ErrorId::TensorEvalNotConstant,
         describe(*circuit) + " is random because of " + blocking_node(circuit, [](const Node& node) { return node.is_constant(); }) +
             "; sample it first",
         circuit_payload(circuit));
}

Tensor evaluate(const NodePtr& circuit) {
  check_evaluable(circuit);
  return compile_and_run({substitute_all_modules(circuit)}, {}).front();
}

}  // namespace pycircuit
