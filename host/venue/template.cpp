#include "venue/template.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

namespace anduin::venue {
namespace {

constexpr std::array<std::pair<std::string_view, Var>, 12> kNames{{
    {"key", Var::kKey},
    {"passphrase", Var::kPassphrase},
    {"ts_iso", Var::kTimeIso},
    {"ts_iso_s", Var::kTimeIsoS},
    {"nonce", Var::kNonce},
    {"sig", Var::kSig},
    {"host", Var::kHost},
    {"method", Var::kMethod},
    {"path", Var::kPath},
    {"query", Var::kQuery},
    {"target", Var::kTarget},
    {"body", Var::kBody},
}};
constexpr std::string_view kKnown =
    "key, passphrase, ts_ms, ts_s, ts_iso, ts_iso_s, nonce, sig, sig.NAME, arg.NAME, host, and in sign "
    "programs "
    "method, path, query, target, body";
constexpr std::size_t kOffsetDigitsMax = 9;  // over 11 days of milliseconds: no venue's window is longer

Error bad(std::string_view whole, std::string text) {
  return {ErrorKind::kBadRequest, "{{" + std::string(whole) + "}}", std::move(text)};
}

bool is_name(std::string_view name) {
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain) return false;
  }
  return !name.empty();
}

/// ts_ms, ts_s, each perhaps with +N or -N in its own unit.
bool read_time(std::string_view name, Placeholder& p) {
  const bool ms = name.starts_with("ts_ms");
  if (!ms && !name.starts_with("ts_s")) return false;
  p.var = ms ? Var::kTimeMs : Var::kTimeS;
  name.remove_prefix(ms ? 5 : 4);
  if (name.empty()) return true;
  const char sign = name.front();
  name.remove_prefix(1);
  if ((sign != '+' && sign != '-') || name.empty() || name.size() > kOffsetDigitsMax) return false;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error != std::errc{} || end != name.data() + name.size() || n < 0) return false;
  p.offset_ms = (sign == '-' ? -n : n) * (ms ? 1 : 1000);
  return true;
}

bool read_variable(std::string_view name, Placeholder& p) {
  for (const auto& [known, var] : kNames) {
    if (name != known) continue;
    p.var = var;
    return true;
  }
  for (const auto& [prefix, var] : {std::pair{std::string_view("arg."), Var::kArg}, {"sig.", Var::kSig}}) {
    if (!name.starts_with(prefix)) continue;
    p.var = var;
    p.name = name.substr(prefix.size());
    return is_name(p.name);
  }
  return read_time(name, p);
}

bool read_filter(std::string_view text, Filter& f) {
  constexpr std::string_view kStrip = "strip:";
  if (text == "json") f.kind = Filter::Kind::kJson;
  else if (text == "pct") f.kind = Filter::Kind::kPercent;
  else if (text.starts_with(kStrip) && text.size() > kStrip.size()) {
    f.kind = Filter::Kind::kStrip;
    f.prefix = text.substr(kStrip.size());
  } else {
    return false;
  }
  return true;
}

Result<Placeholder> read_placeholder(std::string_view whole) {
  Placeholder p;
  p.text = "{{" + std::string(whole) + "}}";
  std::size_t bar = whole.find('|');
  if (!read_variable(whole.substr(0, bar), p))
    return bad(whole, "no such placeholder; there are " + std::string(kKnown) +
                          ", and offsets as in ts_ms+10000 (the secret itself can never be written)");
  while (bar != std::string_view::npos) {
    const std::size_t next = whole.find('|', bar + 1);
    Filter f;
    const std::string_view name =
        whole.substr(bar + 1, next == std::string_view::npos ? next : next - bar - 1);
    if (!read_filter(name, f))
      return bad(whole,
                 "no such filter \"" + std::string(name) + "\"; there are json, pct and strip:PREFIX");
    p.filters.push_back(std::move(f));
    bar = next;
  }
  return p;
}

void append_json(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
}

void append_percent(std::string& out, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : value) {
    const bool plain = is_name({&c, 1}) || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
}

std::string apply(const Filter& f, std::string value) {
  std::string out;
  switch (f.kind) {
    case Filter::Kind::kJson: append_json(out, value); return out;
    case Filter::Kind::kPercent: append_percent(out, value); return out;
    case Filter::Kind::kStrip: break;
  }
  return value.starts_with(f.prefix) ? value.substr(f.prefix.size()) : value;
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  Template out;
  std::size_t at = 0;
  while (at < text.size()) {
    Part part;
    std::size_t open = text.find("{{", at);
    if (open == std::string_view::npos) {
      part.literal = text.substr(at);
      out.parts_.push_back(std::move(part));
      break;
    }
    while (open + 2 < text.size() && text[open + 2] == '{') ++open;  // a brace of JSON stands before it
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos)
      return Error{ErrorKind::kBadRequest, std::string(text.substr(open, 24)),
                   "a placeholder without its }}"};
    part.literal = text.substr(at, open - at);
    auto placeholder = read_placeholder(text.substr(open + 2, close - open - 2));
    if (!placeholder) return placeholder.error();
    part.value = std::move(*placeholder);
    out.parts_.push_back(std::move(part));
    at = close + 2;
  }
  return out;
}

Result<std::string> Template::render(const Resolve& resolve) const {
  std::string out;
  for (const Part& part : parts_) {
    out += part.literal;
    if (!part.value) continue;
    auto value = resolve(*part.value);
    if (!value) return value.error();
    for (const Filter& f : part.value->filters) *value = apply(f, std::move(*value));
    out += *value;
  }
  return out;
}

bool Template::uses(Var var) const {
  for (const Part& part : parts_)
    if (part.value && part.value->var == var) return true;
  return false;
}

void Template::each(const std::function<void(const Placeholder&)>& visit) const {
  for (const Part& part : parts_)
    if (part.value) visit(*part.value);
}

Template::Halves Template::cut(char separator) const {
  Halves out;
  for (const Part& part : parts_) {
    if (out.found) {
      out.rest.parts_.push_back(part);
      continue;
    }
    const std::size_t at = part.literal.find(separator);
    out.found = at != std::string::npos;
    if (!out.found) {
      out.first.parts_.push_back(part);
      continue;
    }
    if (at > 0) out.first.parts_.push_back({part.literal.substr(0, at), std::nullopt});
    Part behind{part.literal.substr(at + 1), part.value};
    if (!behind.literal.empty() || behind.value) out.rest.parts_.push_back(std::move(behind));
  }
  return out;
}

std::vector<Template> Template::split(char separator) const {
  std::vector<Template> out;
  Halves halves{{}, *this, true};
  while (halves.found) {
    halves = halves.rest.cut(separator);
    out.push_back(halves.first);
  }
  return out;
}

char Template::first_literal() const {
  return parts_.empty() || parts_.front().literal.empty() ? '\0' : parts_.front().literal.front();
}

std::string iso_time(std::int64_t ms, bool milliseconds) {
  using namespace std::chrono;
  const sys_time<std::chrono::milliseconds> when{std::chrono::milliseconds(ms)};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  std::string out = text.data();
  if (!milliseconds) return out;
  std::snprintf(text.data(), text.size(), ".%03dZ", static_cast<int>(time.subseconds().count()));
  return out + text.data();
}

}  // namespace anduin::venue
