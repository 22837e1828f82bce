// Building nodes, getting and updating (spec 01, 02, 07).
#include <benchmark/benchmark.h>

#include <string>

#include "circuit/nodes/all.h"
#include "circuit/walk.h"
#include "match/get.h"
#include "match/update.h"
#include "transformer.h"

namespace pycircuit::bench {
namespace {

constexpr int kHeads = 12;

void count_nodes(benchmark::State& state, const NodePtr& circuit) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(post_order({circuit}).size()));
}

// New nodes: identity, shape, name and a place in the intern table.
void build_new(benchmark::State& state) {
  const NodePtr shared = Scalar::make(2.0, {3}, "shared");
  int64_t next = 0;
  for (auto _ : state) {
    const NodePtr scalar = Scalar::make(static_cast<double>(next++), {3}, "leaf");
    benchmark::DoNotOptimize(Add::make({scalar, shared}, "sum"));
  }
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(build_new);

// The live node of an equal one is found.
void build_again(benchmark::State& state) {
  const NodePtr left = Scalar::make(1.0, {3}, "leaf"), right = Scalar::make(2.0, {3}, "shared");
  const NodePtr alive = Add::make({left, right}, "sum");
  for (auto _ : state) benchmark::DoNotOptimize(Add::make({left, right}, "sum"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(build_again);

void build_transformer(benchmark::State& state) {
  NodePtr circuit;
  for (auto _ : state) {
    circuit = nullptr;
    circuit = transformer(static_cast<int>(state.range(0)), kHeads);
  }
  count_nodes(state, circuit);
}
BENCHMARK(build_transformer)->Arg(12)->Arg(48)->Unit(benchmark::kMicrosecond);

void get_by_name(benchmark::State& state) {
  const NodePtr circuit = transformer(static_cast<int>(state.range(0)), kHeads);
  const IterativeMatcher matcher = Matcher::name("a5.h3.q");
  for (auto _ : state) benchmark::DoNotOptimize(get(circuit, matcher));
  count_nodes(state, circuit);
}
BENCHMARK(get_by_name)->Arg(12)->Arg(48)->Unit(benchmark::kMicrosecond);

// Nodes are met in several states of the matcher.
void get_along_chain(benchmark::State& state) {
  const NodePtr circuit = transformer(12, kHeads);
  const IterativeMatcher matcher =
      IterativeMatcher::chain({Matcher::name("b9.a"), Matcher::name("a9.h3.k"), Matcher::name("m5"), Matcher::name("a2.h0")});
  for (auto _ : state) benchmark::DoNotOptimize(get(circuit, matcher));
  count_nodes(state, circuit);
}
BENCHMARK(get_along_chain)->Unit(benchmark::kMicrosecond);

NodePtr zero(const NodePtr& node) { return Scalar::make(0.0, node->shape(), "zeroed"); }

// Everything above the first layer is rebuilt.
void update_deep_head(benchmark::State& state) {
  const NodePtr circuit = transformer(12, kHeads);
  const Transform transform = Transform::function(zero);
  const IterativeMatcher matcher = Matcher::name("a0.h3");
  for (auto _ : state) benchmark::DoNotOptimize(update(circuit, matcher, transform));
  count_nodes(state, circuit);
}
BENCHMARK(update_deep_head)->Unit(benchmark::kMicrosecond);

// As for scrubbing: what one node reads is replaced on one path only.
void update_along_path(benchmark::State& state) {
  const NodePtr circuit = transformer(12, kHeads);
  const Transform transform = Transform::function(zero);
  const IterativeMatcher matcher = IterativeMatcher::chain({Matcher::name("a9.h3.k"), Matcher::name("a2.h0")});
  for (auto _ : state) benchmark::DoNotOptimize(update(circuit, matcher, transform));
  count_nodes(state, circuit);
}
BENCHMARK(update_along_path)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pycircuit::bench
