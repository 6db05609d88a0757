// Feeds recorded frames through a plugin exactly as the live host would, without network, and hands out each
// normalized event as one JSON line. Same input, same output, byte for byte, whatever the batch size.
// Thread: one. Lifetime: the library outlives nothing; everything is kept alive by the object.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plugin/library.hpp"
#include "venue/recording.hpp"

namespace anduin::venue {

enum class ReplayFeed : std::uint8_t { kPrices, kPositions, kBalance };

struct ReplayOptions {
  ReplayFeed feed = ReplayFeed::kPrices;
  std::vector<std::string> symbols;   ///< canonical or native; empty = all
  nlohmann::json options = nlohmann::json::object();  ///< of the plugin, checked, defaults filled in
  std::size_t batch = 64;             ///< frames a step, at most; the output does not depend on it
};

class Replay {
 public:
  /// `line` gets each event without a line end.
  static Result<std::unique_ptr<Replay>> create(std::shared_ptr<const plugin::Library> library, ReplayOptions options,
                                                std::function<void(const std::string& line)> line);
  ~Replay();

  Result<void> feed(const RecordingLine& line);
  /// After the last line: prints what was still waiting. Once.
  void finish();
  /// Frames per channel, unused answers, frames of foreign URLs, malformed frames.
  [[nodiscard]] nlohmann::json stats() const;
  /// The last reason why the plugin refused a frame, or stopped; empty = none.
  [[nodiscard]] std::string last_error() const;
  /// The requests that nobody answered, "METHOD url".
  [[nodiscard]] std::vector<std::string> outstanding() const;

 private:
  struct Impl;
  explicit Replay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::venue
