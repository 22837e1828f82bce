// Arguments of any kind, read safely: methods of a sequence may raise, its length may be a lie, its items may be anything.
#pragma once

#include <vector>

#include "python/convert.h"
#include "python/shown.h"

namespace pycircuit {

// More is a mistake such as range(2**40), which would fill the memory before anything looks at it.
constexpr Py_ssize_t kMaxItems = 10'000'000;

// The items of a sequence (list, tuple, torch.Size, range, numpy array, ...) as a list or tuple. TypeError for other things (a str or bytes
// too), OverflowError for more than kMaxItems; what the sequence itself raises goes through.
py::object items_of(py::handle value, std::string_view what, std::string_view expected);

template <class Visit>
void each(py::handle value, std::string_view what, std::string_view expected, Visit&& visit) {
  const py::object items = items_of(value, what, expected);
  // The list may be the caller's own, and a visit may change it.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i)
    visit(py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i)));
}

// An object of a bound class, or a pair or tuple of such; TypeError for anything else, None included.
template <class T>
T object_from(py::handle value, std::string_view what, std::string_view expected) {
  py::detail::make_caster<T> caster;
  if (value.is_none() || !caster.load(value, true)) fail_expected(what, expected, value);
  return py::detail::cast_op<T>(std::move(caster));
}
template <class T>
std::vector<T> objects_from(py::handle values, std::string_view what, std::string_view expected) {
  std::vector<T> out;
  each(values, what, expected, [&](py::handle value) { out.push_back(object_from<T>(value, what, expected)); });
  return out;
}

// TypeError for what is neither callable nor None.
void check_callable(py::handle value, std::string_view what);
// TypeError for what is neither a TensorCacheRrfs nor None.
void check_tensor_cache(py::handle value);
std::vector<Shape> shapes_from(py::handle value, std::string_view what = "shapes");

}  // namespace pycircuit
