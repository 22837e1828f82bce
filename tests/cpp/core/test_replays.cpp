// Captured runs (evaluate/replays.h) on the CPU, by a device that "replays" by running the captured work again on its inputs.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "circuit/nodes/all.h"
#include "evaluate/batched.h"
#include "evaluate/device_graph.h"
#include "evaluate/schedule.h"
#include "tensor/aten.h"
#include "tensor/general_function.h"

namespace pycircuit {
namespace {

OptimizationSettings with_graphs() {
  OptimizationSettings settings;
  settings.cuda_graphs = true;
  return settings;
}

class RepeatedWork final : public DeviceGraph {
 public:
  RepeatedWork(std::function<std::vector<Tensor>()> work, std::vector<Tensor> results, int& replays, bool wrong)
      : work_(std::move(work)), results_(std::move(results)), replays_(replays), wrong_(wrong) {}

  void replay(const std::function<void()>& refill, const std::function<void()>& take) override {
    ++replays_;
    refill();
    const std::vector<Tensor> made = work_();
    for (size_t i = 0; i < made.size(); ++i) to_aten(results_[i]).copy_(to_aten(made[i]));
    if (wrong_) to_aten(results_[0]).add_(1.0);
    take();
  }

 private:
  std::function<std::vector<Tensor>()> work_;
  std::vector<Tensor> results_;
  int& replays_;
  bool wrong_;
};

// As on a device, results of the captured run are there only after a replay.
class FakeDevice final : public GraphDevice {
 public:
  FakeDevice() { set_graph_device(this); }
  ~FakeDevice() override { set_graph_device(nullptr); }

  bool can_capture(Device) const override { return !busy; }
  std::unique_ptr<DeviceGraph> capture(Device, const std::function<std::vector<Tensor>()>& work, std::vector<Tensor>& results) override {
    ++captures;
    for (const auto& result : work()) results.push_back(from_aten(at::empty_like(to_aten(result)).fill_(NAN)));
    TORCH_CHECK(!fails, "operation not permitted when stream is capturing");
    return std::make_unique<RepeatedWork>(work, results, replays, wrong);
  }

  bool busy = false, fails = false, wrong = false;
  int captures = 0, replays = 0;
};

at::Tensor normal(const std::vector<int64_t>& shape) { return at::randn(shape, at::kFloat); }
NodePtr array(const std::string& name, const std::vector<int64_t>& shape) { return Array::make(from_aten(normal(shape)), name); }
NodePtr einsum(std::string_view text, NodePtrs nodes) { return Einsum::from_string(text, std::move(nodes)); }
NodePtr apply(std::string_view function, const NodePtr& node) { return GeneralFunction::by_name({node}, function); }

// Two layers over the rows of x.
NodePtr network(const NodePtr& x) {
  const NodePtr hidden = apply("gelu", einsum("bi,ih->bh", {x, array("w", {6, 8})}));
  return Add::make({einsum("bh,ho->bo", {hidden, array("v", {8, 6})}), x});
}

class ReplaysTest : public testing::Test {
 protected:
  ReplaysTest() { at::manual_seed(0); }

  // The value after replacing x, with what the run counted.
  static at::Tensor run(const Schedule& schedule, const NodePtr& x, const at::Tensor& value, RunStats* stats = nullptr) {
    return to_aten(schedule.replace_tensors({{x->hash(), from_aten(value)}}, false).evaluate_many({}, stats)[0]);
  }
  static void expect_replays(const Schedule& schedule, const NodePtr& x, const NodePtr& circuit, int runs, int64_t replays) {
    const OptimizationSettings plain;
    const Schedule reference = circuit_to_schedule({circuit}, plain, true);
    RunStats stats;
    for (int k = 0; k < runs; ++k) {
      const at::Tensor value = normal({5, 6});
      EXPECT_TRUE(at::equal(run(schedule, x, value, &stats), run(reference, x, value))) << "run " << k;
    }
    EXPECT_EQ(stats.graph_replays, replays);
  }

  FakeDevice device_;
};

TEST_F(ReplaysTest, ScheduleOnOtherTensorsReplays) {
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  const Schedule schedule = circuit_to_schedule({circuit}, with_graphs(), true);
  expect_replays(schedule, x, circuit, 8, 5);
  EXPECT_EQ(device_.captures, 1);
}

TEST_F(ReplaysTest, ResultsOfOneReplayOutliveTheNext) {
  const NodePtr x = array("x", {5, 6});
  const Schedule schedule = circuit_to_schedule({network(x)}, with_graphs(), true);
  for (int k = 0; k < 4; ++k) run(schedule, x, normal({5, 6}));
  const at::Tensor first = run(schedule, x, normal({5, 6})), kept = first.clone();
  run(schedule, x, normal({5, 6}));
  EXPECT_TRUE(at::equal(first, kept));
}

// Weights that all earlier runs had in common change: what was captured reads the old ones.
TEST_F(ReplaysTest, AnInputThatChangesLaterIsCapturedAnew) {
  const NodePtr x = array("x", {5, 6}), w = array("w", {6, 6}), circuit = Add::make({apply("relu", einsum("bi,io->bo", {x, w})), x});
  const Schedule schedule = circuit_to_schedule({circuit}, with_graphs(), true);
  expect_replays(schedule, x, circuit, 5, 2);
  RunStats stats;
  const NodePtrs pair = {Array::make(from_aten(normal({6, 6})), Name("w"))};
  for (int k = 0; k < 4; ++k) {
    const at::Tensor value = normal({5, 6}), weight = normal({6, 6});
    const auto got =
        schedule.replace_tensors({{x->hash(), from_aten(value)}, {w->hash(), from_aten(weight)}}, false).evaluate_many({}, &stats);
    EXPECT_TRUE(at::allclose(to_aten(got[0]), value.matmul(weight).relu() + value));
  }
  EXPECT_EQ(stats.graph_replays, 3);
  EXPECT_EQ(device_.captures, 2);
}

TEST_F(ReplaysTest, BatchesReplayAndSlicesAreRefilled) {
  const NodePtr circuit = network(array("x", {23, 6}));
  const OptimizationSettings plain;
  RunStats stats;
  const auto got = evaluate_batched({circuit}, 0, 2, with_graphs(), false, &stats);
  EXPECT_TRUE(at::equal(to_aten(got[0]), to_aten(evaluate_batched({circuit}, 0, 2, plain, false)[0])));
  EXPECT_EQ(stats.graph_replays, 11 - 3);  // the last piece has another size
  EXPECT_EQ(device_.captures, 1);
}

// Rows chosen by an index tensor, as a sampler does.
TEST_F(ReplaysTest, BatchesOfChosenRows) {
  const Tensor rows = from_aten(at::randn({24}).argsort());
  const NodePtr data = array("data", {24, 6});
  const NodePtr circuit = network(Index::make(data, {rows, Slice{}}));
  const OptimizationSettings plain;
  RunStats stats;
  const auto got = evaluate_batched({circuit}, 0, 3, with_graphs(), false, &stats);
  EXPECT_TRUE(at::equal(to_aten(got[0]), to_aten(evaluate_batched({circuit}, 0, 3, plain, false)[0])));
  EXPECT_EQ(stats.graph_replays, 8 - 3);
}

TEST_F(ReplaysTest, WhatCannotBeCapturedIsTriedOnce) {
  device_.fails = true;
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  expect_replays(circuit_to_schedule({circuit}, with_graphs(), true), x, circuit, 6, 0);
  EXPECT_EQ(device_.captures, 1);
}

TEST_F(ReplaysTest, AReplayWithOtherBitsIsRefused) {
  device_.wrong = true;
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  expect_replays(circuit_to_schedule({circuit}, with_graphs(), true), x, circuit, 6, 0);
  EXPECT_EQ(device_.captures, 1);
}

TEST_F(ReplaysTest, NothingIsCapturedInsideTheCallersCapture) {
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  const Schedule schedule = circuit_to_schedule({circuit}, with_graphs(), true);
  device_.busy = true;
  expect_replays(schedule, x, circuit, 5, 0);
  EXPECT_EQ(device_.captures, 0);
  device_.busy = false;
  expect_replays(schedule, x, circuit, 5, 2);
}

TEST_F(ReplaysTest, WhatTheCaptureKeepsCountsInTheBudget) {
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  OptimizationSettings settings = with_graphs();
  const auto needed = static_cast<int64_t>(circuit_to_schedule({circuit}, settings, true).stats().max_mem_bytes.to_double());
  settings.max_memory = needed;
  expect_replays(circuit_to_schedule({circuit}, settings, true), x, circuit, 6, 0);
  EXPECT_EQ(device_.captures, 0);
  RunStats stats;
  const Schedule schedule = circuit_to_schedule({circuit}, with_graphs(), true);
  for (int k = 0; k < 5; ++k) run(schedule, x, normal({5, 6}), &stats);
  EXPECT_GE(*stats.peak_bytes, needed);  // of a replay: what the capture holds
}

class CountingNegation final : public FunctionSpec {
 public:
  explicit CountingNegation(int& calls) : calls_(calls) {}
  FunctionKind kind() const override { return FunctionKind::User; }
  std::string name() const override { return "counting"; }
  std::string text() const override { return name(); }
  Hash identity_hash() const override { return blake3("counting"); }
  FunctionShapeInfo shape_info(const std::vector<Shape>& shapes) const override { return {shapes[0], 0, {true}}; }
  DeviceDtypeOp device_dtype(const std::vector<DeviceDtypeOp>& children) const override { return children[0]; }
  Tensor apply(const std::vector<Tensor>& inputs, const std::vector<DeviceDtypeOp>&) const override {
    ++calls_;
    return from_aten(to_aten(inputs[0]).neg());
  }

 private:
  int& calls_;
};

// A replay would not call it; also inside the pieces of a stream.
TEST_F(ReplaysTest, UserFunctionsAreCalledEveryTime) {
  int calls = 0;
  const NodePtr x = array("x", {5, 6}), w = array("w", {6, 6});
  const NodePtr called = GeneralFunction::make({einsum("bi,io->bo", {x, w})}, std::make_shared<CountingNegation>(calls));
  const NodePtr streamed = Concat::make({apply("relu", called), apply("relu", einsum("bi,oi->bo", {x, w}))}, 0);
  expect_replays(circuit_to_schedule({called}, with_graphs(), true), x, called, 6, 0);
  EXPECT_EQ(calls, 12);
  expect_replays(circuit_to_schedule({streamed}, with_graphs(), true), x, streamed, 6, 0);
  EXPECT_EQ(calls, 24);
  EXPECT_EQ(device_.captures, 0);
}

TEST_F(ReplaysTest, SwitchedOffOrWithGradients) {
  const NodePtr x = array("x", {5, 6}), circuit = network(x);
  OptimizationSettings off;
  off.cuda_graphs = false;
  expect_replays(circuit_to_schedule({circuit}, off, true), x, circuit, 5, 0);
  const Schedule schedule = circuit_to_schedule({circuit}, with_graphs(), true);
  for (int k = 0; k < 5; ++k) EXPECT_TRUE(run(schedule, x, normal({5, 6}).requires_grad_()).requires_grad());
  EXPECT_EQ(device_.captures, 0);
}

// A sum over streamed pieces, and outputs that are inputs or repeated.
TEST_F(ReplaysTest, StreamsAndSeveralOutputs) {
  const NodePtr x = array("x", {5, 6}), w = array("w", {6, 6});
  const NodePtr streamed = Concat::make({apply("sigmoid", einsum("bi,io->bo", {x, w})), apply("relu", einsum("bi,oi->bo", {x, w}))}, 0);
  const NodePtrs outputs = {einsum("bo->o", {streamed}), streamed, x, streamed};
  const Schedule schedule = circuit_to_schedule(outputs, with_graphs(), true);
  RunStats stats;
  for (int k = 0; k < 6; ++k) {
    const at::Tensor value = normal({5, 6}), weight = to_aten(w->as<Array>()->value());
    const auto got = schedule.replace_tensors({{x->hash(), from_aten(value)}}, false).evaluate_many({}, &stats);
    EXPECT_TRUE(at::equal(to_aten(got[2]), value));
    EXPECT_TRUE(at::equal(to_aten(got[1]), to_aten(got[3])));
    EXPECT_TRUE(at::allclose(to_aten(got[1]).slice(0, 0, 5), value.matmul(weight).sigmoid(), 1e-5, 1e-6));
    EXPECT_TRUE(at::allclose(to_aten(got[0]), to_aten(got[1]).sum(0), 1e-5, 1e-5));
  }
  EXPECT_EQ(stats.graph_replays, 3);
}

}  // namespace
}  // namespace pycircuit
