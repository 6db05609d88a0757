#include "pipeline/context.hpp"

#include <algorithm>
#include <set>

#include "base/nearest.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::string_view kEnvOpen = "${env:";
/// Names shown in a hint; more would bury the message.
constexpr std::size_t kListedMax = 10;

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "'" + node.Scalar() + "'";
    default:
      return "nothing";
  }
}

}  // namespace

Place place_of(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < kListedMax; ++i) out += (i == 0 ? "" : ", ") + words[i];
  return words.size() > kListedMax ? out + ", ..." : out;
}

std::string hint(std::string_view word, const std::vector<std::string>& known) {
  if (const std::string near = nearest(word, known); !near.empty()) return "; did you mean '" + near + "'?";
  return known.empty() ? "" : "; known are " + listed(known);
}

/// Extends the path while a member or an item is read.
class Context::Enter {
 public:
  Enter(Context& context, const std::string& step, const YAML::Node& node)
      : context_(context), was_(context.path_) {
    if (!context.path_.empty() && step.front() != '[') context.path_ += '.';
    context.path_ += step;
    context.places_.emplace(context.path_, place_of(node));
  }
  ~Enter() { context_.path_ = was_; }
  Enter(const Enter&) = delete;
  Enter& operator=(const Enter&) = delete;

 private:
  Context& context_;
  std::string was_;
};

Context::Context(std::filesystem::path file, const Environment& environment)
    : file_(std::move(file)), environment_(environment) {}

void Context::error(Place place, std::string text) {
  failed_ = true;
  problems_.push_back({Problem::Severity::kError, place, std::move(text)});
}

void Context::warning(Place place, std::string text) {
  problems_.push_back({Problem::Severity::kWarning, place, std::move(text)});
}

std::optional<Scalar> Context::scalar(const YAML::Node& node, std::string_view what) {
  const Place place = place_of(node);
  if (!node.IsScalar()) {
    error(place, "expected " + std::string(what) + ", found " + kind_of(node));
    return std::nullopt;
  }
  Scalar out;
  out.place = place;
  // yaml-cpp tags plain scalars "?" and quoted or block ones "!".
  out.plain = node.Tag() == "?";
  const std::string& raw = node.Scalar();
  std::size_t from = 0;
  for (std::size_t open = raw.find(kEnvOpen); open != std::string::npos; open = raw.find(kEnvOpen, from)) {
    const std::size_t close = raw.find('}', open);
    const std::string name = close == std::string::npos
                                 ? ""
                                 : raw.substr(open + kEnvOpen.size(), close - open - kEnvOpen.size());
    if (!is_variable_name(name)) {
      error(place, "a variable is written ${env:NAME}, with letters, digits and _ in its name");
      return std::nullopt;
    }
    out.plain = false;
    if (out.env.empty()) out.env = name;
    out.text += raw.substr(from, open - from);
    const auto value = environment_(name);
    if (value && !value->empty())
      out.text += *value;
    else if (out.missing_env.empty())
      out.missing_env = name;
    from = close + 1;
  }
  out.text += raw.substr(from);
  return out;
}

std::optional<Scalar> Context::complete_scalar(const YAML::Node& node, std::string_view what) {
  auto out = scalar(node, what);
  if (out && !out->missing_env.empty()) {
    error(out->place, "environment variable " + out->missing_env + " is not set; set it, or write " +
                          std::string(what) + " here");
    return std::nullopt;
  }
  return out;
}

bool Context::each_member(const YAML::Node& node, std::string_view what,
                          const std::function<void(const std::string&, Place, const YAML::Node&)>& member) {
  if (!node.IsMap()) {
    error(place_of(node),
          "expected " + std::string(what) + " (lines of key: value), found " + kind_of(node));
    return false;
  }
  std::map<std::string, Place> seen;
  for (const auto& entry : node) {
    const Place key_place = place_of(entry.first);
    if (!entry.first.IsScalar()) {
      error(key_place, "a key is one word, found " + kind_of(entry.first));
      continue;
    }
    const std::string key = entry.first.Scalar();
    const auto [before, fresh] = seen.emplace(key, key_place);
    if (!fresh) {
      error(key_place, "'" + key + "' stands here a second time; keep this one or the one in line " +
                           std::to_string(before->second.line));
      continue;
    }
    if (key.empty()) {
      error(key_place, "an empty key; give it a name");
      continue;
    }
    const Enter enter(*this, key, entry.second);
    member(key, key_place, entry.second);
  }
  return true;
}

bool Context::each_item(const YAML::Node& node, std::string_view what,
                        const std::function<void(const YAML::Node&)>& item) {
  if (!node.IsSequence()) {
    error(place_of(node), "expected " + std::string(what) + ", as in [a, b], found " + kind_of(node));
    return false;
  }
  std::size_t i = 0;
  for (const auto& entry : node) {
    const Enter enter(*this, "[" + std::to_string(i++) + "]", entry);
    item(entry);
  }
  return true;
}

Place Context::at(const std::string& path) const {
  // The nearest enclosing value that stands in the file.
  for (std::string p = path; !p.empty();) {
    if (const auto found = places_.find(p); found != places_.end()) return found->second;
    const std::size_t cut = p.find_last_of(".[");
    if (cut == std::string::npos) break;
    p.resize(cut);
  }
  return {};
}

std::filesystem::path Context::absolute(const std::string& text) const {
  const std::filesystem::path path(text);
  if (path.is_absolute()) return path.lexically_normal();
  return (file_.parent_path() / path).lexically_normal();
}

std::vector<Problem> Context::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return std::move(problems_);
}

}  // namespace anduin::pipeline
