#include "base/spare_blocks.h"

#include <cstdlib>
#include <new>

namespace pycircuit {
namespace {

constexpr size_t kStep = 16, kSizes = 24;
#ifdef __SANITIZE_ADDRESS__
constexpr uint32_t kMost = 0;  // a dropped block is to be seen as dropped
#else
constexpr uint32_t kMost = 4096;
#endif

class SpareBlocks {
 public:
  void* take(size_t place) {
    Block* block = first_[place];
    if (!block) return nullptr;
    first_[place] = block->next;
    --count_[place];
    return block;
  }
  bool keep(void* memory, size_t place) {
    if (closed_ || count_[place] == kMost) return false;
    first_[place] = new (memory) Block{first_[place]};
    ++count_[place];
    return true;
  }
  void close() {
    closed_ = true;
    for (Block*& first : first_)
      while (Block* block = first) {
        first = block->next;
        std::free(block);
      }
  }

 private:
  struct Block {
    Block* next;
  };
  Block* first_[kSizes] = {};
  uint32_t count_[kSizes] = {};
  bool closed_ = false;  // the thread is ending
};

SpareBlocks& spare_blocks() {
  // Two objects, since objects may die after the destructors of thread_local ones have run.
  thread_local constinit SpareBlocks blocks;
  thread_local struct Closer {
    ~Closer() { blocks.close(); }
    bool used = false;
  } closer;
  closer.used = true;
  return blocks;
}

}  // namespace

void* take_block(size_t size) {
  const size_t place = (size - 1) / kStep;
  if (place < kSizes)
    if (void* block = spare_blocks().take(place)) return block;
  void* block = std::malloc((place + 1) * kStep);
  if (!block) throw std::bad_alloc();
  return block;
}

void give_block(void* block, size_t size) {
  const size_t place = (size - 1) / kStep;
  if (place >= kSizes || !spare_blocks().keep(block, place)) std::free(block);
}

}  // namespace pycircuit
