// A price-only venue, whole: an exchange that pushes {"symbol":"BTCUSDT","bid":"1","ask":"2","time":1700000000000}.
#include <anduin/plugin.hpp>

class Acme : public anduin::Venue {
  static constexpr anduin::ConnId kPublic = 1;

  void on_start() override { dial(kPublic); }
  void on_dial(anduin::ConnId c) override { open(c, "public"); }

  void on_open(anduin::ConnId c) override {
    for (const auto& symbol : wanted_) send(c, R"({"op":"subscribe","symbol":)" + anduin::json::quoted(symbol) + "}");
    open_ = true;
  }
  void on_close(anduin::ConnId, int, std::string_view) override { open_ = false; }

  void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>&) override {
    wanted_.insert(wanted_.end(), added.begin(), added.end());
    if (open_) on_open(kPublic);
  }

  void on_frame(const anduin::venue::Frame& frame) override {
    const auto [symbol, bid, ask, time] = frame.json().get<"symbol", "bid", "ask", "time">();
    if (!symbol) return;  // an acknowledgement
    price(instrument(symbol.str()), bid.dec(), ask.dec(), 0, 0, time.i64());
  }

  std::vector<std::string> wanted_;
  bool open_ = false;
};

ANDUIN_PLUGIN(Acme);
