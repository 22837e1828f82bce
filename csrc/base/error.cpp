// CircuitError: message layout and the lookups in the error table.
#include "base/error.h"

#include <array>
#include <sstream>

namespace pycircuit {
namespace {

struct Row {
  const char* class_name;
  const char* fields;
};

constexpr std::array kRows = {
#define PYCIRCUIT_ROW(prefix, name, fields, type_error) Row{#prefix #name "Error", fields},
    PYCIRCUIT_ERRORS(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
#define PYCIRCUIT_ROW(family, prefix, base) Row{#family, ""},
        PYCIRCUIT_ERROR_FAMILIES(PYCIRCUIT_ROW)
#undef PYCIRCUIT_ROW
            Row{"RuntimeError", ""},
    Row{"TypeError", ""},
    Row{"ValueError", ""},
    Row{"OverflowError", ""},
    Row{"IndexError", ""},
    Row{"KeyError", ""},
    Row{"AssertionError", ""},
    Row{"NotImplementedError", ""},
    Row{"ImportError", ""},
    Row{"OSError", ""},
    Row{"AttributeError", ""},
    Row{"UnicodeEncodeError", ""},
};

template <class Items, class Text>
std::string joined(const char* open, const Items& items, const char* close, Text&& text) {
  std::string out = open;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ", ";
    first = false;
    out += text(item);
  }
  return out + close;
}

}  // namespace

std::string to_text(const PayloadValue& payload) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool v) const { return v ? "True" : "False"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const {
      std::ostringstream out;
      out << v;
      return out.str();
    }
    std::string operator()(const std::string& v) const { return "'" + v + "'"; }
    std::string operator()(const PayloadShape& v) const {
      return joined("[", v.sizes, "]", [](int64_t size) { return std::to_string(size); });
    }
    std::string operator()(const PayloadList& v) const { return joined("[", v, "]", to_text); }
    std::string operator()(const PayloadTuple& v) const { return joined("(", v.items, ")", to_text); }
    std::string operator()(const PayloadSet& v) const { return joined("{", v.items, "}", to_text); }
    std::string operator()(const PayloadDict& v) const {
      return joined("{", v.items, "}", [](const auto& item) { return "'" + item.first + "': " + std::to_string(item.second); });
    }
    std::string operator()(const OpaqueValue& v) const { return v.text; }
  };
  return std::visit(Visitor{}, payload.value);
}

std::string error_class_name(ErrorId id) { return kRows[static_cast<size_t>(id)].class_name; }

std::vector<std::string> error_fields(ErrorId id) {
  std::istringstream in(kRows[static_cast<size_t>(id)].fields);
  std::vector<std::string> fields;
  for (std::string field; in >> field;) fields.push_back(field);
  return fields;
}

// what() is a C string, which would end at the first zero byte of a name.
static void show_zeros(std::string& message) {
  for (size_t at = message.find('\0'); at != std::string::npos; at = message.find('\0', at)) message.replace(at, 1, "\\0");
}

CircuitError::CircuitError(ErrorId id, std::string message, PayloadList payload)
    : id_(id), payload_(std::move(payload)), message_(std::move(message)) {
  show_zeros(message_);
  if (id >= ErrorId::RuntimeError) return;
  message_ += " (" + error_class_name(id) + ")";
  const auto fields = error_fields(id);
  payload_.resize(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) message_ += (i ? ", " : "\n  ") + fields[i] + "=" + to_text(payload_[i]);
  show_zeros(message_);
}

void CircuitError::add_context(std::string_view context) {
  message_ += "\n  ";
  message_ += context;
  show_zeros(message_);
}

}  // namespace pycircuit
