#include "evaluate/groups.h"

#include <algorithm>
#include <map>
#include <set>

#include "circuit/nodes/all.h"

namespace pycircuit {
namespace {

// Joining copies the other operands. It pays where the product does far more work than that, or where all is so small that a call is what
// costs.
constexpr uint64_t kSmallBytes = 256 * 1024;
constexpr uint64_t kManyRows = 64;

bool contains(const Labels& labels, Label label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

bool distinct(Labels labels) {
  std::sort(labels.begin(), labels.end());
  return std::adjacent_find(labels.begin(), labels.end()) == labels.end();
}

// A product seen from one of its operands.
struct Candidate {
  size_t place;  // among the products
  int result, other;
  int64_t size;  // of the axis to join
};
struct Form {
  int64_t joined_axis, result_axis;
  EinsumSpec spec;
  bool shared_first;
  uint64_t rows;  // elements of the result for one element of the joined axis and the other axes of the other operand
};

class Finder {
 public:
  Finder(const Lowered& lowered, const std::vector<int>& products, bool reused, const std::function<bool(int, size_t)>& ready)
      : lowered_(lowered), products_(products), reused_(reused), ready_(ready) {}

  std::vector<ProductGroup> operator()() {
    for (size_t place = 0; place < products_.size(); ++place)
      for (const size_t shared : {size_t{0}, size_t{1}}) add(place, shared);
    std::vector<std::vector<int64_t>> keys;
    for (const auto& [key, members] : members_) keys.push_back(key);
    // Large groups first; among equal ones the earlier.
    std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
      const auto &x = members_.at(a), &y = members_.at(b);
      return x.size() != y.size() ? x.size() > y.size() : x[0].place < y[0].place;
    });
    std::vector<ProductGroup> groups;
    for (const auto& key : keys) make_group(key, groups);
    return groups;
  }

 private:
  void add(size_t place, size_t shared) {
    const int slot = products_[place];
    const auto& einsum = *lowered_.node(slot)->as<Einsum>();
    if (einsum.num_children() != 2) return;
    const Labels &own = einsum.input_labels()[shared], &other = einsum.input_labels()[1 - shared], &out = einsum.out_axes();
    if (!distinct(own) || !distinct(other) || !distinct(out)) return;
    const DeviceDtypeOp& device_dtype = einsum.device_dtype();
    if (!device_dtype.dtype || !device_dtype.device) return;
    for (const auto& child : einsum.children())
      if (child->device_dtype() != device_dtype) return;
    const auto joined =
        std::find_if(other.begin(), other.end(), [&](Label label) { return contains(out, label) && !contains(own, label); });
    if (joined == other.end()) return;

    const auto& operands = lowered_.operands[slot - lowered_.num_leaves()];
    // Labels by first appearance, so that equal products have equal keys; the size of the joined axis may differ.
    std::map<Label, int64_t> numbers;
    std::vector<int64_t> key = {operands[shared], static_cast<int64_t>(shared), static_cast<int64_t>(*device_dtype.dtype),
                                device_dtype.device->index};
    const EinsumSpec spec = einsum.spec();
    for (const Labels* labels : {&own, &other, &out}) {
      key.push_back(-1);
      for (const Label label : *labels) {
        const auto number = numbers.try_emplace(label, static_cast<int64_t>(numbers.size())).first->second;
        key.push_back(number);
        key.push_back(label == *joined ? -2 : spec.size_of(label));
      }
    }
    Form form{joined - other.begin(), std::find(out.begin(), out.end(), *joined) - out.begin(), spec, shared == 0, 1};
    for (const Label label : out)
      if (!contains(other, label)) form.rows = saturating_mul(form.rows, static_cast<uint64_t>(spec.size_of(label)));
    forms_.try_emplace(key, std::move(form));
    members_[key].push_back({place, slot, operands[1 - shared], spec.size_of(*joined)});
  }

  void make_group(const std::vector<int64_t>& key, std::vector<ProductGroup>& groups) {
    const Form& form = forms_.at(key);
    std::vector<Candidate> chosen;
    uint64_t bytes = 0;
    for (const Candidate& each : members_.at(key)) {
      if (grouped_.contains(each.result)) continue;
      // All run where the first would.
      if (!chosen.empty() && !ready_(each.other, chosen[0].place)) continue;
      chosen.push_back(each);
      const Node& other = *lowered_.node(each.other);
      bytes = saturating_add(
          bytes, saturating_mul(numel_saturating(other.shape()), static_cast<uint64_t>(element_size(other.device_dtype().filled().dtype))));
    }
    if (chosen.size() < 2 || (bytes > kSmallBytes && form.rows < kManyRows)) return;
    const bool constant = std::all_of(chosen.begin(), chosen.end(), [&](const Candidate& each) { return lowered_.is_leaf(each.other); });
    if ((!constant || !reused_) && bytes > kSmallBytes) return;
    EinsumSpec spec = form.spec;
    const Label joined = spec.input_ints[form.shared_first ? 1 : 0][form.joined_axis];
    std::vector<int> others, results;
    std::vector<int64_t> sizes;
    int64_t total = 0;
    for (const Candidate& each : chosen) {
      others.push_back(each.other);
      results.push_back(each.result);
      sizes.push_back(each.size);
      total += each.size;
      grouped_.insert(each.result);
    }
    spec.int_sizes[joined] = total;
    groups.push_back({static_cast<int>(key[0]), std::move(others), std::move(results), form.joined_axis, form.result_axis, std::move(sizes),
                      Contraction(spec), form.shared_first});
  }

  const Lowered& lowered_;
  const std::vector<int>& products_;
  const bool reused_;
  const std::function<bool(int, size_t)>& ready_;
  std::map<std::vector<int64_t>, std::vector<Candidate>> members_;
  std::map<std::vector<int64_t>, Form> forms_;
  std::set<int> grouped_;
};

}  // namespace

std::vector<ProductGroup> find_product_groups(const Lowered& lowered, const std::vector<int>& products, bool reused,
                                              const std::function<bool(int, size_t)>& ready) {
  return Finder(lowered, products, reused, ready)();
}

std::vector<Tensor> run_group(const ProductGroup& group, const Tensor& shared, const Tensor& joined) {
  const Tensor all = group.shared_first ? group.contraction({shared, joined}) : group.contraction({joined, shared});
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : group.sizes) {
    parts.push_back(part_along(all, group.result_axis, start, size));
    start += size;
  }
  return parts;
}

}  // namespace pycircuit
