#include "prices.hpp"

#include "errors.hpp"
#include "instruments.hpp"
#include "ping.hpp"

namespace anduin::htx {
namespace {

constexpr std::string_view kPrefix = "market.";

PublicVenue<SymbolState>::Policy policy() {
  PublicVenue<SymbolState>::Policy p;
  p.topics = {.venue = "HTX", .topics_per_request = 1};
  p.rest_rate = "public";
  return p;
}

}  // namespace

Prices::Prices(const venue::Options& options) : PublicVenue(policy()) {
  const std::string channel = options.text("price_channel");
  whole_book_ = channel == "depth.step0";
  if (!whole_book_ && channel != "bbo")
    throw BadOption("/price_channel", "'" + channel + "' is neither bbo nor depth.step0");
  suffix_ = "." + channel;
  add_market(std::string(kMarket), "public");
  add_listing(options.text("instruments_path"));
}

// -- instruments ----------------------------------------------------------------------------------------------------

Answer Prices::judge(const venue::Reply& reply) { return htx::judge(reply, now_ms()); }

std::string Prices::take_instruments(std::size_t, const Answer& answer) {
  const json::View rows = answer.result["data"];
  if (!rows.is_array()) throw BadFrame("an answer without a list");
  each_row(rows, "contract_info", "contract_code", [&](const json::View& row) {
    const InstrumentRow instrument(row);
    if (instrument.is_swap) list(0, instrument.info);
  });
  return "";
}

// -- subscriptions --------------------------------------------------------------------------------------------------

std::string Prices::topic_of(const Line&, std::string_view native) const {
  return std::string(kPrefix) + std::string(native) + suffix_;
}

std::string Prices::native_of(std::string_view topic) const {
  return std::string(topic.substr(kPrefix.size(), topic.size() - kPrefix.size() - suffix_.size()));
}

std::string Prices::subscription_frame(const Line&, const Subscriptions::Request& request) {
  return std::string(request.subscribe ? R"({"sub":)" : R"({"unsub":)") + json::quoted(request.topics.front()) +
         R"(,"id":")" + request.id + R"("})";
}

void Prices::dial_line(Line& line) { open(line.connection, "public", {.decode = AND_DECODE_GZIP}); }

// -- frames ---------------------------------------------------------------------------------------------------------

/// [price,contracts]; null is no news, [] is an empty side.
void Prices::read_best(json::Reader& reader, Side& side) {
  if (!reader.at_array()) return;
  side = {true, {}, {}};
  int at = 0;
  reader.array([&] {
    if (at == 0)
      side.price = reader.dec();
    else if (at == 1)
      side.size = reader.dec();
    ++at;
  });
}

void Prices::read_levels(json::Reader& reader, Side& side, bool highest) {
  if (!reader.at_array()) return;
  side = {true, {}, {}};
  reader.array([&] {
    Side level;
    read_best(reader, level);
    const bool better = side.price.is_zero() || (highest ? level.price > side.price : level.price < side.price);
    if (level.said && level.size.sign() > 0 && better) side = level;
  });
}

void Prices::take_frame(Line& line, const venue::Frame& frame) {
  if (frame.binary) return problem("public", "a binary frame that is not compressed as HTX does it");
  std::string_view channel;
  bool has_tick = false;
  Side bid, ask;
  std::int64_t version = 0, venue_ms = 0;
  json::Reader reader = frame.reader();
  reader.object([&](std::string_view key) {
    if (key == "ch")
      channel = reader.str();
    else if (key == "tick") {
      has_tick = true;
      // Foreign channels carry other members under other names.
      reader.object([&](std::string_view member) {
        if (!whole_book_ && member == "bid")
          read_best(reader, bid);
        else if (!whole_book_ && member == "ask")
          read_best(reader, ask);
        else if (whole_book_ && member == "bids")
          read_levels(reader, bid, true);
        else if (whole_book_ && member == "asks")
          read_levels(reader, ask, false);
        else if (member == "version" && !whole_book_)
          version = reader.i64_or_zero();
        else if (member == "ts")
          venue_ms = reader.i64_or_zero();
      });
    }
  });
  if (!has_tick) return take_control(line, frame.json());
  if (channel.starts_with(kPrefix) && channel.ends_with(suffix_) && channel.size() > kPrefix.size() + suffix_.size())
    take_tick(line, channel, bid, ask, version, venue_ms);
}

void Prices::take_tick(Line& line, std::string_view channel, const Side& bid, const Side& ask, std::int64_t version,
                       std::int64_t venue_ms) {
  Symbol& s = symbol_of(line, channel.substr(kPrefix.size(), channel.size() - kPrefix.size() - suffix_.size()));
  // The version counts matches in bbo; in depth.step0 it is a time in seconds and orders nothing.
  if (version != 0 && version < s.version) return;
  if (version != 0) s.version = version;
  s.has_data = true;
  if (!bid.said || !ask.said) return;  // the other side stands as it was; its age tells
  quote(line, s, bid.price, ask.price, bid.size, ask.size, venue_ms);
}

void Prices::take_control(Line& line, const json::View& frame) {
  const auto [ping, status, id, subbed, code, message] =
      frame.get<"ping", "status", "id", "subbed", "err-code", "err-msg">();
  if (!ping.absent()) {
    const std::string_view stamp = echo_of(ping);
    if (stamp.empty()) return problem("ping", "a stamp that is no number: " + std::string(ping.raw().substr(0, 64)));
    return send(line.connection, R"({"pong":)" + std::string(stamp) + "}");
  }
  if (status == "ok" && subbed) return answered(line, id.str(), true, "");
  if (status == "error") return answered(line, id.str(), false, message.text() + " (" + code.text() + ")");
  // Answers to unsubscribing need nothing.
}

}  // namespace anduin::htx
