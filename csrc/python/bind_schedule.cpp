// OptimizationSettings, Schedule, ScheduleStats and the optimizing entry points (spec 12, sections 5 to 9).
#include "circuit/measure.h"
#include "circuit/nodes/all.h"
#include "circuit/substitute.h"
#include "circuit/walk.h"
#include "evaluate/batched.h"
#include "evaluate/optimize.h"
#include "evaluate/schedule.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/shown.h"

namespace pycircuit {
namespace {

using Settings = OptimizationSettings;

// What functions of section 6 take as `settings`: settings or a context.
struct GivenSettings {
  OptimizationContext context;
  operator const OptimizationContext&() const { return context; }
  operator const Settings&() const { return context.settings(); }
};

}  // namespace
}  // namespace pycircuit

namespace pybind11::detail {
template <>
struct type_caster<pycircuit::GivenSettings> {
  PYBIND11_TYPE_CASTER(pycircuit::GivenSettings, const_name("OptimizationSettings"));
  bool load(handle source, bool) {
    if (isinstance<pycircuit::OptimizationContext>(source)) {
      value.context = source.cast<pycircuit::OptimizationContext>();
      return true;
    }
    if (!isinstance<pycircuit::OptimizationSettings>(source)) return false;
    value.context = source.cast<pycircuit::OptimizationSettings>();
    return true;
  }
};
}  // namespace pybind11::detail

namespace pycircuit {
namespace {

void assign(int64_t& field, py::handle value, const char* name) {
  if (PyBool_Check(value.ptr())) throw py::type_error(std::string(name) + ": expected an int, got a bool");
  const int64_t number = int_from(value, name);
  if (number < 0) fail(ErrorId::OverflowError, std::string(name) + ": must not be negative, got " + std::to_string(number));
  field = number;
}

void assign(std::optional<int64_t>& field, py::handle value, const char* name) {
  if (value.is_none()) {
    field.reset();
    return;
  }
  int64_t number = 0;
  assign(number, value, name);
  field = number;
}

void assign(bool& field, py::handle value, const char* name) {
  if (!PyBool_Check(value.ptr())) fail_expected(name, "a bool", value);
  field = value.cast<bool>();
}

void assign(double& field, py::handle value, const char* name) {
  if (!PyFloat_Check(value.ptr()) && !PyLong_Check(value.ptr())) fail_expected(name, "a float", value);
  field = value.cast<double>();
}

void assign(SimpFnSubset& field, py::handle value, const char* name) {
  if (!py::isinstance<SimpFnSubset>(value)) fail_expected(name, "a SimpFnSubset", value);
  field = value.cast<SimpFnSubset>();
}

// One row per field: how it is read, assigned and named.
struct Field {
  const char* name;
  std::function<py::object(const Settings&)> get;
  std::function<void(Settings&, py::handle)> set;
};

template <class T>
Field field(const char* name, T Settings::* member) {
  return {name, [member](const Settings& settings) { return py::cast(settings.*member); },
          [member, name](Settings& settings, py::handle value) { assign(settings.*member, value, name); }};
}

const std::vector<Field>& fields() {
  static const std::vector<Field> all = {
      field("verbose", &Settings::verbose),
      field("max_memory", &Settings::max_memory),
      field("max_single_tensor_memory", &Settings::max_single_tensor_memory),
      field("max_memory_fallback", &Settings::max_memory_fallback),
      field("scheduling_num_mem_chunks", &Settings::scheduling_num_mem_chunks),
      field("distribute_min_size", &Settings::distribute_min_size),
      field("scheduling_naive", &Settings::scheduling_naive),
      field("scheduling_timeout", &Settings::scheduling_timeout),
      field("scheduling_simplify", &Settings::scheduling_simplify),
      field("adjust_numerical_scale", &Settings::adjust_numerical_scale),
      field("numerical_scale_min", &Settings::numerical_scale_min),
      field("numerical_scale_max", &Settings::numerical_scale_max),
      field("capture_and_print", &Settings::capture_and_print),
      field("create_tests", &Settings::create_tests),
      field("log_simplifications", &Settings::log_simplifications),
      field("log_slow_einsums", &Settings::log_slow_einsums),
      field("save_circ", &Settings::save_circ),
      field("optimization_parallelism", &Settings::optimization_parallelism),
      field("keep_all_names", &Settings::keep_all_names),
      field("push_down_index", &Settings::push_down_index),
      field("deep_maybe_distribute", &Settings::deep_maybe_distribute),
      field("simp_fn_subset", &Settings::simp_fn_subset),
      field("fuse_attention", &Settings::fuse_attention),
      field("stream_concat", &Settings::stream_concat),
      field("group_matmuls", &Settings::group_matmuls),
      field("fuse", &Settings::fuse),
      field("cuda_graphs", &Settings::cuda_graphs),
  };
  return all;
}
constexpr size_t kPositional = 22;  // later fields are keyword-only

Settings settings_from(const py::args& args, const py::kwargs& kwargs) {
  Settings settings;
  if (args.size() > kPositional)
    throw py::type_error("OptimizationSettings takes at most 22 positional arguments, got " + std::to_string(args.size()));
  for (size_t i = 0; i < args.size(); ++i) fields()[i].set(settings, args[i]);
  for (const auto& [key, value] : kwargs) {
    const auto name = key.cast<std::string>();
    const auto& all = fields();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Field& each) { return name == each.name; });
    if (found == all.end()) throw py::type_error("OptimizationSettings has no parameter '" + name + "'");
    if (static_cast<size_t>(found - all.begin()) < args.size()) throw py::type_error("OptimizationSettings got '" + name + "' twice");
    found->set(settings, value);
  }
  return settings;
}

NodePtrs circuit_list(const py::object& circuits) {
  if (!PyList_Check(circuits.ptr()) && !PyTuple_Check(circuits.ptr()))
    throw py::type_error("circuits: expected a list or tuple of circuits");
  return circuits_from(circuits);
}

template <class Work>
auto released(Work&& work) {
  const py::gil_scoped_release unlocked;
  return work();
}

// A circuit with symbolic sizes left warns at the caller's line, once per stage; sizes in Module specs go away by substitution (6.4).
void warn_about_symbolic_sizes(const NodePtrs& circuits, const std::string& stage) {
  for (const auto& circuit : circuits)
    for (const auto& node : post_order(released([&] { return substitute_all_modules(circuit); })))
      if (node->kind() != Kind::Array && has_symbolic(node->shape())) {
        const py::object warning = py::module_::import("pycircuit").attr("OptimizingSymbolicSizeWarning");
        const std::string text = stage + " a circuit with symbolic sizes left: " + describe(*node);
        if (PyErr_WarnEx(warning.ptr(), text.c_str(), 1) != 0) throw py::error_already_set();
        return;
      }
}

void warn_before_schedule(const NodePtrs& circuits, const Settings& settings, bool optimize) {
  if (optimize) warn_about_symbolic_sizes(circuits, "optimizing");
  if (!optimize || !settings.scheduling_naive) warn_about_symbolic_sizes(circuits, "scheduling");
}

// The same where what cannot be evaluated is refused before any work.
void warn_before_evaluation(const NodePtrs& circuits, const Settings& settings, bool optimize) {
  for (const auto& circuit : circuits)
    if (!circuit->is_explicitly_computable() || !circuit->is_constant()) return;
  if (optimize || !settings.scheduling_naive) warn_before_schedule(circuits, settings, optimize);
}

py::tuple schedule_state(const Schedule& schedule) {
  std::unordered_set<uint64_t> planned;
  for (const auto& constant : schedule.plan().constants) planned.insert(constant->id());
  NodePtrs unplanned;  // the leaves that the plan does not have
  for (const auto& leaf : schedule.leaves())
    if (!planned.contains(leaf->id())) unplanned.push_back(leaf);
  py::dict replacements;
  for (const auto& [key, tensor] : schedule.replacements()) replacements[py::int_(key)] = tensor;
  const CompileOptions& options = schedule.options();
  return py::make_tuple(schedule.circuits(), options.settings, options.naive, schedule.ranks(), unplanned, replacements);
}

Schedule schedule_from_state(const py::tuple& state) {
  if (state.size() != 6) throw py::value_error("Schedule: bad state");
  const NodePtrs circuits = circuits_from(state[0]);
  NodePtrs leaves;
  for (const auto& node : post_order(circuits))
    if (node->is_irreducible()) leaves.push_back(node);
  for (const auto& leaf : circuits_from(state[4])) leaves.push_back(leaf);
  Replacements replacements;
  for (const auto& [key, tensor] : state[5].cast<py::dict>()) replacements[key.cast<int>()] = tensor_from_python(tensor.ptr());
  const CompileOptions options{state[1].cast<Settings>(), state[2].cast<bool>(), {}, 0, true};
  return Schedule::restored(circuits, options, state[3].cast<std::vector<int>>(), std::move(leaves), replacements);
}

BigUint big_from(py::handle number) {
  BigUint value;
  for (const char digit : std::string(py::str(number))) {
    value *= 10;
    value += BigUint(static_cast<uint64_t>(digit - '0'));
  }
  return value;
}

py::tuple program_stats_state(const ProgramStats& stats) {
  return py::make_tuple(stats.fused_attention, stats.fused_nodes, stats.attention_backends, stats.fusions, stats.grouped_matmuls,
                        stats.grouped_matmul_nodes, stats.num_chunks, stats.shared_by_chunks);
}

ProgramStats program_stats_from(const py::tuple& state) {
  ProgramStats stats;
  stats.fused_attention = state[0].cast<int64_t>();
  stats.fused_nodes = state[1].cast<int64_t>();
  stats.attention_backends = state[2].cast<std::map<std::string, int64_t>>();
  stats.fusions = state[3].cast<std::map<std::string, int64_t>>();
  stats.grouped_matmuls = state[4].cast<int64_t>();
  stats.grouped_matmul_nodes = state[5].cast<int64_t>();
  stats.num_chunks = state[6].cast<int64_t>();
  stats.shared_by_chunks = state[7].cast<int64_t>();
  return stats;
}

py::list not_fused_list(const ScheduleStats& stats) {
  py::list out;
  for (const auto& each : stats.not_fused) out.append(py::make_tuple(each.node, each.fusion, each.reason));
  return out;
}

py::tuple stats_state(const ScheduleStats& stats) {
  return py::make_tuple(stats.max_mem, stats.constant_mem, stats.max_mem_bytes, stats.constant_mem_bytes, stats.max_circuit_set,
                        stats.num_computes, program_stats_state(stats.program), not_fused_list(stats), stats.peak_bytes, stats.python_calls,
                        stats.graph_replays);
}

std::string schedule_text(const Schedule& schedule) {
  const Plan& plan = schedule.plan();
  std::string text = "Schedule: instructions";
  for (const auto& instruction : plan.instructions) {
    text += "\n" + std::to_string(instruction.key) + " " + std::string(kind_name(instruction.node->kind())) + " " +
            (instruction.node->device_dtype().dtype ? std::string(to_text(*instruction.node->device_dtype().dtype)) : "None");
    for (const int operand : instruction.operands) text += " " + std::to_string(operand);
  }
  const auto keys = [&](Kind kind) {
    std::string out;
    for (int key = 0; key < plan.first_computed(); ++key)
      if (!schedule.replacements().contains(key) && plan.node_of(key)->kind() == kind)
        out += (out.empty() ? "" : " ") + std::to_string(key);
    return out;
  };
  std::string tensors;
  for (int key = 0; key < plan.first_computed(); ++key)
    if (schedule.replacements().contains(key)) tensors += (tensors.empty() ? "" : " ") + std::to_string(key);
  return text + "\nTensors: " + tensors + " Arrays: " + keys(Kind::Array) + " Symbols: " + keys(Kind::Symbol) +
         " Scalars: " + keys(Kind::Scalar);
}

py::list instruction_list(const Schedule& schedule) {
  py::list out;
  for (const auto& instruction : schedule.plan().instructions) {
    out.append(py::make_tuple(instruction.key, schedule.plan().shown_node(instruction)));
    for (const int dropped : instruction.drops) out.append(dropped);
  }
  return out;
}

void bind_settings(py::module_& m) {
  py::class_<Settings> cls(m, "OptimizationSettings", py::is_final(),
                           "Settings of the optimizer, the schedules and the evaluator (spec 12, section 5).");
  cls.def(py::init(&settings_from));
  for (const auto& each : fields())
    cls.def_property(
        each.name, [get = each.get](const Settings& self) { return get(self); },
        [set = each.set](Settings& self, const py::object& value) { set(self, value); }, "See spec 12, section 5.");
  cls.def("__eq__",
          [](const Settings& self, const py::object& other) { return py::isinstance<Settings>(other) && self == other.cast<Settings>(); })
      .def("__ne__", [](const Settings& self,
                        const py::object& other) { return !py::isinstance<Settings>(other) || !(self == other.cast<Settings>()); })
      .def("__repr__",
           [](const Settings& self) {
             const Settings defaults;
             std::string text;
             for (const auto& each : fields())
               if (!each.get(self).equal(each.get(defaults)))
                 text += (text.empty() ? "" : ", ") + std::string(each.name) + "=" + std::string(py::repr(each.get(self)));
             return "OptimizationSettings(" + text + ")";
           })
      .def("__copy__", [](const Settings& self) { return self; })
      .def(
          "__deepcopy__", [](const Settings& self, const py::object&) { return self; }, py::arg("memo"))
      .def(py::pickle(
          [](const Settings& self) {
            py::dict state;
            for (const auto& each : fields()) state[each.name] = each.get(self);
            return state;
          },
          [](const py::dict& state) { return settings_from(py::tuple(), py::reinterpret_borrow<py::kwargs>(state)); }));
  cls.attr("__hash__") = py::none();
}

void bind_context(py::module_& m) {
  py::class_<OptimizationContext>(m, "OptimizationContext", py::is_final(),
                                  "Settings with the logs of what is optimized with them; stands for settings (spec 12, 5.1).")
      .def_static(
          "new_settings", [](const Settings& settings) { return OptimizationContext(settings); }, py::arg("settings"),
          "A context with empty logs.")
      .def_static(
          "new_settings_circuit", [](const Settings& settings, const NodePtr&) { return OptimizationContext(settings); },
          py::arg("settings"), py::arg("circuit"), "The same; the circuit does not matter.")
      .def_property_readonly(
          "settings", [](const OptimizationContext& self) { return self.settings(); }, "A copy of the settings.")
      .def("stringify_logs", &OptimizationContext::stringify_logs,
           "JSON: rules in firing order (log_simplifications), slow searches for contraction orders (log_slow_einsums).");
}

void bind_schedule_classes(py::module_& m) {
  py::class_<ScheduleStats>(m, "ScheduleStats", py::is_final(), "Statistics of a schedule, of the plan or of a run (spec 12, 8.4).")
      .def_property_readonly(
          "max_mem", [](const ScheduleStats& self) { return self.max_mem; }, "Accounted peak, elements.")
      .def_property_readonly(
          "constant_mem", [](const ScheduleStats& self) { return self.constant_mem; }, "Elements of all constants.")
      .def_property_readonly(
          "max_mem_bytes", [](const ScheduleStats& self) { return self.max_mem_bytes; }, "Accounted peak, bytes.")
      .def_property_readonly(
          "constant_mem_bytes", [](const ScheduleStats& self) { return self.constant_mem_bytes; }, "Bytes of all constants.")
      .def_property_readonly(
          "max_circuit_set", [](const ScheduleStats& self) { return to_set(self.max_circuit_set); }, "Nodes live at the first maximum.")
      .def_readonly("num_computes", &ScheduleStats::num_computes, "Compute instructions.")
      .def_property_readonly(
          "fused_attention", [](const ScheduleStats& self) { return self.program.fused_attention; },
          "Distinct softmax nodes computed inside a fused attention kernel.")
      .def_property_readonly(
          "fused_nodes", [](const ScheduleStats& self) { return self.program.fused_nodes; }, "Nodes not materialised because of fusion.")
      .def_property_readonly(
          "attention_backends", [](const ScheduleStats& self) { return self.program.attention_backends; },
          "How many of fused_attention run on \"cuda\", \"sdpa\", \"blocked\".")
      .def_property_readonly(
          "fusions", [](const ScheduleStats& self) { return self.program.fusions; }, "How many regions each kind of fusion made.")
      .def_property_readonly("not_fused", &not_fused_list, "Candidates that were not fused: (circuit, fusion, reason).")
      .def_property_readonly(
          "grouped_matmuls", [](const ScheduleStats& self) { return self.program.grouped_matmuls; }, "Groups of products run as one.")
      .def_property_readonly(
          "grouped_matmul_nodes", [](const ScheduleStats& self) { return self.program.grouped_matmul_nodes; }, "Products in the groups.")
      .def_property_readonly(
          "num_chunks", [](const ScheduleStats& self) { return self.program.num_chunks; }, "Streamed pieces.")
      .def_property_readonly(
          "shared_by_chunks", [](const ScheduleStats& self) { return self.program.shared_by_chunks; },
          "Nodes that several streamed pieces use, computed once.")
      .def_readonly("peak_bytes", &ScheduleStats::peak_bytes, "Most storage owned at once, workspaces included, of a run only.")
      .def_readonly("python_calls", &ScheduleStats::python_calls, "Calls of user-defined functions, of a run only.")
      .def_readonly("graph_replays", &ScheduleStats::graph_replays, "How often a captured CUDA graph was replayed, of a run only.")
      .def("__repr__", [](const ScheduleStats& self) { return to_text(self); })
      .def(py::pickle(&stats_state, [](const py::tuple& state) {
        ScheduleStats stats;
        stats.max_mem = big_from(state[0]);
        stats.constant_mem = big_from(state[1]);
        stats.max_mem_bytes = big_from(state[2]);
        stats.constant_mem_bytes = big_from(state[3]);
        stats.max_circuit_set = circuits_from(state[4]);
        stats.num_computes = state[5].cast<int64_t>();
        stats.program = program_stats_from(state[6]);
        for (const auto& each : state[7]) {
          const auto parts = each.cast<py::tuple>();
          stats.not_fused.push_back({parts[0].cast<NodePtr>(), parts[1].cast<std::string>(), parts[2].cast<std::string>()});
        }
        stats.peak_bytes = state[8].cast<std::optional<int64_t>>();
        stats.python_calls = state[9].cast<std::optional<int64_t>>();
        stats.graph_replays = state[10].cast<std::optional<int64_t>>();
        return stats;
      }));

  py::class_<Schedule>(m, "Schedule", py::is_final(),
                       "An immutable plan of computation, usable repeatedly and concurrently (spec 12, section 8).")
      .def_property_readonly(
          "constants",
          [](const Schedule& self) {
            py::dict out;
            for (size_t i = 0; i < self.plan().constants.size(); ++i) {
              const auto replaced = self.replacements().find(static_cast<int>(i));
              out[py::int_(i)] = replaced == self.replacements().end() ? to_python(self.plan().constants[i]) : py::cast(replaced->second);
            }
            return out;
          },
          "Array, Symbol, or replacing Tensor by key.")
      .def_property_readonly(
          "scalars",
          [](const Schedule& self) {
            py::dict out;
            for (size_t i = 0; i < self.plan().scalars.size(); ++i)
              out[py::int_(self.plan().constants.size() + i)] = self.plan().scalars[i];
            return out;
          },
          "Scalar by key.")
      .def_property_readonly("instructions", &instruction_list,
                             "k: drop key k; (k, circuit): compute key k, children shown as Symbols named by key.")
      .def(
          "evaluate", [](const Schedule& self, const Settings& settings) { return released([&] { return self.evaluate(settings); }); },
          py::arg("settings") = Settings{}, "The output; several are flattened and concatenated.")
      .def(
          "evaluate_many",
          [](const Schedule& self, const Settings& settings) { return released([&] { return self.evaluate_many(settings); }); },
          py::arg("settings") = Settings{}, "All outputs in order.")
      .def(
          "evaluate_with_stats",
          [](const Schedule& self, const Settings& settings) {
            RunStats run_stats;
            auto outputs = released([&] { return self.evaluate_many(settings, &run_stats); });
            ScheduleStats stats = self.stats();
            stats.python_calls = run_stats.python_calls;
            stats.peak_bytes = run_stats.peak_bytes;
            stats.graph_replays = run_stats.graph_replays;
            stats.program.attention_backends = run_stats.attention_backends;
            return py::make_tuple(outputs, stats);
          },
          py::arg("settings") = Settings{}, "All outputs, and the statistics of this run.")
      .def("get_stats", &Schedule::stats, "Statistics of the plan; runs nothing.")
      .def("split", &Schedule::split, py::arg("tensor"), "The outputs from the flat tensor of evaluate.")
      .def("validate", &Schedule::validate, py::arg("validate_output"), "RuntimeError if the plan is inconsistent.")
      .def(
          "next_key", [](const Schedule& self) { return self.plan().num_keys(); }, "Largest key + 1.")
      .def("check_no_syms", &Schedule::check_no_syms, "SchedulingEvaluateCalledWithSymsError if a constant is a Symbol.")
      .def("check_no_raw_tensor_constants", &Schedule::check_no_raw_tensor_constants, "RuntimeError if a constant is a Tensor.")
      .def(
          "replace_tensors",
          [](const Schedule& self, const py::dict& map, bool allow_missing) {
            std::vector<std::pair<Hash, Tensor>> replacements;
            for (const auto& [key, value] : map) {
              if (!PyBytes_Check(key.ptr()) || py::len(key) != 32)
                throw py::value_error("replace_tensors: keys are hashes of 32 bytes, got " + shown(key));
              if (!is_torch_tensor(value.ptr())) throw py::type_error("replace_tensors: values are tensors, got " + shown(value));
              replacements.emplace_back(key.cast<Hash>(), tensor_from_python(value.ptr()));
            }
            return self.replace_tensors(replacements, allow_missing);
          },
          py::arg("map"), py::arg("allow_missing") = false,
          "The same plan with constants replaced, by hash of the Array or Symbol (spec 12, 8.3).")
      .def(
          "map_tensors",
          [](const Schedule& self, const py::function& f) {
            return self.map_tensors([&](const Hash& hash) -> std::optional<Tensor> {
              const py::object value = f(hash);
              if (value.is_none()) return std::nullopt;
              if (!is_torch_tensor(value.ptr())) throw py::type_error("map_tensors: f must return a tensor or None, got " + shown(value));
              return tensor_from_python(value.ptr());
            });
          },
          py::arg("f"), "The same plan with every constant offered to f; None keeps it.")
      .def_property_readonly(
          "_state", [](const Schedule& self) { return schedule_state(self); }, "What a Schedule is made from.")
      .def_static(
          "_from_state", [](const py::tuple& state) { return schedule_from_state(state); }, py::arg("state"), "The Schedule of a _state.")
      .def_property_readonly(
          "_outputs", [](const Schedule& self) { return self.plan().outputs; }, "Keys of the outputs.")
      .def_property_readonly(
          "_leaves", [](const Schedule& self) { return self.leaves(); }, "Arrays and Symbols that may be replaced.")
      .def_property_readonly(
          "_operands",
          [](const Schedule& self) {
            py::dict out;
            for (const auto& instruction : self.plan().instructions) out[py::int_(instruction.key)] = instruction.operands;
            return out;
          },
          "Keys of the operands by computed key.")
      .def("__repr__", &schedule_text)
      .def(py::pickle(&schedule_state, &schedule_from_state));
}

}  // namespace

void bind_schedule(py::module_& m) {
  bind_settings(m);
  bind_context(m);
  bind_schedule_classes(m);
  m.def(
      "circuit_to_schedule",
      [](const NodePtr& circuit, const GivenSettings& settings) {
        warn_about_symbolic_sizes({circuit}, "scheduling");
        return released([&] { return circuit_to_schedule({circuit}, settings, false); });
      },
      py::arg("circuit"), py::arg("settings") = Settings{}, "A plan without optimization, within max_memory (spec 12, section 9).");
  m.def(
      "circuit_to_schedule_many",
      [](const py::object& circuits, const GivenSettings& settings) {
        const NodePtrs list = circuit_list(circuits);
        warn_about_symbolic_sizes(list, "scheduling");
        return released([&] { return circuit_to_schedule(list, settings, false); });
      },
      py::arg("circuits"), py::arg("settings") = Settings{}, "One plan for several outputs.");
  m.def(
      "scheduled_evaluate",
      [](const NodePtr& circuit, const GivenSettings& settings) {
        warn_before_evaluation({circuit}, settings, false);
        return released([&] { return scheduled_evaluate(circuit, settings); });
      },
      py::arg("circuit"), py::arg("settings") = Settings{}, "Schedules without optimization, then evaluates.");
  m.def(
      "optimize_circuit",
      [](const NodePtr& circuit, const GivenSettings& settings) {
        warn_about_symbolic_sizes({circuit}, "optimizing");
        return released([&] { return optimize_circuit(circuit, settings); });
      },
      py::arg("circuit"), py::arg("settings") = Settings{}, "An equal circuit that is cheaper to run (spec 12, 6.1).");
  m.def(
      "optimize_to_schedule",
      [](const NodePtr& circuit, const GivenSettings& settings) {
        warn_before_schedule({circuit}, settings, true);
        return released([&] { return optimize_to_schedule({circuit}, settings); });
      },
      py::arg("circuit"), py::arg("settings") = Settings{}, "optimize_circuit, then circuit_to_schedule.");
  m.def(
      "optimize_to_schedule_many",
      [](const py::object& circuits, const GivenSettings& settings) {
        const NodePtrs list = circuit_list(circuits);
        warn_before_schedule(list, settings, true);
        return released([&] { return optimize_to_schedule(list, settings); });
      },
      py::arg("circuits"), py::arg("settings") = Settings{}, "One optimized plan for several outputs.");
  m.def(
      "evaluate_batched",
      [](const NodePtr& circuit, int64_t axis, const std::optional<int64_t>& batch_size, const GivenSettings& settings, bool optimize) {
        warn_before_evaluation({circuit}, settings, optimize);
        return released([&] { return evaluate_batched({circuit}, axis, batch_size, settings, optimize).front(); });
      },
      py::arg("circuit"), py::arg("axis") = 0, py::arg("batch_size") = py::none(), py::arg("settings") = Settings{}, py::kw_only(),
      py::arg("optimize") = false,
      "The value of the circuit, computed piece by piece along an axis; without batch_size in the largest pieces that max_memory allows "
      "(spec 12, section 13).");
  m.def(
      "evaluate_batched_many",
      [](const py::object& circuits, int64_t axis, const std::optional<int64_t>& batch_size, const GivenSettings& settings, bool optimize) {
        const NodePtrs list = circuit_list(circuits);
        warn_before_evaluation(list, settings, optimize);
        return released([&] { return evaluate_batched(list, axis, batch_size, settings, optimize); });
      },
      py::arg("circuits"), py::arg("axis") = 0, py::arg("batch_size") = py::none(), py::arg("settings") = Settings{}, py::kw_only(),
      py::arg("optimize") = false,
      "Values of several circuits whose axis has one size; what a piece of one shares with the same piece of another is computed once.");
  m.def(
      "evaluate_batched_with_stats",
      [](const py::object& circuits, int64_t axis, const std::optional<int64_t>& batch_size, const GivenSettings& settings, bool optimize) {
        const NodePtrs list = circuit_list(circuits);
        warn_before_evaluation(list, settings, optimize);
        RunStats run;
        auto outputs = released([&] { return evaluate_batched(list, axis, batch_size, settings, optimize, &run); });
        ScheduleStats stats;
        stats.peak_bytes = run.peak_bytes;
        stats.graph_replays = run.graph_replays;
        stats.python_calls = run.python_calls;
        stats.program.attention_backends = run.attention_backends;
        return py::make_tuple(outputs, stats);
      },
      py::arg("circuits"), py::arg("axis") = 0, py::arg("batch_size") = py::none(), py::arg("settings") = Settings{}, py::kw_only(),
      py::arg("optimize") = false,
      "evaluate_batched_many, with what the run counted: peak_bytes, python_calls, attention_backends, graph_replays.");
  m.def(
      "optimize_and_evaluate",
      [](const NodePtr& circuit, const GivenSettings& settings) {
        warn_before_evaluation({circuit}, settings, true);
        return released([&] { return optimize_and_evaluate_many({circuit}, settings).front(); });
      },
      py::arg("circuit"), py::arg("settings") = Settings{}, "Optimizes, then evaluates (spec 12, 6.3).");
  m.def(
      "optimize_and_evaluate_many",
      [](const py::object& circuits, const GivenSettings& settings) {
        const NodePtrs list = circuit_list(circuits);
        warn_before_evaluation(list, settings, true);
        return released([&] { return optimize_and_evaluate_many(list, settings); });
      },
      py::arg("circuits"), py::arg("settings") = Settings{}, "Several results from one plan that shares their common nodes.");
}

}  // namespace pycircuit
