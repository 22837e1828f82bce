// The one exception type of the core, with ids from the error table (spec 01, section 12).
//
// Throw with `fail(ErrorId::ConstructConcatZeroNodes, "message", payload...)`; the payload values follow the fields of the table's row.
// Builtin Python classes are ids too (`ErrorId::RuntimeError`, ...), without payload. `python/` turns a CircuitError into its class.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <variant>
#include <vector>

#include "base/error_table.h"

namespace pycircuit {

enum class ErrorId : uint16_t {
#define PYCIRCUIT_ROW(prefix, name, fields, type_error) prefix##name,
  PYCIRCUIT_ERRORS(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
// A family class raised directly.
#define PYCIRCUIT_ROW(family, prefix, base) family,
      PYCIRCUIT_ERROR_FAMILIES(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
          RuntimeError,
  TypeError,
  ValueError,
  OverflowError,
  BuiltinIndexError,
  KeyError,
  AssertionError,
  NotImplementedError,
  ImportError,
  OSError,
  AttributeError,
  UnicodeEncodeError,
};

// A value of a higher room inside a payload (a circuit, a matcher, a tensor): python/ knows how to convert each registered type.
struct OpaqueValue {
  std::type_index type;
  std::shared_ptr<const void> value;
  std::string text;  // how the message shows it
};

struct PayloadValue;
using PayloadList = std::vector<PayloadValue>;
struct PayloadShape {  // becomes a tuple of ints
  std::vector<int64_t> sizes;
};
struct PayloadTuple {
  PayloadList items;
};
struct PayloadSet {
  PayloadList items;
};
struct PayloadDict {
  std::vector<std::pair<std::string, int64_t>> items;  // str -> count
};

struct PayloadValue {
  std::variant<std::monostate, bool, int64_t, double, std::string, PayloadShape, PayloadList, PayloadTuple, PayloadSet, PayloadDict,
               OpaqueValue>
      value;

  PayloadValue() = default;
  PayloadValue(bool v) : value(v) {}
  PayloadValue(int v) : value(static_cast<int64_t>(v)) {}
  PayloadValue(int64_t v) : value(v) {}
  PayloadValue(size_t v) : value(static_cast<int64_t>(v)) {}
  PayloadValue(double v) : value(v) {}
  PayloadValue(const char* v) : value(std::string(v)) {}
  PayloadValue(std::string v) : value(std::move(v)) {}
  PayloadValue(std::string_view v) : value(std::string(v)) {}
  PayloadValue(std::vector<int64_t> shape) : value(PayloadShape{std::move(shape)}) {}
  PayloadValue(PayloadShape v) : value(std::move(v)) {}
  PayloadValue(PayloadList v) : value(std::move(v)) {}
  PayloadValue(PayloadTuple v) : value(std::move(v)) {}
  PayloadValue(PayloadSet v) : value(std::move(v)) {}
  PayloadValue(PayloadDict v) : value(std::move(v)) {}
  PayloadValue(OpaqueValue v) : value(std::move(v)) {}
  template <class T>
  PayloadValue(const std::optional<T>& v) {
    if (v) *this = PayloadValue(*v);
  }
};

template <class T>
PayloadValue opaque(T value, std::string text) {
  return OpaqueValue{std::type_index(typeid(T)), std::make_shared<const T>(std::move(value)), std::move(text)};
}

// A list of ints that becomes a Python list (a Shape becomes a tuple).
template <class Ints>
PayloadValue int_list(const Ints& ints) {
  PayloadList list;
  for (auto i : ints) list.emplace_back(static_cast<int64_t>(i));
  return list;
}

std::string to_text(const PayloadValue& value);

class CircuitError : public std::exception {
 public:
  CircuitError(ErrorId id, std::string message, PayloadList payload = {});
  ErrorId id() const { return id_; }
  const PayloadList& payload() const { return payload_; }
  const char* what() const noexcept override { return message_.c_str(); }
  // Puts a line after the original text: "while constructing ...".
  void add_context(std::string_view context);

 private:
  ErrorId id_;
  PayloadList payload_;
  std::string message_;
};

// Full Python class name of an id, e.g. "ConstructConcatZeroNodesError".
std::string error_class_name(ErrorId id);
// Field names of a row, in order; empty for families and builtins.
std::vector<std::string> error_fields(ErrorId id);

template <class... Values>
[[noreturn]] void fail(ErrorId id, std::string message, Values&&... values) {
  throw CircuitError(id, std::move(message), PayloadList{PayloadValue(std::forward<Values>(values))...});
}

// Runs `body`; a CircuitError that leaves it gets `context()` as a further line.
template <class Body, class Context>
auto with_context(Body&& body, Context&& context) {
  try {
    return body();
  } catch (CircuitError& error) {
    error.add_context(context());
    throw;
  }
}

}  // namespace pycircuit
