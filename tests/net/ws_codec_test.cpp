#include "net/ws_codec.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "net/ws_client.hpp"

using namespace anduin::net;

namespace {

struct Message {
  WsKind kind;
  std::string payload;
  bool operator==(const Message&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Message& m) {
  return out << static_cast<int>(m.kind) << ":" << m.payload.size();
}

/// Feeds `wire` in the given pieces; every event is copied out before the next feed.
std::optional<WsFault> read_all(WsReader& reader, std::string wire, const std::vector<std::size_t>& pieces,
                                std::vector<Message>& out) {
  std::size_t at = 0;
  for (std::size_t i = 0; at < wire.size(); ++i) {
    const std::size_t size = std::min(i < pieces.size() ? pieces[i] : wire.size(), wire.size() - at);
    std::vector<WsEvent> events;
    const auto fault = reader.feed(reinterpret_cast<std::uint8_t*>(wire.data()) + at, size, events);
    for (const auto& event : events) {
      out.push_back({event.kind, {reinterpret_cast<char*>(event.data), event.size}});
      if (event.padded)
        for (std::size_t p = 0; p < kWsFramePadding; ++p) CHECK(event.data[event.size + p] == 0);
      if (event.at_end)
        CHECK(event.data + event.size == reinterpret_cast<std::uint8_t*>(wire.data()) + at + size);
    }
    if (fault) return fault;
    reader.release();
    at += size;
  }
  return std::nullopt;
}

std::optional<WsFault> read_hex(std::initializer_list<int> bytes, bool masked = false,
                                std::size_t max = 1000) {
  std::string wire;
  for (const int b : bytes) wire += static_cast<char>(b);
  WsReader reader(masked, max);
  std::vector<Message> out;
  return read_all(reader, wire, {}, out);
}

}  // namespace

TEST_CASE("the examples of RFC 6455 section 5.7") {
  const auto one = [](std::initializer_list<int> bytes, bool masked) {
    std::string wire;
    for (const int b : bytes) wire += static_cast<char>(b);
    WsReader reader(masked, 1000);
    std::vector<Message> out;
    CHECK_FALSE(read_all(reader, wire, {}, out));
    return out;
  };
  CHECK(one({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, false) ==
        std::vector<Message>{{WsKind::kText, "Hello"}});
  CHECK(one({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, true) ==
        std::vector<Message>{{WsKind::kText, "Hello"}});
  CHECK(one({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}, false) ==
        std::vector<Message>{{WsKind::kText, "Hello"}});
  CHECK(one({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, false) ==
        std::vector<Message>{{WsKind::kPing, "Hello"}});
  CHECK(ws_accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("each breach of the protocol is refused") {
  CHECK(read_hex({0xc1, 0x00})->text.find("reserved bit") != std::string::npos);
  CHECK(read_hex({0x83, 0x00})->code == 1002);              // undefined opcode
  CHECK(read_hex({0x8b, 0x00})->code == 1002);              // undefined control opcode
  CHECK(read_hex({0x81, 0x80, 1, 2, 3, 4})->code == 1002);  // a server must not mask
  CHECK(read_hex({0x81, 0x00}, true)->code == 1002);        // a client must
  CHECK(read_hex({0x09, 0x00})->code == 1002);              // fragmented ping
  CHECK(read_hex({0x89, 0x7e, 0x00, 0x7e})->code == 1002);  // ping of 126 bytes
  CHECK(read_hex({0x80, 0x00})->code == 1002);              // continuation of nothing
  CHECK(read_hex({0x01, 0x00, 0x81, 0x00})->code == 1002);  // new message inside another
  CHECK(read_hex({0x81, 0x7e, 0x00, 0x7d})->code == 1002);  // 125 in two bytes
  CHECK(read_hex({0x81, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff})->code == 1002);
  CHECK(read_hex({0x81, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0})->code == 1002);
  CHECK(read_hex({0x81, 0x7e, 0x03, 0xe9})->code == 1009);      // 1001 of 1000 bytes, before they come
  CHECK_FALSE(read_hex({0x81, 0x7e, 0x03, 0xe8}));              // 1000 are welcome
  CHECK_FALSE(read_hex({0x01, 0x00, 0x89, 0x00, 0x80, 0x00}));  // a ping between fragments is fine
}

TEST_CASE("the size limit counts all fragments of a message, and only of one") {
  WsReader reader(false, 10);
  std::string wire;
  std::vector<Message> out;
  ws_append_frame(wire, WsKind::kText, false, "12345", nullptr);
  ws_append_frame(wire, WsKind::kContinuation, true, "67890", nullptr);
  ws_append_frame(wire, WsKind::kText, true, "1234567890", nullptr);
  CHECK_FALSE(read_all(reader, wire, {}, out));
  CHECK(out.size() == 2);
  wire.clear();
  ws_append_frame(wire, WsKind::kText, false, "12345", nullptr);
  ws_append_frame(wire, WsKind::kContinuation, true, "678901", nullptr);
  CHECK(read_all(reader, wire, {}, out)->code == 1009);
}

TEST_CASE("memory grows with what arrives, not with what is announced") {
  WsReader reader(false, 1U << 30U);
  std::string wire;
  for (const int b : {0x82, 0x7f, 0, 0, 0, 0, 0x30, 0, 0, 0}) wire += static_cast<char>(b);
  wire += "abc";
  std::vector<Message> out;
  CHECK_FALSE(read_all(reader, wire, {}, out));
  CHECK(reader.held_bytes() == 3);
}

TEST_CASE("close frames") {
  CHECK(ws_parse_close("").code == 1005);
  CHECK_FALSE(ws_parse_close("").fault);
  CHECK(ws_parse_close("x").fault);
  CHECK(ws_parse_close(ws_close_payload(1000, "bye")).reason == "bye");
  CHECK(ws_parse_close(ws_close_payload(4999, "")).code == 4999);
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535})
    CHECK(ws_parse_close(ws_close_payload(static_cast<std::uint16_t>(code), "")).fault);
  for (const int code : {1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000})
    CHECK_FALSE(ws_parse_close(ws_close_payload(static_cast<std::uint16_t>(code), "")).fault);
  CHECK(ws_close_payload(1000, std::string(500, 'x')).size() == 125);
}

TEST_CASE("random messages, fragments and splits come out as they went in", "[property]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (int round = 0; round < 400; ++round) {
    const bool masked = below(2) == 0;
    std::string wire;
    std::vector<Message> expected;
    const auto add_frame = [&](WsKind kind, bool final, std::string_view payload) {
      const auto mask = ws_fresh_mask();
      ws_append_frame(wire, kind, final, payload, masked ? mask.data() : nullptr);
    };
    const auto maybe_control = [&] {
      if (below(4) != 0) return;
      Message control{below(2) == 0 ? WsKind::kPing : WsKind::kPong, std::string(below(126), 'c')};
      add_frame(control.kind, true, control.payload);
      expected.push_back(control);
    };
    for (std::size_t m = 0; m < 1 + below(6); ++m) {
      static constexpr std::size_t kSizes[] = {1, 125, 126, 127, 300, 65535, 65536, 70000};
      Message message{below(2) == 0 ? WsKind::kText : WsKind::kBinary, {}};
      message.payload.resize(below(3) == 0 ? kSizes[below(8)] : below(200));
      for (auto& c : message.payload) c = static_cast<char>(random());
      maybe_control();
      std::size_t at = 0;
      const std::size_t parts = 1 + below(4);
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t size =
            part + 1 == parts ? message.payload.size() - at : below(message.payload.size() - at + 1);
        add_frame(part == 0 ? message.kind : WsKind::kContinuation, part + 1 == parts,
                  std::string_view(message.payload).substr(at, size));
        at += size;
        if (part + 1 != parts) maybe_control();
      }
      expected.push_back(message);
    }
    std::vector<std::size_t> pieces;
    if (below(4) != 0)
      for (int i = 0; i < 2000; ++i) pieces.push_back(1 + below(round % 2 == 0 ? 20 : 5000));
    WsReader reader(masked, 1U << 20U);
    std::vector<Message> out;
    REQUIRE_FALSE(read_all(reader, wire, pieces, out));
    REQUIRE(out == expected);
    CHECK(reader.held_bytes() == 0);
  }
}

TEST_CASE("random bytes end in a fault or in events, never elsewhere", "[property]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 5000; ++round) {
    std::string wire(1 + random() % 300, '\0');
    for (auto& c : wire) c = static_cast<char>(random());
    if (round % 2 == 0) wire[0] = static_cast<char>(0x81), wire[1] = static_cast<char>(random() % 127);
    WsReader reader(false, 5000);
    std::vector<Message> out;
    (void)read_all(reader, wire, {1 + random() % 50, 1 + random() % 50}, out);
    CHECK(reader.held_bytes() <= 5200);
  }
}
