#include "settle/decision.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

namespace anduin::settle {
namespace {

using nlohmann::json;

Error wrong(const std::string& member, const std::string& text) { return {ErrorKind::kBadRequest, "decision: " + member, text}; }

std::string pad(unsigned value, std::size_t digits) {
  std::string out = std::to_string(value);
  return std::string(digits > out.size() ? digits - out.size() : 0, '0') + out;
}

/// 2026-11-22T20:15:03Z
std::string utc_text(std::int64_t ms) {
  using namespace std::chrono;
  const sys_seconds at{seconds(ms / 1'000)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss of_day(at - day);
  return pad(static_cast<unsigned>(static_cast<int>(date.year())), 4) + '-' + pad(static_cast<unsigned>(date.month()), 2) + '-' +
         pad(static_cast<unsigned>(date.day()), 2) + 'T' + pad(static_cast<unsigned>(of_day.hours().count()), 2) + ':' +
         pad(static_cast<unsigned>(of_day.minutes().count()), 2) + ':' + pad(static_cast<unsigned>(of_day.seconds().count()), 2) + 'Z';
}

/// Exactly the form above: what is printed again must be the same text.
std::optional<std::int64_t> utc_ms(const std::string& text) {
  using namespace std::chrono;
  if (text.size() != 20) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) {
    int out = -1;
    const auto [end, fault] = std::from_chars(text.data() + at, text.data() + at + size, out);
    return fault == std::errc{} && end == text.data() + at + size ? out : -1;
  };
  const int y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2), mi = number(14, 2), s = number(17, 2);
  const year_month_day date{year(y), month(static_cast<unsigned>(std::max(mo, 0))), day(static_cast<unsigned>(std::max(d, 0)))};
  if (y < 1970 || !date.ok() || h < 0 || mi < 0 || s < 0) return std::nullopt;
  const sys_seconds at = sys_days(date) + hours(h) + minutes(mi) + seconds(s);
  const std::int64_t ms = at.time_since_epoch().count() * 1'000;
  return utc_text(ms) == text ? std::optional(ms) : std::nullopt;
}

std::string text_member(const json& file, const char* name, std::size_t bytes_max) {
  const auto it = file.find(name);
  if (it == file.end() || !it->is_string()) throw ErrorException(wrong(name, "is missing, or no text"));
  const auto& text = it->get_ref<const std::string&>();
  if (const std::string why = check_line(text, bytes_max); !why.empty()) throw ErrorException(wrong(name, why));
  return text;
}

template <class T>
T parsed(const json& file, const char* name, const char* what) {
  const auto out = T::parse(text_member(file, name, 66));
  if (!out) throw ErrorException(wrong(name, std::string("is not ") + what));
  return *out;
}

std::uint64_t chain_member(const json& file) {
  const auto it = file.find("chain");
  if (it == file.end() || !it->is_number_unsigned()) throw ErrorException(wrong("chain", "is not a chain id"));
  return it->get<std::uint64_t>();
}

std::int64_t time_member(const json& file, const char* name) {
  const auto ms = utc_ms(text_member(file, name, 20));
  if (!ms) throw ErrorException(wrong(name, "is not a time such as 2026-11-22T20:15:03Z"));
  return *ms;
}

chain::Signature signature_member(const json& file) {
  const auto bytes = from_hex(text_member(file, "signature", 132));
  if (!bytes || bytes->size() != 65) throw ErrorException(wrong("signature", "is not 65 bytes of hex (r, s, v)"));
  chain::Signature out;
  std::copy_n(bytes->begin(), 32, out.r.begin());
  std::copy_n(bytes->begin() + 32, 32, out.s.begin());
  const std::uint8_t v = bytes->back();
  if (v != 0 && v != 1 && v != 27 && v != 28) throw ErrorException(wrong("signature", "has a last byte that is not 27 or 28"));
  out.y_parity = v >= 27 ? static_cast<std::uint8_t>(v - 27) : v;
  return out;
}

SignedDecision read(const json& file) {
  SignedDecision d;
  d.ref_id = parsed<Hash>(file, "refId", "32 bytes of hex");
  d.chain_id = chain_member(file);
  d.vault = parsed<Address>(file, "vault", "an address");
  d.user = parsed<Address>(file, "user", "an address");
  d.action = text_member(file, "action", 32);
  d.units = text_member(file, "units", 80);
  const auto verdict = parse_verdict(text_member(file, "decision", 16));
  if (!verdict) throw ErrorException(wrong("decision", "is neither approve nor reject"));
  d.verdict = *verdict;
  d.reason = text_member(file, "reason", kDecisionTextMax);
  d.who = text_member(file, "who", kDecisionTextMax);
  d.signed_ms = time_member(file, "time");
  d.expires_ms = time_member(file, "expires");
  // What the approver saw in the file is what is signed, or it is refused.
  if (file.contains("text") && file["text"] != decision_text(d))
    throw ErrorException(wrong("text", "was altered: it is not what the other members say"));
  d.signature = signature_member(file);
  return d;
}

}  // namespace

const char* to_string(Verdict v) { return v == Verdict::kApprove ? "approve" : "reject"; }

std::optional<Verdict> parse_verdict(std::string_view text) {
  if (text == "approve") return Verdict::kApprove;
  if (text == "reject") return Verdict::kReject;
  return std::nullopt;
}

std::string check_line(std::string_view text, std::size_t bytes_max) {
  if (text.find_first_not_of(" \t") == std::string_view::npos) return "is empty";
  if (text.size() > bytes_max) return "is over " + std::to_string(bytes_max) + " bytes";
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control)) return "has a line break or a control character; write one line";
  return {};
}

std::string decision_text(const Decision& d) {
  return "Anduin settlement decision\nrefId: " + d.ref_id.to_string() + "\nchain: " + std::to_string(d.chain_id) +
         "\nvault: " + d.vault.to_string() + "\nuser: " + d.user.to_string() + "\naction: " + d.action + "\nunits: " + d.units +
         "\ndecision: " + to_string(d.verdict) + "\nreason: " + d.reason + "\nwho: " + d.who + "\ntime: " + utc_text(d.signed_ms) +
         "\nexpires: " + utc_text(d.expires_ms);
}

Hash decision_digest(const Decision& d) { return chain::personal_message_hash(decision_text(d)); }

std::string decision_json(const Decision& d) {
  const nlohmann::ordered_json out{
      {"refId", d.ref_id.to_string()}, {"chain", d.chain_id}, {"vault", d.vault.to_string()}, {"user", d.user.to_string()},
      {"action", d.action}, {"units", d.units}, {"decision", to_string(d.verdict)}, {"reason", d.reason}, {"who", d.who},
      {"time", utc_text(d.signed_ms)}, {"expires", utc_text(d.expires_ms)}, {"text", decision_text(d)}};
  return out.dump(2, ' ', false, json::error_handler_t::replace);
}

Result<SignedDecision> parse_decision(std::string_view text) {
  if (text.size() > kDecisionFileMax) return wrong("file", "is over " + std::to_string(kDecisionFileMax) + " bytes");
  const json file = json::parse(text, nullptr, false);
  if (!file.is_object()) return wrong("file", "is no JSON object");
  try {
    return read(file);
  } catch (const ErrorException& e) {
    return e.error;
  }
}

Result<Address> decision_signer(const SignedDecision& d) {
  auto signer = chain::recover(decision_digest(d), d.signature);
  if (!signer) return wrong("signature", "is none: " + signer.error().text);
  return signer;
}

}  // namespace anduin::settle
