#include "evaluate/streams.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "circuit/nodes/all.h"

namespace pycircuit {
namespace {

constexpr int kUnset = -2, kOutside = -1;

class Finder {
 public:
  explicit Finder(const Lowered& lowered) : lowered_(lowered), count_(lowered.computed.size()) {}

  StreamGroups operator()() {
    StreamGroups found;
    found.owner.assign(count_, kOutside);
    const bool any =
        std::any_of(lowered_.computed.begin(), lowered_.computed.end(), [&](const NodePtr& node) { return may_stream(*node); });
    if (!any) return found;
    find_levels();
    assign_owners();
    collect(found);
    return found;
  }

 private:
  // A piece: which stream (a computed number) and which place in it.
  struct Piece {
    int stream = kUnset;
    int place = 0;
  };

  bool may_stream(const Node& node) const {
    if (node.num_children() < 2 || numel_saturating(node.shape()) == 0) return false;
    if (lowered_.streamed_sums.contains(node.id())) return true;
    if (node.kind() != Kind::Concat) return false;
    const DeviceDtypeOp& first = node.child()->device_dtype();
    if (!first.dtype || !first.device) return false;
    return std::all_of(node.children().begin(), node.children().end(),
                       [&](const NodePtr& child) { return child->device_dtype() == first; });
  }

  int number_of(int slot) const { return slot - lowered_.num_leaves(); }

  // How many streams, one after the other, a node depends on: what depends on a stream must not run inside it.
  void find_levels() {
    level_.assign(count_, 0);
    for (size_t i = 0; i < count_; ++i) {
      for (const int operand : lowered_.operands[i])
        if (!lowered_.is_leaf(operand)) level_[i] = std::max(level_[i], level_[number_of(operand)]);
      if (may_stream(*lowered_.computed[i])) ++level_[i];
    }
  }

  int find(int stream) {
    while (parent_[stream] != stream) stream = parent_[stream] = parent_[parent_[stream]];
    return stream;
  }

  bool joinable(int a, int b) const {
    return level_[a] == level_[b] && lowered_.computed[a]->num_children() == lowered_.computed[b]->num_children();
  }

  void contribute(int number, Piece piece) {
    Piece& own = owners_[number];
    if (own.stream == kUnset) {
      own = piece;
    } else if (own.stream != kOutside) {
      if (piece.stream == kOutside || own.place != piece.place) {
        own.stream = kOutside;
      } else if (find(own.stream) != find(piece.stream)) {
        if (joinable(find(own.stream), find(piece.stream))) {
          parent_[find(piece.stream)] = find(own.stream);
        } else {
          own.stream = kOutside;
        }
      }
    }
  }

  // Users before operands: a node belongs to a piece if all its users do.
  void assign_owners() {
    owners_.assign(count_, {});
    parent_.resize(count_);
    std::iota(parent_.begin(), parent_.end(), 0);
    for (const int output : lowered_.outputs)
      if (!lowered_.is_leaf(output)) owners_[number_of(output)].stream = kOutside;
    for (size_t i = count_; i-- > 0;) {
      const Piece own = owners_[i];
      const bool streams = own.stream == kOutside && may_stream(*lowered_.computed[i]);
      for (size_t k = 0; k < lowered_.operands[i].size(); ++k) {
        const int operand = lowered_.operands[i][k];
        if (!lowered_.is_leaf(operand)) contribute(number_of(operand), streams ? Piece{static_cast<int>(i), static_cast<int>(k)} : own);
      }
    }
  }

  void collect(StreamGroups& found) {
    std::map<int, StreamGroup> groups;  // by representative
    for (size_t i = 0; i < count_; ++i)
      if (owners_[i].stream == kOutside && may_stream(*lowered_.computed[i])) {
        StreamGroup& group = groups[find(static_cast<int>(i))];
        group.results.push_back(lowered_.num_leaves() + static_cast<int>(i));
        group.pieces.resize(lowered_.computed[i]->num_children());
      }
    for (size_t i = 0; i < count_; ++i)
      if (owners_[i].stream >= 0)
        groups.at(find(owners_[i].stream)).pieces[owners_[i].place].push_back(lowered_.num_leaves() + static_cast<int>(i));
    for (auto& [representative, group] : groups) {
      const auto busy = std::count_if(group.pieces.begin(), group.pieces.end(), [](const auto& piece) { return !piece.empty(); });
      if (busy < 2) continue;
      const int number = static_cast<int>(found.groups.size());
      for (const int result : group.results) found.owner[number_of(result)] = number;
      for (const auto& piece : group.pieces)
        for (const int slot : piece) found.owner[number_of(slot)] = number;
      found.shared += count_shared(group, found.owner, number);
      found.groups.push_back(std::move(group));
    }
  }

  int count_shared(const StreamGroup& group, const std::vector<int>& owner, int number) const {
    std::map<int, int> pieces_using;
    for (const auto& piece : group.pieces) {
      std::set<int> used;
      for (const int slot : piece)
        for (const int operand : lowered_.operands[number_of(slot)])
          if (!lowered_.is_leaf(operand) && owner[number_of(operand)] != number) used.insert(operand);
      for (const int slot : used) ++pieces_using[slot];
    }
    return static_cast<int>(std::count_if(pieces_using.begin(), pieces_using.end(), [](const auto& entry) { return entry.second > 1; }));
  }

  const Lowered& lowered_;
  const size_t count_;
  std::vector<int> level_, parent_;
  std::vector<Piece> owners_;
};

}  // namespace

StreamGroups find_streams(const Lowered& lowered) { return Finder(lowered)(); }

}  // namespace pycircuit
