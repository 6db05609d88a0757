// MetaTrader: there is no venue to dial. The public side names the symbols; everything else comes in by webhook.
#include "account.hpp"
#include "anduin/plugin.hpp"
#include "symbols.hpp"

namespace anduin::metatrader {

/// The canonical symbols, so that the host can resolve them. Brokers trade them as contracts of their own kind.
class Terminals : public Venue {
 public:
  explicit Terminals(const venue::Options& options) : canonical_(options.list("canonical")) {}

 private:
  void on_start() override {
    for (const std::string& name : canonical_) {
      const Parts parts = parts_of(name);
      describe({.native = name, .base = parts.base, .quote = parts.quote, .flags = AND_INSTRUMENT_NO_CANONICAL});
    }
    ready("instruments");
  }

  std::vector<std::string> canonical_;
};

}  // namespace anduin::metatrader

ANDUIN_PLUGIN(anduin::metatrader::Terminals, anduin::metatrader::Account);
