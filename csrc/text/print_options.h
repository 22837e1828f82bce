// Options of printed text (spec 06, section 2).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "circuit/node.h"
#include "match/matcher.h"
#include "text/color.h"

namespace pycircuit {

using Commenter = std::function<std::string(const NodePtr&)>;

// Circuits that print as an identifier only, in the order given. Distinct identifiers.
class PrintReferences {
 public:
  PrintReferences() = default;
  // A circuit given twice has the last identifier. ReferenceCircDuplicateIdentifier.
  explicit PrintReferences(std::vector<std::pair<NodePtr, std::string>> items);

  using Items = std::vector<std::pair<NodePtr, std::string>>;
  const Items& items() const;
  const std::string* find(const Node& node) const;  // null where the node is none of them

 private:
  struct Table {
    Items items;
    std::unordered_map<uint64_t, size_t> by_id;
  };
  std::shared_ptr<const Table> table_;  // null: none
};

struct PrintOptions {
  bool bijection = true;
  PrintReferences reference_circuits;
  bool shape_only_when_necessary = true;
  MaybeMatcher traversal;  // nothing: everything is printed
  bool leaves_on_top = false;
  bool arrows = false;
  bool force_use_serial_numbers = false;
  bool number_leaves = false;
  Colorer colorer;
  bool comment_arg_names = false;
  std::vector<Commenter> commenters;
  bool sync_tensors = false;
  bool seen_children_same_line = false;
  bool only_child_below = false;
  bool tensor_index_literal = false;
  bool show_all_named_axes = false;
  std::optional<std::string> tensor_save_dir;

  // RuntimeError for the combinations of section 2.1.
  void validate() const;
  static PrintOptions debug_default(std::optional<uint32_t> end_depth = 2);
};

// "[31m17[0m" for big nodes that are not Arrays, else "".
std::string size_threshold_comment(const NodePtr& node, uint64_t threshold);
std::string dtype_comment(const NodePtr& node, bool only_arrays);

}  // namespace pycircuit
