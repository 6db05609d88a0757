#include "venue/frame_rules.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace anduin::venue {
namespace {

using nlohmann::json;

constexpr std::size_t kDepthMax = 32;  // no venue's frame nests deeper than four

Error bad(std::string where, std::string text) {
  return {ErrorKind::kBadRequest, std::move(where), std::move(text)};
}
std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string text_of(const json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Result<std::vector<std::string>> texts(const json& object, const char* name, const std::string& where) {
  std::vector<std::string> out;
  const auto it = object.find(name);
  if (it == object.end()) return out;
  const std::string at = where + "/" + name;
  if (!it->is_array()) return bad(at, "write a list of texts");
  for (const json& item : *it) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty())
      return bad(at, "write a list of texts, none empty");
    out.push_back(item.get<std::string>());
  }
  return out;
}

/// Finds repeated member names at any depth; names arrive unescaped.
class MemberCheck final : public nlohmann::json_sax<json> {
 public:
  std::string repeated;
  bool too_deep = false;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(json::number_integer_t) override { return true; }
  bool number_unsigned(json::number_unsigned_t) override { return true; }
  bool number_float(json::number_float_t, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return push(); }
  bool end_object() override { return pop(); }
  bool start_array(std::size_t) override { return push(); }
  bool end_array() override { return pop(); }
  bool key(std::string& name) override {
    if (levels_.back().insert(name).second) return true;
    repeated = name;
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  bool push() {
    too_deep = levels_.size() >= kDepthMax;
    levels_.emplace_back();
    return !too_deep;
  }
  bool pop() {
    levels_.pop_back();
    return true;
  }
  std::vector<std::set<std::string>> levels_;
};

/// Every text at a dotted path; a list on the way stands for each of its items. False: something else is
/// there.
bool collect(const json& at, std::string_view path, std::vector<std::string>& out) {
  if (at.is_array()) {
    return std::all_of(at.begin(), at.end(), [&](const json& item) { return collect(item, path, out); });
  }
  if (path.empty()) {
    if (!at.is_string()) return false;
    out.push_back(at.get<std::string>());
    return true;
  }
  if (!at.is_object()) return false;
  const std::size_t dot = path.find('.');
  const auto it = at.find(std::string(path.substr(0, dot)));
  return it != at.end() && collect(*it, dot == path.npos ? std::string_view() : path.substr(dot + 1), out);
}

bool topic_listed(const std::vector<std::string>& topics, const std::string& topic) {
  return std::any_of(topics.begin(), topics.end(), [&](const std::string& t) {
    if (!t.ends_with('*')) return t == topic;
    return topic.size() >= t.size() && topic.starts_with(std::string_view(t).substr(0, t.size() - 1));
  });
}

}  // namespace

Result<FrameRules> FrameRules::parse(const json& entry, const std::string& where) {
  if (!entry.is_object()) return bad(where, "write an object with key, allow, fields and perhaps topics");
  static const std::set<std::string> known{"key",       "allow",  "fields", "topics_at",
                                           "topic_ops", "topics", "raw"};
  for (const auto& [name, value] : entry.items())
    if (!known.contains(name)) return bad(where + "/" + name, "unknown member of ws_egress");
  FrameRules out;
  out.key_ = text_of(entry, "key");
  out.topics_at_ = text_of(entry, "topics_at");
  for (const auto& [name, list] : {std::pair{"allow", &out.allow_},
                                   {"fields", &out.fields_},
                                   {"topic_ops", &out.topic_ops_},
                                   {"topics", &out.topics_},
                                   {"raw", &out.raw_}}) {
    auto read = texts(entry, name, where);
    if (!read) return read.error();
    *list = std::move(*read);
  }
  if (out.key_.empty() && out.raw_.empty())
    return bad(where + "/key", "write the member that names the operation, such as \"op\"");
  if (!out.key_.empty() && out.allow_.empty())
    return bad(where + "/allow", "list the operations that may be sent");
  if (!out.key_.empty() && !has(out.fields_, out.key_))
    return bad(where + "/fields", "list every member of a frame, " + in_quotes(out.key_) + " too");
  if (out.topics_.empty() != out.topic_ops_.empty() || out.topics_.empty() != out.topics_at_.empty())
    return bad(where, "topics, topic_ops and topics_at belong together: write all three or none");
  for (const std::string& op : out.topic_ops_)
    if (!has(out.allow_, op)) return bad(where + "/topic_ops", in_quotes(op) + " is not one of allow");
  if (has(out.topics_, "*"))
    return bad(where + "/topics", "\"*\" alone would allow every topic: name them");
  return out;
}

Result<void> FrameRules::allow(std::string_view endpoint, std::string_view text) const {
  if (has(raw_, text)) return {};
  const std::string where = "/ws_egress/" + std::string(endpoint);
  const auto refuse = [](const std::string& at, const std::string& why) {
    return bad(at, "frame refused: " + why);
  };
  // A byte order mark or blanks around the object: some readers skip them, none of our plugins writes them.
  if (key_.empty() || !text.starts_with('{') || !text.ends_with('}'))
    return refuse(where + "/raw", "it is neither a listed raw text nor one JSON object");
  MemberCheck check;
  if (!json::sax_parse(text, &check)) {
    if (!check.repeated.empty())
      return refuse(where, "member " + in_quotes(check.repeated) +
                               " is repeated: readers differ about which one counts");
    return refuse(where, check.too_deep ? "it is nested too deep" : "it is not one JSON object");
  }
  const json frame = json::parse(text, nullptr, false);
  if (!frame.is_object()) return refuse(where, "it is not one JSON object");
  const auto op = frame.find(key_);
  if (op == frame.end() || !op->is_string())
    return refuse(where + "/key", "it has no text " + in_quotes(key_));
  const std::string name = op->get<std::string>();
  if (!has(allow_, name))
    return refuse(where + "/allow", key_ + " " + in_quotes(name) + " is not listed there");
  for (const auto& [member, value] : frame.items())
    if (!has(fields_, member))
      return refuse(where + "/fields", "member " + in_quotes(member) + " is not listed there");
  if (!has(topic_ops_, name)) return {};
  std::vector<std::string> topics;
  if (!collect(frame, topics_at_, topics) || topics.empty())
    return refuse(
        where + "/topics_at",
        in_quotes(name) + " has no topic, or something else than texts, at " + in_quotes(topics_at_));
  for (const std::string& topic : topics)
    if (!topic_listed(topics_, topic))
      return refuse(where + "/topics", "topic " + in_quotes(topic) + " is not listed there");
  return {};
}

}  // namespace anduin::venue
