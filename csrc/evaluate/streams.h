// Which nodes belong to one piece of a streamed Concat or sum (spec 12, sections 14 and 15).
#pragma once

#include <vector>

#include "evaluate/lower.h"

namespace pycircuit {

// Concats (and streamed sums) with equally many pieces that share work piece by piece run as one stream.
struct StreamGroup {
  std::vector<int> results;              // slots, ascending
  std::vector<std::vector<int>> pieces;  // per piece: the slots that only it needs, ascending
};
struct StreamGroups {
  std::vector<StreamGroup> groups;
  std::vector<int> owner;  // by computed node: the group it belongs to, as a result or in a piece; -1: none
  int shared = 0;          // nodes outside that several pieces use
};
StreamGroups find_streams(const Lowered& lowered);

}  // namespace pycircuit
