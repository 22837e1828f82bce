#include "text/print_options.h"

#include "circuit/measure.h"
#include "text/references.h"

namespace pycircuit {

PrintReferences::PrintReferences(Items items) {
  if (items.empty()) return;
  std::vector<std::string_view> identifiers;
  for (const auto& item : items) identifiers.push_back(item.second);
  check_distinct_identifiers(identifiers);
  auto table = std::make_shared<Table>();
  for (auto& [node, identifier] : items) {
    const auto [place, fresh] = table->by_id.emplace(node->id(), table->items.size());
    if (fresh)
      table->items.emplace_back(std::move(node), std::move(identifier));
    else
      table->items[place->second].second = std::move(identifier);
  }
  table_ = std::move(table);
}

const PrintReferences::Items& PrintReferences::items() const {
  static const Items none;
  return table_ ? table_->items : none;
}

const std::string* PrintReferences::find(const Node& node) const {
  if (!table_) return nullptr;
  const auto found = table_->by_id.find(node.id());
  return found == table_->by_id.end() ? nullptr : &table_->items[found->second].second;
}

void PrintOptions::validate() const {
  const auto refuse = [](bool condition, const char* a, const char* b) {
    if (condition) fail(ErrorId::RuntimeError, std::string("PrintOptions: ") + a + " and " + b + " cannot be combined");
  };
  refuse(bijection && leaves_on_top, "bijection", "leaves_on_top");
  refuse(bijection && traversal.has_value(), "bijection", "traversal (pass bijection=False)");
  refuse(bijection && seen_children_same_line, "bijection", "seen_children_same_line");
  refuse(bijection && tensor_index_literal, "bijection", "tensor_index_literal");
  refuse(bijection && number_leaves, "bijection", "number_leaves");
  refuse(seen_children_same_line && comment_arg_names, "seen_children_same_line", "comment_arg_names");
  refuse(seen_children_same_line && !commenters.empty(), "seen_children_same_line", "commenters");
}

PrintOptions PrintOptions::debug_default(std::optional<uint32_t> end_depth) {
  PrintOptions options;
  options.bijection = false;
  options.shape_only_when_necessary = false;
  if (end_depth) options.traversal = new_traversal({std::nullopt, end_depth});
  return options;
}

std::string size_threshold_comment(const NodePtr& node, uint64_t threshold) {
  if (node->kind() == Kind::Array) return "";
  const BigUint size = numel(node->shape());
  return size > BigUint(threshold) ? colored(oom_fmt(size), 0) : "";
}

std::string dtype_comment(const NodePtr& node, bool only_arrays) {
  if (only_arrays && node->kind() != Kind::Array) return "";
  return node->device_dtype().dtype ? std::string(to_text(*node->device_dtype().dtype)) : "";
}

}  // namespace pycircuit
