// The SDK's JSON view and reader over any bytes: no crash, and where nlohmann/json accepts a text, the same members.
#include <anduin/json_reader.hpp>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using anduin::json::Reader;
using anduin::json::View;

void walk(const View& v) {
  (void)v.text();
  try {
    (void)v.dec_or_none();
  } catch (const anduin::BadFrame&) {  // no number
  }
  v.members([](std::string_view, const View& m) { walk(m); });
  for (const View e : v) walk(e);
}

/// True when every value of the tree is found in the view, by position, with the same characters.
bool agrees(const nlohmann::json& want, const View& got) {
  if (want.is_object()) {
    if (!got.is_object()) return false;
    std::size_t seen = 0;
    got.members([&](std::string_view, const View&) { ++seen; });
    return seen >= want.size();  // repeated members are one there, two here
  }
  if (want.is_array()) {
    if (got.size() != want.size()) return false;
    std::size_t i = 0;
    for (const View e : got)
      if (!agrees(want[i++], e)) return false;
    return true;
  }
  if (want.is_string() && got.raw().find('\\') == std::string_view::npos) return got.str() == want.get_ref<const std::string&>();
  if (want.is_boolean()) return got.str() == (want.get<bool>() ? "true" : "false");
  return true;
}

int depth(std::string_view text) {
  int now = 0, most = 0;
  for (const char c : text) {
    now += c == '[' || c == '{' ? 1 : 0;
    most = std::max(most, now);
  }
  return most;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string padded(reinterpret_cast<const char*>(data), size);
  const std::string text = padded;
  padded.append(anduin::json::kPadding, '\0');
  auto tree = nlohmann::json::parse(text, nullptr, false);
  // There a zero byte ends the text and a byte order mark may begin it; here both are malformed.
  if (text.find('\0') != std::string::npos || text.starts_with("\xEF\xBB\xBF")) tree = nlohmann::json(nlohmann::json::value_t::discarded);
  try {
    const View v = View::parse(padded.data(), size);
    walk(v);
    if (!tree.is_discarded() && !agrees(tree, v)) std::abort();
  } catch (const anduin::BadFrame&) {
    if (!tree.is_discarded() && depth(text) < 30 && text.find('\\') == std::string::npos) std::abort();
  }
  try {
    Reader r(padded.data(), size);
    if (r.at_object()) r.object([](std::string_view) {});
  } catch (const anduin::BadFrame&) {  // malformed
  }
  return 0;
}
