// Memory of small objects that are made and dropped by the thousand: a thread keeps some dropped blocks of each size for the next.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pycircuit {

// std::bad_alloc where there is no memory.
void* take_block(size_t size);
// `size`: as it was taken. On any thread.
void give_block(void* block, size_t size);

}  // namespace pycircuit
