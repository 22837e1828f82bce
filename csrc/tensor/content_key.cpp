// Content keys and the weak per-tensor cache (spec 02, section 8).
#include "tensor/content_key.h"

#include <ATen/ops/aminmax.h>

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "tensor/aten.h"

namespace pycircuit {
namespace {

using Range = std::optional<std::pair<int64_t, int64_t>>;

// In-place operations bump the version counter; the data pointer catches `x.data = y` and `x.set_(...)`, which need not.
struct Stamp {
  uint32_t version = 0;
  const void* data = nullptr;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(c10::TensorImpl& impl) {
  return {impl.is_inference() ? 0 : impl.version_counter().current_version(), impl.numel() ? impl.data() : nullptr};
}

struct Entry {
  c10::weak_intrusive_ptr<c10::TensorImpl> tensor;  // keeps the address from being reused, not the storage
  Stamp stamp;
  std::optional<Hash> key;
  std::optional<Range> range;
};

// Sharded by address, so that threads rarely meet. Entries of dead tensors are swept when a shard has doubled since its last sweep.
class TensorCache {
 public:
  // Runs `use(entry)` under the shard's lock with the tensor's entry, which is null unless it is up to date or `create`.
  template <class Use>
  auto with_entry(const Tensor& tensor, bool create, Use&& use) {
    c10::TensorImpl* impl = TensorAccess::impl(tensor);
    const Stamp stamp = stamp_of(*impl);
    Shard& shard = shards_[(reinterpret_cast<uintptr_t>(impl) >> 6) % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    auto found = shard.entries.find(impl);
    if (found != shard.entries.end() && found->second.stamp != stamp) {
      found->second.stamp = stamp;
      found->second.key.reset();
      found->second.range.reset();
    }
    if (found == shard.entries.end() && create) {
      if (shard.entries.size() >= shard.sweep_at) sweep(shard);
      auto owner = c10::intrusive_ptr<c10::TensorImpl>::reclaim_copy(impl);
      found = shard.entries.emplace(impl, Entry{c10::weak_intrusive_ptr<c10::TensorImpl>(owner), stamp, {}, {}}).first;
    }
    return use(found == shard.entries.end() ? nullptr : &found->second);
  }

 private:
  static constexpr size_t kFirstSweep = 64;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<const void*, Entry> entries;
    size_t sweep_at = kFirstSweep;
  };
  static void sweep(Shard& shard) {
    std::erase_if(shard.entries, [](const auto& item) { return item.second.tensor.expired(); });
    shard.sweep_at = std::max(kFirstSweep, 2 * shard.entries.size());
  }
  std::array<Shard, 16> shards_;
};

TensorCache& cache() {
  static auto* const instance = new TensorCache;  // never destroyed: tensors may outlive static destruction
  return *instance;
}

std::string_view dtype_tag(DType dtype) {
  switch (dtype) {
    case DType::int8:
      return "int8---";
    case DType::int16:
      return "int16--";
    case DType::int32:
      return "int32--";
    case DType::int64:
      return "int64--";
    case DType::uint8:
      return "uint8--";
    case DType::boolean:
      return "bool---";
    default:
      return to_text(dtype);
  }
}

std::string header(const Tensor& tensor) {
  std::string out = "c3c5ce3e-7d06-4939-8340-2a7e6b2984b4";
  for (const Size size : tensor.shape())
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<uint64_t>(size) >> shift & 0xff);
  out += "fb782993-5fe7-43ac-acc2-d57fb429c2fc";
  out += dtype_tag(tensor.dtype());
  out += to_text(tensor.device());
  return out + "9430f5c7-3c58-4339-b863-5449a4d74ee6";
}

Hash compute_key(const Tensor& tensor) {
  check_supported(tensor);
  const auto values = to_aten(tensor).detach().resolve_conj().resolve_neg().cpu().contiguous();
  return blake3_parallel(header(tensor), values.const_data_ptr(), values.nbytes());
}

constexpr int64_t kSmall = 1 << 14;

Range compute_range(const Tensor& tensor) {
  const auto values = to_aten(tensor).detach();
  if (values.numel() == 0) return std::nullopt;
  if (values.is_cpu() && values.scalar_type() == at::kLong && values.dim() > 0 && values.numel() < kSmall) {
    // Row by row: torch takes longer to begin.
    const auto rows = values.numel() / values.size(-1), stride = values.stride(-1);
    auto low = std::numeric_limits<int64_t>::max(), high = std::numeric_limits<int64_t>::min();
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t* data = values.const_data_ptr<int64_t>();
      int64_t place = row;
      for (int64_t axis = values.dim() - 1; axis-- > 0;) {
        data += place % values.size(axis) * values.stride(axis);
        place /= values.size(axis);
      }
      for (int64_t i = 0; i < values.size(-1); ++i) {
        low = std::min(low, data[i * stride]);
        high = std::max(high, data[i * stride]);
      }
    }
    return std::pair(low, high);
  }
  const auto [low, high] = values.aminmax();
  return std::pair(low.item<int64_t>(), high.item<int64_t>());
}

Range range_of(const Tensor& tensor, bool remember) {
  const auto known = cache().with_entry(tensor, remember, [](const Entry* entry) { return entry ? entry->range : std::nullopt; });
  if (known) return *known;
  const Range range = compute_range(tensor);
  cache().with_entry(tensor, remember, [&](Entry* entry) {
    if (entry) entry->range = range;
  });
  return range;
}

}  // namespace

Hash Tensor::content_key() const {
  if (!defined()) fail(ErrorId::RuntimeError, "an undefined tensor has no content key");
  check_supported(*this);
  const auto known = cache().with_entry(*this, false, [](const Entry* entry) { return entry ? entry->key : std::nullopt; });
  if (known) return *known;
  const Hash key = compute_key(*this);  // outside the lock: large tensors take a while
  set_content_key(*this, key);
  return key;
}

void set_content_key(const Tensor& tensor, const Hash& key) {
  cache().with_entry(tensor, true, [&](Entry* entry) { entry->key = key; });
}

Range value_range(const Tensor& tensor) { return range_of(tensor, false); }
Range remembered_value_range(const Tensor& tensor) { return range_of(tensor, true); }

}  // namespace pycircuit
