// Lowering, compiling, optimizing and running (spec 12): what a batch costs before and beside its arithmetic.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "evaluate/compile.h"
#include "evaluate/lower.h"
#include "evaluate/optimize.h"
#include "evaluate/program.h"
#include "transformer.h"

namespace pycircuit::bench {
namespace {

constexpr int kHeads = 12;

NodePtr model(const benchmark::State& state) { return transformer(static_cast<int>(state.range(0)), kHeads); }

void per_computed_node(benchmark::State& state, const Lowered& lowered) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(lowered.computed.size()));
}

void lower_circuit(benchmark::State& state) {
  const NodePtrs circuits = {model(state)};
  for (auto _ : state) benchmark::DoNotOptimize(lower(circuits, {}));
  per_computed_node(state, lower(circuits, {}));
}
BENCHMARK(lower_circuit)->Arg(12)->Arg(48)->Unit(benchmark::kMicrosecond);

// What decides whether a structure was met before.
void key_of_structure(benchmark::State& state) {
  const Lowered lowered = lower({model(state)}, {});
  for (auto _ : state) benchmark::DoNotOptimize(structure_key(lowered));
  per_computed_node(state, lowered);
}
BENCHMARK(key_of_structure)->Arg(12)->Arg(48)->Unit(benchmark::kMicrosecond);

// Fusing and ordering a new structure.
void compile_program(benchmark::State& state) {
  const Lowered lowered = lower({model(state)}, {});
  CompileOptions options;
  options.naive = state.range(1) != 0;
  for (auto _ : state) benchmark::DoNotOptimize(compile(lowered, options));
  per_computed_node(state, lowered);
}
BENCHMARK(compile_program)
    ->ArgNames({"layers", "naive"})
    ->Args({12, 1})
    ->Args({12, 0})
    ->Args({48, 1})
    ->Args({48, 0})
    ->Unit(benchmark::kMillisecond);

void optimize(benchmark::State& state) {
  const NodePtr circuit = model(state);
  for (auto _ : state) benchmark::DoNotOptimize(optimize_circuit(circuit));
  per_computed_node(state, lower({circuit}, {}));
}
BENCHMARK(optimize)->Arg(12)->Arg(48)->Unit(benchmark::kMillisecond);

// A compiled program on tensors so small that their arithmetic hardly counts; fused or each node as written.
void run_program(benchmark::State& state) {
  at::set_num_threads(1);
  CompileOptions options;
  if (state.range(1) == 0) options.settings = unfused({});
  const Lowered lowered = lower({model(state)}, options.settings);
  const ProgramPtr program = compile(lowered, options);
  for (auto _ : state) benchmark::DoNotOptimize(run(*program, lowered, leaf_values(lowered)));
  per_computed_node(state, lowered);
}
BENCHMARK(run_program)->ArgNames({"layers", "fused"})->Args({12, 1})->Args({12, 0})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pycircuit::bench
