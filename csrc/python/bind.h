// One bind function per topic; module.cpp calls them in this order.
#pragma once

#include <pybind11/pybind11.h>

namespace pycircuit {

void bind_errors(pybind11::module_& m);
void bind_device_dtype(pybind11::module_& m);
void bind_shape(pybind11::module_& m);
void bind_circuit(pybind11::module_& m);     // Circuit: properties and methods of every node
void bind_leaves(pybind11::module_& m);      // Array, Symbol, Scalar
void bind_operations(pybind11::module_& m);  // Einsum, Add, Rearrange, Index, Concat, Scatter, Conv
void bind_variables(pybind11::module_& m);   // SetSymbolicShape, Tag, DiscreteVar, StoredCumulantVar, Cumulant
void bind_pickle(pybind11::module_& m);      // pickling of circuits; after all node classes
void bind_functions(pybind11::module_& m);   // GeneralFunction and its specs
void bind_tensor(pybind11::module_& m);      // content keys, tensor store
void bind_module(pybind11::module_& m);      // Module, ModuleSpec, binding, conforming, pushing
void bind_match(pybind11::module_& m);
void bind_walk(pybind11::module_& m);
void bind_text(pybind11::module_& m);
void bind_random(pybind11::module_& m);
void bind_rewrite(pybind11::module_& m);
void bind_evaluate(pybind11::module_& m);
void bind_schedule(pybind11::module_& m);  // settings, schedules, optimizer

}  // namespace pycircuit
