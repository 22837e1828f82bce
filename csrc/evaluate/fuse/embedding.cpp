// Rows of an embedding gathered at sampled tokens (spec 12, section 5): the tokens are taken out of the data (sampled rows, slices), and
// the embedding's rows at them, in one step; a summand after or before the gathered rows (positions) is added in the same pass.
#include <ATen/Parallel.h>

#include <algorithm>

#include "circuit/nodes/all.h"
#include "evaluate/fuse/pattern.h"
#include "evaluate/fuse/recognisers.h"
#include "tensor/aten.h"
#include "tensor/general_function.h"
#include "tensor/positions.h"
#include "tensor/views.h"

namespace pycircuit {
namespace {

constexpr std::string_view kName = "embedding";
constexpr int64_t kBytesPerPart = 1 << 16;

// Whether the function takes rows: whatever stands at some positions of the first axis.
const GenIndexSpec* row_gather(const NodePtr& node) {
  const auto* function = node->as<GeneralFunction>();
  if (!function || function->spec()->kind() != FunctionKind::Index) return nullptr;
  const auto& spec = static_cast<const GenIndexSpec&>(*function->spec());
  const NodePtr x = below_tags(node->child(0));
  const bool at_start = x->rank() > 0 && (spec.index_dim == 0 || spec.index_dim == -x->rank());
  return at_start && !(spec.batch_x && spec.batch_index) ? &spec : nullptr;
}

// out[i] = table[positions[i]], plus the summand's row i (counted from the start again after its last) where there is one.
template <class Real>
void gather_rows(const at::Tensor& table, const at::Tensor& positions, const at::Tensor& summand, const at::Tensor& out) {
  const int64_t* from = positions.const_data_ptr<int64_t>();
  const int64_t width = table.size(0) == 0 ? 0 : table.numel() / table.size(0), period = summand.numel() / std::max<int64_t>(width, 1);
  const Real* rows = table.const_data_ptr<Real>();
  const Real* added = summand.const_data_ptr<Real>();
  Real* target = out.mutable_data_ptr<Real>();
  const int64_t grain = std::max<int64_t>(1, kBytesPerPart / std::max<int64_t>(1, width * static_cast<int64_t>(sizeof(Real))));
  at::parallel_for(0, width == 0 ? 0 : positions.numel(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Real* row = rows + from[i] * width;
      const Real* plus = added + i % period * width;
      Real* to = target + i * width;
      for (int64_t k = 0; k < width; ++k) to[k] = row[k] + plus[k];
    }
  });
}

// Whether the summand is, in memory, the last so many whole rows of every repetition.
bool repeats_rows(const at::Tensor& summand, const at::Tensor& table, at::IntArrayRef shape) {
  const auto rank = static_cast<size_t>(summand.dim());
  const auto row_rank = static_cast<size_t>(table.dim() - 1);
  return summand.is_contiguous() && rank >= row_rank && rank <= shape.size() && summand.numel() > 0 &&
         summand.sizes() == shape.slice(shape.size() - rank);
}

at::Tensor gather(const at::Tensor& table, const at::Tensor& positions, const at::Tensor& summand, at::IntArrayRef shape) {
  const bool one_pass = summand.defined() && table.is_cpu() && table.is_contiguous() && repeats_rows(summand, table, shape) &&
                        (table.scalar_type() == at::kFloat || table.scalar_type() == at::kDouble);
  if (one_pass) {
    at::Tensor out = views::empty(shape, table);
    if (table.scalar_type() == at::kFloat) {
      gather_rows<float>(table, positions, summand, out);
    } else {
      gather_rows<double>(table, positions, summand, out);
    }
    return out;
  }
  at::Tensor out = rows_at(table, positions);
  return summand.defined() ? out.add_(summand) : out;
}

}  // namespace

std::optional<Region> recognise_embedding(const NodePtr& root, const FusionGraph& graph, Refusals* refusals) {
  if (is_empty(root) || !is_floating_or_open(root)) return std::nullopt;
  NodePtr rows = root, summand;
  if (root->kind() == Kind::Add && root->num_children() == 2)
    for (const size_t i : {0, 1}) {
      const NodePtr part = below_tags(root->child(i)), other = below_tags(root->child(1 - i));
      if (!row_gather(part) || part->shape() != root->shape()) continue;
      if (!graph.is_private(part)) return refuse(refusals, root, kName, describe(*part) + " is used elsewhere too");
      rows = part;
      summand = other;
      break;
    }
  const GenIndexSpec* spec = row_gather(rows);
  if (!spec) return std::nullopt;
  const NodePtr table = below_tags(rows->child(0));
  // Down to the data that tokens are sampled from.
  NodePtr tokens = below_tags(rows->child(1));
  NodePtrs picks;
  while (tokens->kind() == Kind::Index && graph.is_private(tokens)) {
    picks.push_back(tokens);
    tokens = below_tags(tokens->child());
  }
  if (picks.empty() && !summand) return std::nullopt;
  const auto fits = [](const NodePtr& node) { return is_floating_or_open(node); };
  if (!fits(table) || (summand && !fits(summand))) return std::nullopt;
  RegionParts parts{kName, root, {table}, 1, std::move(picks), {}, 0, {}};
  if (summand) {
    parts.required_inner.push_back(rows);
    if (!same(summand, table)) parts.operands.push_back(summand);
    parts.num_unified = parts.operands.size();
  }
  if (same(tokens, table) || (summand && same(tokens, summand))) return std::nullopt;
  parts.operands.push_back(tokens);
  // The positions, as int64.
  parts.workspace_bytes = saturating_mul(24, numel_saturating(below_tags(rows->child(1))->shape()));
  parts.kernel = [adds = static_cast<bool>(summand), check_ints = spec->check_index_ints, name = spec->name(), size = table->shape()[0],
                  shape = root->shape()](std::vector<at::Tensor>& values, const std::vector<const IndexElements*>& indices) {
    Tensor picked = from_aten(values.back());
    for (const IndexElements* elements : indices) picked = apply_index(picked, *elements);
    const at::Tensor positions = checked_positions(to_aten(picked), size, false, check_ints, values[0].device(), name).contiguous();
    return gather(values[0], positions, adds ? values[values.size() - 2] : at::Tensor(), shape);
  };
  return make_region(std::move(parts), graph, refusals);
}

}  // namespace pycircuit
