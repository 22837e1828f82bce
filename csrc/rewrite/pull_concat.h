// Splitting into Concats and pulling Concats up (spec 10, sections 9.4 and 13).
#pragma once

#include <optional>
#include <vector>

#include "circuit/node.h"

namespace pycircuit {

// 9.4. MiscInputItemOutOfBounds, IndexIndexOutOfBounds, ValueError, ConstructConcatZeroNodes.
NodePtr split_to_concat(const NodePtr& circuit, int64_t axis, const std::vector<Size>& sections);

// 13.1, 13.2; null where nothing is to be pulled.
NodePtr pull_concat_once_raw(const NodePtr& circuit);
NodePtr pull_concat_once(const NodePtr& circuit);
// 13.3
NodePtr deep_pull_concat_messy(const NodePtr& circuit, const std::optional<uint64_t>& min_size = {});
NodePtr deep_pull_concat_new(const NodePtr& circuit, const std::optional<uint64_t>& min_size = {});
NodePtr deep_pull_concat(const NodePtr& circuit, const std::optional<uint64_t>& min_size = {});

}  // namespace pycircuit
