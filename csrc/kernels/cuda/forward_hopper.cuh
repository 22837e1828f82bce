// Attention forward for 16-bit elements on sm_90a (spec 12, section 12).
//
// There is one block per multiprocessor, and it takes one task after the other: 128 queries of one batch entry. One thread of its first
// warpgroup starts tensor copies of queries, keys and values as far ahead as there is room, into the next task too; the other two
// warpgroups own 64 queries each. Scores of the next tile are multiplied while the softmax and the product with values of this one go on.
// Keys and values have barriers of their own, so that each is awaited only when needed.
#pragma once

#include "kernels/cuda/hopper_device.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/softmax.cuh"
#include "kernels/cuda/store_rows.cuh"
#include "kernels/cuda/terms.cuh"

namespace pycircuit::kernels {

// A tensor map has five axes: columns, rows and three batch axes of those that an operand really has.
struct MappedOperand {
  TensorMap map;
  int axes[3] = {-1, -1, -1};  // batch axis behind coordinate 2 + i; -1: none
};

struct HopperParams {
  MappedOperand q, k, v;
  ForwardParams forward;
  int64_t num_tasks = 0;
  int num_blocks = 0;
  int attempts = 0;  // of a wait
};

template <class Element_, int kHead_, bool kTerms_>
struct HopperTraits {
  using Element = Element_;
  static constexpr int kHead = kHead_;
  static constexpr bool kTerms = kTerms_;  // a mask, a bias, or a scale that is not positive
  static constexpr int kRows = 128, kRowsOfGroup = 64, kKeys = 128;
  static constexpr int kGroups = 2;  // that compute
  static constexpr int kThreads = 128 * (kGroups + 1);
  static constexpr int kStages = kHead == 64 ? 4 : 2;  // of keys and values
  static constexpr int kQueryStages = 2;
  static constexpr int kPieces = kHead / 64;  // a tile is stored in pieces of 64 columns, rows of 128 bytes
  static constexpr int kPieceBytes = kKeys * 128;
  static constexpr int kQueryPieceBytes = kRowsOfGroup * 128;
  static constexpr int kQueryBytes = kRows * kHead * 2, kTileBytes = kKeys * kHead * 2;
  static constexpr int kNumBarriers = 2 * kQueryStages + 4 * kStages;
  static constexpr size_t kSharedBytes = 1024 + kQueryStages * kQueryBytes + 2 * kStages * kTileBytes + 8 * kNumBarriers;
  static constexpr int kProducerRegisters = 24, kConsumerRegisters = 240;
};

// Where the n-th use of a ring of stages takes place, and the parity of its phase.
template <int kStages>
struct Turn {
  int stage;
  int parity;
  PYCIRCUIT_DEVICE explicit Turn(int number) : stage(number % kStages), parity(number / kStages % 2) {}
};

template <class Traits>
struct HopperBlock {
  using Element = typename Traits::Element;
  using TileTurn = Turn<Traits::kStages>;
  using QueryTurn = Turn<Traits::kQueryStages>;
  static constexpr int kKeyTiles = Traits::kKeys / 8, kHeadTiles = Traits::kHead / 8, kKeySteps = Traits::kKeys / 16;

  const HopperParams& params;
  char* q_tiles;
  char* tiles;
  uint64_t* barriers;

  PYCIRCUIT_DEVICE explicit HopperBlock(const HopperParams& all) : params(all) {
    q_tiles = dynamic_shared();
    q_tiles += (1024 - shared_address(q_tiles) % 1024) % 1024;  // the swizzle goes by address
    tiles = q_tiles + Traits::kQueryStages * Traits::kQueryBytes;
    barriers = reinterpret_cast<uint64_t*>(tiles + 2 * Traits::kStages * Traits::kTileBytes);
  }

  PYCIRCUIT_DEVICE char* q_tile(int stage) const { return q_tiles + stage * Traits::kQueryBytes; }
  PYCIRCUIT_DEVICE char* k_tile(int stage) const { return tiles + 2 * stage * Traits::kTileBytes; }
  PYCIRCUIT_DEVICE char* v_tile(int stage) const { return tiles + (2 * stage + 1) * Traits::kTileBytes; }
  PYCIRCUIT_DEVICE uint64_t* queries_full(int stage) const { return barriers + 2 * stage; }
  PYCIRCUIT_DEVICE uint64_t* queries_empty(int stage) const { return barriers + 2 * stage + 1; }
  PYCIRCUIT_DEVICE uint64_t* tile_barrier(int stage, int which) const { return barriers + 2 * Traits::kQueryStages + 4 * stage + which; }
  PYCIRCUIT_DEVICE uint64_t* keys_full(int stage) const { return tile_barrier(stage, 0); }
  PYCIRCUIT_DEVICE uint64_t* keys_empty(int stage) const { return tile_barrier(stage, 1); }
  PYCIRCUIT_DEVICE uint64_t* values_full(int stage) const { return tile_barrier(stage, 2); }
  PYCIRCUIT_DEVICE uint64_t* values_empty(int stage) const { return tile_barrier(stage, 3); }
  PYCIRCUIT_DEVICE void wait(uint64_t* barrier, int parity) const { barrier_wait(barrier, parity, params.attempts); }

  PYCIRCUIT_DEVICE void start_barriers() const {
    if (thread_index() == 0) {
      constexpr int kWarps = 4 * Traits::kGroups;  // each arrives once it has read a tile
      for (int stage = 0; stage < Traits::kQueryStages; ++stage) {
        barrier_start(queries_full(stage), 1);
        barrier_start(queries_empty(stage), kWarps);
      }
      for (int stage = 0; stage < Traits::kStages; ++stage) {
        barrier_start(keys_full(stage), 1);
        barrier_start(keys_empty(stage), kWarps);
        barrier_start(values_full(stage), 1);
        barrier_start(values_empty(stage), kWarps);
      }
      barriers_started();
    }
    sync_block();
  }

  // This block's task of a round; at least num_tasks: none. Blocks change places from round to round, so that none gets the long rows of a
  // causal mask each time.
  PYCIRCUIT_DEVICE int64_t task_number(int round) const {
    return static_cast<int64_t>(round) * params.num_blocks + (block_index() + round) % params.num_blocks;
  }
  PYCIRCUIT_DEVICE int num_rounds() const { return static_cast<int>((params.num_tasks + params.num_blocks - 1) / params.num_blocks); }
  PYCIRCUIT_DEVICE BlockTask task_at(int64_t number) const { return block_task<Traits::kRows>(params.forward, number); }

  // Where a task sees no keys, one tile is computed all the same: its weights are 0.
  PYCIRCUIT_DEVICE static int num_tiles(const BlockTask& task) {
    return task.key_end > Traits::kKeys ? (task.key_end + Traits::kKeys - 1) / Traits::kKeys : 1;
  }

  // --- The copying thread

  // The rows from `row` on, piece by piece.
  PYCIRCUIT_DEVICE static void copy_rows(char* target, const MappedOperand& operand, const BlockTask& task, int row, int piece_bytes,
                                         uint64_t* barrier) {
    int at[5] = {0, row, 0, 0, 0};
#pragma unroll
    for (int i = 0; i < 3; ++i) {
#pragma unroll
      for (int axis = 0; axis < kMaxBatchAxes; ++axis) {
        if (operand.axes[i] == axis) at[2 + i] = static_cast<int>(task.entry.at[axis]);
      }
    }
#pragma unroll
    for (int piece = 0; piece < Traits::kPieces; ++piece) {
      at[0] = 64 * piece;
      copy_tensor(target + piece * piece_bytes, &operand.map, at, barrier);
    }
  }

  PYCIRCUIT_DEVICE void copy_queries(const BlockTask& task, int number) const {
    QueryTurn turn(number);
    // A fresh barrier counts as complete for parity 1: the first turn of a stage need not wait.
    wait(queries_empty(turn.stage), turn.parity ^ 1);
    barrier_arrive_expecting(queries_full(turn.stage), Traits::kQueryBytes);
    for (int group = 0; group < Traits::kGroups; ++group) {
      copy_rows(q_tile(turn.stage) + group * Traits::kPieces * Traits::kQueryPieceBytes, params.q, task,
                task.first_row + Traits::kRowsOfGroup * group, Traits::kQueryPieceBytes, queries_full(turn.stage));
    }
  }

  PYCIRCUIT_DEVICE void copy_all() const {
    int rounds = num_rounds(), turns = 0, number = 0;
    for (int round = 0; round < rounds; ++round) {
      if (task_number(round) >= params.num_tasks) continue;
      BlockTask task = task_at(task_number(round));
      copy_queries(task, number++);
      int count = num_tiles(task);
      for (int tile = 0; tile < count; ++tile) {
        TileTurn turn(turns++);
        wait(keys_empty(turn.stage), turn.parity ^ 1);
        barrier_arrive_expecting(keys_full(turn.stage), Traits::kTileBytes);
        copy_rows(k_tile(turn.stage), params.k, task, tile * Traits::kKeys, Traits::kPieceBytes, keys_full(turn.stage));
        wait(values_empty(turn.stage), turn.parity ^ 1);
        barrier_arrive_expecting(values_full(turn.stage), Traits::kTileBytes);
        copy_rows(v_tile(turn.stage), params.v, task, tile * Traits::kKeys, Traits::kPieceBytes, values_full(turn.stage));
      }
    }
  }

  // --- The computing warpgroups

  PYCIRCUIT_DEVICE void release(uint64_t* barrier) const {
    if (thread_index() % 32 == 0) barrier_arrive(barrier);
  }

  PYCIRCUIT_DEVICE void start_scores(float (&scores)[kKeyTiles][4], const char* queries, TileTurn turn) const {
    wait(keys_full(turn.stage), turn.parity);
    hold_registers(scores);
    multiply_begin();
#pragma unroll
    for (int piece = 0; piece < Traits::kPieces; ++piece) {
#pragma unroll
      for (int step = 0; step < 4; ++step) {
        uint64_t left = matrix_descriptor(queries + piece * Traits::kQueryPieceBytes + 32 * step, 16, 1024);
        uint64_t right = matrix_descriptor(k_tile(turn.stage) + piece * Traits::kPieceBytes + 32 * step, 16, 1024);
        multiply_shared(scores, left, right, piece + step > 0, Element{});
      }
    }
    multiply_commit();
  }

  PYCIRCUIT_DEVICE void start_output(float (&output)[kHeadTiles][4], uint32_t (&weights)[kKeySteps][4], TileTurn turn) const {
    wait(values_full(turn.stage), turn.parity);
    hold_registers(output);
    hold_registers(weights);
    multiply_begin();
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) {
      uint64_t right = matrix_descriptor(v_tile(turn.stage) + 16 * 128 * step, Traits::kPieceBytes, 1024);
      multiply_registers(output, weights[step], right, Element{});
    }
    multiply_commit();
  }

  PYCIRCUIT_DEVICE static void pack_weights(uint32_t (&weights)[kKeySteps][4], const float (&scores)[kKeyTiles][4]) {
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) accumulators_as_left(weights[step], scores[2 * step], scores[2 * step + 1], Element{});
  }

  // What one computing thread holds of a task.
  struct Work {
    BlockTask task;
    int group;
    int row;  // of half 0
    char* queries;
    const Element *mask, *bias;
    const float* bounds;
    OnlineSoftmax<1> softmax;
    float output[1][kHeadTiles][4];
    float scores[1][kKeyTiles][4];
    uint32_t weights[kKeySteps][4];
  };

  PYCIRCUIT_DEVICE float bound_of(const Work& work, int tile, int half) const {
    int column_tile = 2 * tile + half;  // beyond the last: as if there were nothing to do
    return column_tile < params.forward.bounds.column_tiles ? work.bounds[column_tile] : -infinity();
  }

  // Whether a tile has no weight in any row of the warpgroup, all of whose threads ask.
  PYCIRCUIT_DEVICE bool has_no_weight(const Work& work, int tile) const {
    if (!work.bounds) return false;
    float bound = fmaxf(bound_of(work, tile, 0), bound_of(work, tile, 1));
    if (bound >= kPlainTile) return false;
    float lowest = infinity();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (work.row + 8 * half < params.forward.num_queries) lowest = fminf(lowest, work.softmax.maximum[0][half]);
    }
    return sync_warpgroup_and(work.group, underflows(bound, lowest));
  }

  // Scores become weights, and the output accumulated so far is to be multiplied by `keep`.
  PYCIRCUIT_DEVICE void update(Work& work, float (&keep)[1][2], int tile) const {
    int first_key = tile * Traits::kKeys;
    if constexpr (Traits::kTerms) {
      bool first_plain = work.bounds && bound_of(work, tile, 0) == kPlainTile;
      bool second_plain = work.bounds && bound_of(work, tile, 1) == kPlainTile;
      apply_terms<0, kKeyTiles / 2>(work.scores[0], params.forward, work.mask, work.bias, work.row, first_key, first_plain);
      apply_terms<kKeyTiles / 2, kKeyTiles>(work.scores[0], params.forward, work.mask, work.bias, work.row, first_key, second_plain);
    }
    int first_of_warp = work.row - ((thread_index() & 31) >> 2);
    if (first_key + Traits::kKeys > visible_keys(params.forward, first_of_warp))
      hide_keys(work.scores[0], params.forward, work.row, first_key);
    work.softmax.update(work.scores, Traits::kTerms ? 1.0f : params.forward.scale, keep);
  }

  // A tile while no product is under way.
  PYCIRCUIT_DEVICE void begin_tile(Work& work, int tile, TileTurn turn) const {
    float keep[1][2];
    start_scores(work.scores[0], work.queries, turn);
    multiply_wait<0>();
    hold_registers(work.scores[0]);
    release(keys_empty(turn.stage));
    update(work, keep, tile);
    work.softmax.rescale(work.output, keep);
    pack_weights(work.weights, work.scores[0]);
  }

  // A tile while the product of the weights of the former one with its values goes on.
  PYCIRCUIT_DEVICE void overlap_tile(Work& work, int tile, TileTurn former, TileTurn turn) const {
    float keep[1][2];
    start_scores(work.scores[0], work.queries, turn);
    start_output(work.output[0], work.weights, former);
    multiply_wait<1>();
    hold_registers(work.scores[0]);
    release(keys_empty(turn.stage));
    update(work, keep, tile);
    multiply_wait<0>();
    hold_registers(work.output[0]);
    hold_registers(work.weights);
    release(values_empty(former.stage));
    work.softmax.rescale(work.output, keep);
    pack_weights(work.weights, work.scores[0]);
  }

  PYCIRCUIT_DEVICE void end_tile(Work& work, TileTurn turn) const {
    start_output(work.output[0], work.weights, turn);
    multiply_wait<0>();
    hold_registers(work.output[0]);
    release(values_empty(turn.stage));
  }

  PYCIRCUIT_DEVICE void pass_over(TileTurn turn) const {
    wait(keys_full(turn.stage), turn.parity);
    release(keys_empty(turn.stage));
    wait(values_full(turn.stage), turn.parity);
    release(values_empty(turn.stage));
  }

  PYCIRCUIT_DEVICE void compute_tiles(Work& work, int first_turn) const {
    int count = num_tiles(work.task);
    if constexpr (!Traits::kTerms) {
      begin_tile(work, 0, TileTurn(first_turn));
      for (int tile = 1; tile < count; ++tile) overlap_tile(work, tile, TileTurn(first_turn + tile - 1), TileTurn(first_turn + tile));
      end_tile(work, TileTurn(first_turn + count - 1));
      return;
    }
    int pending = -1;  // tile whose weights wait for their product with values
    for (int tile = 0; tile < count; ++tile) {
      TileTurn turn(first_turn + tile);
      if (has_no_weight(work, tile)) {
        // Its stage may be needed before the next tile with weight comes.
        if (pending >= 0) end_tile(work, TileTurn(first_turn + pending));
        pending = -1;
        pass_over(turn);
        continue;
      }
      if (pending >= 0) {
        overlap_tile(work, tile, TileTurn(first_turn + pending), turn);
      } else {
        begin_tile(work, tile, turn);
      }
      pending = tile;
    }
    if (pending >= 0) end_tile(work, TileTurn(first_turn + pending));
  }

  // Task number `number` of this block, whose tiles begin with turn `first_turn`.
  PYCIRCUIT_DEVICE void compute(const BlockTask& task, int group, int number, int first_turn) const {
    int warp_row = Traits::kRowsOfGroup * group + thread_index() / 32 % 4 * 16;
    QueryTurn query_turn(number);
    Work work;
    work.task = task;
    work.group = group;
    work.row = task.first_row + warp_row + ((thread_index() & 31) >> 2);
    work.queries = q_tile(query_turn.stage) + group * Traits::kPieces * Traits::kQueryPieceBytes;
    if constexpr (Traits::kTerms) {
      work.mask = params.forward.mask.data ? matrix_of<Element>(params.forward.mask, task.entry) : nullptr;
      work.bias = params.forward.bias.data ? matrix_of<Element>(params.forward.bias, task.entry) : nullptr;
      int group_row = task.first_row + Traits::kRowsOfGroup * group;
      // A warpgroup without rows finds nothing there.
      work.bounds = group_row < params.forward.num_queries ? bounds_of_rows(params.forward, task.entry, group_row) : nullptr;
    }
    work.softmax.clear();
#pragma unroll
    for (int head = 0; head < kHeadTiles; ++head) {
#pragma unroll
      for (int i = 0; i < 4; ++i) work.output[0][head][i] = 0.0f;
    }
    wait(queries_full(query_turn.stage), query_turn.parity);
    compute_tiles(work, first_turn);

    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; ++half)
      inverse[half] = work.softmax.inverse_sum(0, half, visible_keys(params.forward, work.row + 8 * half) > 0);
    sync_warpgroup(group);  // nobody multiplies with the queries any more: results go through their place
    auto* staging = reinterpret_cast<Element*>(q_tile(query_turn.stage)) + warp_row * Traits::kHead;
    store_rows<Traits::kHead>(staging, work.output[0], inverse, params.forward, matrix_of<Element>(params.forward.result, task.entry),
                              task.first_row + warp_row);
    shared_stores_before_copies();
    sync_warp();
    release(queries_empty(query_turn.stage));
  }

  PYCIRCUIT_DEVICE void compute_all(int group) const {
    int rounds = num_rounds(), turns = 0, number = 0;
    for (int round = 0; round < rounds; ++round) {
      if (task_number(round) >= params.num_tasks) continue;
      BlockTask task = task_at(task_number(round));
      compute(task, group, number++, turns);
      turns += num_tiles(task);
    }
  }

  PYCIRCUIT_DEVICE void run() const {
    start_barriers();
    int group = thread_index() / 128;
    if (group == 0) {
      give_registers<Traits::kProducerRegisters>();
      if (thread_index() == 0) copy_all();
    } else {
      take_registers<Traits::kConsumerRegisters>();
      compute_all(group - 1);
    }
  }
};

template <class Traits>
PYCIRCUIT_SOLE_KERNEL(Traits::kThreads)
forward_hopper(PYCIRCUIT_GRID_CONSTANT HopperParams params) {
#ifdef PYCIRCUIT_HOPPER_CODE
  HopperBlock<Traits>(params).run();
#endif
}

}  // namespace pycircuit::kernels
