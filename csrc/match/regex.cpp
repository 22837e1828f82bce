#include "match/regex.h"

#include <map>
#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "match/pair_table.h"

namespace pycircuit {
namespace {

RegexCompiler compile = nullptr;

std::string swap_dots(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("\\.")) {
      out += '.';
      ++i;
    } else if (pattern[i] == '.') {
      out += "\\.";
    } else {
      out += pattern[i];
    }
  }
  return out;
}

}  // namespace

void install_regex_compiler(RegexCompiler compiler) { compile = compiler; }

class RegexMemo {
 public:
  RegexMemo(const std::string& rewritten, const std::string& pattern) : regex_(compile(rewritten, pattern)) {}

  bool found_in(const std::string& text) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = answers_.find(text); known != answers_.end()) return known->second;
    }
    const bool found = regex_->search(text);  // without the lock, since the engine may take the interpreter's
    const std::lock_guard lock(mutex_);
    if (answers_.size() >= kMaxAnswers) answers_.clear();
    answers_.emplace(text, found);
    return found;
  }

  bool found_in_name(uint64_t node_id, const std::string& name) {
    {
      const std::lock_guard lock(mutex_);
      if (const uint32_t known = nodes_.find(node_id, 0); known != PairTable::kNone) return by_node_[known];
    }
    const bool found = found_in(name);
    const std::lock_guard lock(mutex_);
    if (nodes_.size() >= kMaxAnswers) {
      nodes_ = PairTable();
      by_node_.clear();
    }
    if (nodes_.insert(node_id, 0).second) by_node_.push_back(found);
    return found;
  }

  // The live memo of a rewritten pattern; the user's is for messages.
  static std::shared_ptr<RegexMemo> of(const std::string& rewritten, const std::string& pattern) {
    static auto& mutex = *new std::mutex;
    static auto& memos = *new std::map<std::string, std::weak_ptr<RegexMemo>>;
    {
      const std::lock_guard lock(mutex);
      if (const auto entry = memos.find(rewritten); entry != memos.end())
        if (auto memo = entry->second.lock()) return memo;
    }
    auto memo = std::make_shared<RegexMemo>(rewritten, pattern);
    const std::lock_guard lock(mutex);
    std::erase_if(memos, [](const auto& entry) { return entry.second.expired(); });
    memos[rewritten] = memo;
    return memo;
  }

 private:
  static constexpr size_t kMaxAnswers = 1'000'000;
  std::shared_ptr<const CompiledRegex> regex_;
  std::mutex mutex_;
  std::unordered_map<std::string, bool> answers_;
  PairTable nodes_;  // numbers of nodes are never used again, so their answers stay good
  std::vector<bool> by_node_;
};

Regex::Regex(std::string pattern, bool escape_dot)
    : pattern_(std::move(pattern)), rewritten_(escape_dot ? swap_dots(pattern_) : pattern_), escape_dot_(escape_dot) {
  if (!compile) fail(ErrorId::RuntimeError, "no engine for regular expressions is installed");
  memo_ = RegexMemo::of(rewritten_, pattern_);
}

bool Regex::found_in(const std::string& text) const { return memo_->found_in(text); }
bool Regex::found_in_name(uint64_t node_id, const std::string& name) const { return memo_->found_in_name(node_id, name); }

std::string Regex::to_string() const {
  std::string escaped;
  for (const char c : rewritten_) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return "Regex(\"" + escaped + "\", escape_dot=" + (escape_dot_ ? "True" : "False") + ")";
}

}  // namespace pycircuit
