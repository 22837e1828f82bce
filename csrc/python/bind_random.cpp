// Sample specs, Sampler, seeds, cumulant expansions (spec 09).
#include "circuit/nodes/cumulant.h"
#include "python/arguments.h"
#include "python/bind.h"
#include "python/convert.h"
#include "python/matcher_convert.h"
#include "python/shown.h"
#include "random/cumulants.h"
#include "random/sampler.h"

namespace pycircuit {
namespace {

// A Python callable group -> int.
struct PythonSeeder {
  std::shared_ptr<py::object> function;
  int64_t operator()(const NodePtr& group) const {
    const py::gil_scoped_acquire lock;
    const py::object seed = (*function)(group);
    if (!PyLong_Check(seed.ptr())) throw py::type_error("seeder: expected an int for " + describe(*group) + ", got " + shown(seed));
    return int_from(seed, "seed");
  }
};

HashSeeder hash_seeder(const py::object& base_seed) {
  if (!base_seed.is_none()) return {int_from(base_seed, "base_seed")};
  // One draw from torch's global generator, so that torch.manual_seed fixes it.
  const py::module_ torch = py::module_::import("torch");
  const py::object draw = torch.attr("randint")(py::int_(INT64_MIN), py::int_(INT64_MAX), py::make_tuple(1));
  return {int_from(draw.attr("item")(), "seed")};
}

Seeder seeder_from(const py::object& seeder) {
  if (seeder.is_none()) return hash_seeder(py::none());
  if (py::isinstance<HashSeeder>(seeder)) return seeder.cast<HashSeeder>();
  if (!PyCallable_Check(seeder.ptr())) fail_expected("seeder", "a callable group -> int", seeder);
  return PythonSeeder{shared_object(seeder)};
}

py::object seeder_object(const Seeder& seeder) {
  if (const auto* python = seeder.target<PythonSeeder>()) return *python->function;
  return py::cast(*seeder.target<HashSeeder>());
}

std::vector<Slice> slices_from(const py::object& subsets) {
  std::vector<Slice> slices;
  each(subsets, "subsets", "a sequence of slices", [&](py::handle item) {
    if (!PySlice_Check(item.ptr())) fail_expected("subsets", "slices", item);
    if (!item.attr("step").is_none()) throw py::value_error("subsets: step must be None, got " + shown(item));
    slices.push_back(std::get<Slice>(index_from(py::make_tuple(item))[0]));
  });
  return slices;
}

py::list slice_list(const std::vector<Slice>& slices) {
  IndexElements elements(slices.begin(), slices.end());
  return py::list(to_python(elements));
}

template <class Work>
auto released(Work&& work) {
  const py::gil_scoped_release unlocked;
  return work();
}

void bind_specs(py::module_& m) {
  py::class_<HashSeeder>(m, "_HashSeeder", py::is_final(), "Seeds of groups from their hashes (spec 09, section 5).")
      .def(
          "__call__", [](const HashSeeder& self, const NodePtr& group) { return self(group); }, py::arg("group"))
      .def(py::pickle([](const HashSeeder& self) { return py::make_tuple(self.base_seed); },
                      [](const py::tuple& state) { return HashSeeder{state[0].cast<int64_t>()}; }));
  m.def("default_hash_seeder", &hash_seeder, py::arg("base_seed") = py::none(),
        "A seeder: the first 8 bytes of the group's hash XOR base_seed; without one, a draw of torch's global generator (spec 09, section "
        "5).");

  py::class_<SampleSpec, std::shared_ptr<SampleSpec>>(m, "SampleSpec", "Base of the sample specs (spec 09, section 3).")
      .def(
          "get_sample_shape", [](const SampleSpec& self) { return to_tuple(self.sample_shape()); },
          "The axes put in front of what is sampled.")
      .def(
          "sample_var", [](const SampleSpec& self, const Ref<const DiscreteVar>& d) { return self.sample_var(d); }, py::arg("d"),
          "What a DiscreteVar becomes; shape: sample shape + d.shape.")
      .def("get_empirical_weights", &SampleSpec::empirical_weights, "Weight of each sample position; sums to 1.")
      .def("get_overall_weight", &SampleSpec::overall_weight, "Rank 0: the total before normalisation.")
      .def(
          "get_transform", [](const std::shared_ptr<SampleSpec>& self) { return sample_transform(self); }, "sample_var as a Transform.")
      .def(
          "get_sample_expander",
          [](const std::shared_ptr<SampleSpec>& self, const py::object& var_matcher, bool default_fancy_validate,
             bool default_assert_any_found, const py::object& suffix) {
            const IterativeMatcher matcher = var_matcher.is_none() ? default_var_matcher() : iterative_matcher_from(var_matcher);
            return sample_expander(self, matcher, default_fancy_validate, default_assert_any_found, name_from(suffix, "suffix"));
          },
          py::arg("var_matcher") = py::none(), py::arg("default_fancy_validate") = false, py::arg("default_assert_any_found") = false,
          py::arg("suffix") = "sample", "The Expander that replaces what the matcher finds by samples.");

  py::class_<RandomSampleSpec, SampleSpec, std::shared_ptr<RandomSampleSpec>>(m, "RandomSampleSpec", py::is_final(),
                                                                              "Random rows (spec 09, section 4).")
      .def(py::init([](const py::object& shape, bool replace, bool simplify, const py::object& seeder, const py::object&) {
             return std::make_shared<RandomSampleSpec>(shape_from(shape), replace, simplify, seeder_from(seeder));
           }),
           py::arg("shape") = py::tuple(), py::arg("replace") = true, py::arg("simplify") = true, py::arg("seeder") = py::none(),
           py::arg("probs_and_group_evaluation_settings") = py::none())
      .def_property_readonly(
          "shape", [](const RandomSampleSpec& self) { return to_tuple(self.sample_shape()); }, "Sample shape.")
      .def_property_readonly("replace", &RandomSampleSpec::replace, "Whether rows are drawn with replacement.")
      .def_property("simplify", &RandomSampleSpec::simplify, &RandomSampleSpec::set_simplify,
                    "Whether rows are drawn at once where possible.")
      .def_property(
          "seeder", [](const RandomSampleSpec& self) { return seeder_object(self.seeder()); },
          [](RandomSampleSpec& self, const py::object& seeder) { self.set_seeder(seeder_from(seeder)); }, "group -> seed.");

  py::class_<RunDiscreteVarAllSpec, SampleSpec, std::shared_ptr<RunDiscreteVarAllSpec>>(
      m, "RunDiscreteVarAllSpec", py::is_final(), "Every row of the groups, in order (spec 09, section 6).")
      .def(py::init([](const py::object& groups, const py::object& subsets) {
             std::optional<std::vector<Slice>> slices;
             if (!subsets.is_none()) slices = slices_from(subsets);
             return std::make_shared<RunDiscreteVarAllSpec>(circuits_from(groups, "groups"), std::move(slices));
           }),
           py::arg("groups"), py::arg("subsets") = py::none())
      .def_property_readonly(
          "groups", [](const RunDiscreteVarAllSpec& self) { return self.groups(); }, "The groups.")
      .def_property_readonly(
          "subsets", [](const RunDiscreteVarAllSpec& self) { return slice_list(self.subsets()); }, "One slice per group.")
      .def_static(
          "create_full_from_circuits",
          [](const py::args& circuits) { return RunDiscreteVarAllSpec::create_full_from_circuits(circuits_from(circuits)); },
          "All groups of all DiscreteVars below the circuits.");
}

// What is done with every new Cumulant (section 11): named by `namer`, then replaced by `on_sub_cumulant_fn`.
NodePtr substituted_cumulant(NodePtr cumulant, const py::object& namer, const py::object& on_sub_cumulant_fn) {
  if (!namer.is_none()) cumulant = cumulant->rename(name_from(namer(cumulant), "namer"));
  return on_sub_cumulant_fn.is_none() ? cumulant : circuit_from(on_sub_cumulant_fn(cumulant));
}

py::tuple kappa_term_of(const py::object& args, const py::object& namer, const py::object& on_sub_cumulant_fn) {
  check_callable(namer, "namer");
  check_callable(on_sub_cumulant_fn, "on_sub_cumulant_fn");
  std::vector<KappaBlock> blocks;
  constexpr std::string_view kExpected = "blocks, sequences of pairs (position, circuit)";
  each(args, "args", kExpected, [&](py::handle block) {
    blocks.emplace_back();
    each(block, "args", kExpected, [&](py::handle item) {
      const auto pair = object_from<std::pair<py::object, py::object>>(item, "args", kExpected);
      blocks.back().emplace_back(int_from(pair.first, "position"), circuit_from(pair.second));
    });
  });
  const KappaTerm term =
      kappa_term(blocks, [&](const NodePtr& cumulant) { return substituted_cumulant(cumulant, namer, on_sub_cumulant_fn); });
  return py::make_tuple(term.product, term.cumulants);
}

void bind_sampler(py::module_& m) {
  py::class_<Sampler, std::shared_ptr<Sampler>>(m, "Sampler", py::is_final(),
                                                "Samples variables and estimates cumulants (spec 09, section 8).")
      .def(py::init([](const std::shared_ptr<SampleSpec>& sample_spec, const py::object& var_matcher, const py::object& cumulant_matcher,
                       const py::object& suffix, const py::object& run_on_sampled) {
             return std::make_shared<Sampler>(
                 *sample_spec, var_matcher.is_none() ? default_var_matcher() : iterative_matcher_from(var_matcher, "var_matcher"),
                 cumulant_matcher.is_none() ? IterativeMatcher(Matcher::kind(Kind::Cumulant))
                                            : iterative_matcher_from(cumulant_matcher, "cumulant_matcher"),
                 name_from(suffix, "suffix"),
                 run_on_sampled.is_none() ? Transform::ident() : transform_from(run_on_sampled, "run_on_sampled"));
           }),
           py::arg("sample_spec").none(false), py::arg("var_matcher") = py::none(), py::arg("cumulant_matcher") = py::none(),
           py::arg("suffix") = "sample", py::arg("run_on_sampled") = py::none())
      .def_property_readonly(
          "sample_spec", [](const Sampler& self) { return self.sample_spec()->copy(); }, "A copy of the spec.")
      .def_property_readonly("expander", &Sampler::expander, "The Expander that samples.")
      .def_property_readonly("cumulant_matcher", &Sampler::cumulant_matcher, "What estimate looks for.")
      .def_property_readonly("run_on_sampled", &Sampler::run_on_sampled, "Applied to every sampled circuit.")
      .def(
          "sample", [](const Sampler& self, const NodePtr& circuit) { return released([&] { return self.sample(circuit); }); },
          py::arg("circuit"), "The circuit with variables replaced by samples; sample axes in front.")
      .def(
          "estimate", [](const Sampler& self, const NodePtr& circuit) { return released([&] { return self.estimate(circuit); }); },
          py::arg("circuit"), "The circuit with cumulants replaced by estimates (spec 09, section 9).")
      .def(
          "estimate_and_sample",
          [](const Sampler& self, const NodePtr& circuit) { return released([&] { return self.sample(self.estimate(circuit)); }); },
          py::arg("circuit"), "sample(estimate(circuit)).")
      .def(
          "__call__",
          [](const Sampler& self, const NodePtr& circuit) { return released([&] { return self.sample(self.estimate(circuit)); }); },
          py::arg("circuit"), "sample(estimate(circuit)).");
}

}  // namespace

void bind_random(py::module_& m) {
  bind_specs(m);
  bind_sampler(m);
  m.def(
      "factored_cumulant_expectation_rewrite", [](const Ref<const Cumulant>& cumulant) { return factored_cumulant_expectation(cumulant); },
      py::arg("cumulant"), "The cumulant by central moments (spec 09, section 2).");
  m.def("kappa_term", &kappa_term_of, py::arg("args"), py::arg("namer") = py::none(), py::arg("on_sub_cumulant_fn") = py::none(),
        "The outer product of one Cumulant per block of (position, circuit), axes by position, and these Cumulants (spec 09, section 12).");
  m.def(
      "rewrite_cum_to_circuit_of_cum",
      [](const Ref<const Cumulant>& cumulant, const NodePtr& node, const py::object& namer, const py::object& on_sub_cumulant_fn) {
        check_callable(namer, "namer");
        check_callable(on_sub_cumulant_fn, "on_sub_cumulant_fn");
        return rewrite_cumulant(cumulant, node, [&](const NodePtr& q) { return substituted_cumulant(q, namer, on_sub_cumulant_fn); });
      },
      py::arg("cumulant"), py::arg("node"), py::arg("namer") = py::none(), py::arg("on_sub_cumulant_fn") = py::none(),
      "The cumulant as a circuit of Cumulants below its argument `node` (spec 09, section 11).");
  py::class_<Cumulant, Node, Ref<Cumulant>>(m.attr("Cumulant"))
      .def(
          "basic_expectation", [](const Cumulant& self) { return basic_expectation(self); },
          "The defining sum over set partitions (spec 09, section 2).");
}

}  // namespace pycircuit
