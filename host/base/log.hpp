// The host's log: spdlog to stderr, with every registered secret replaced at the sink, after formatting.
// Thread: all functions may be called from any thread. init() once, at the start of the program.
#pragma once
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace anduin::log {

/// Level is one of trace, debug, info, warn, error, off. Lines go to stderr.
void init(std::string_view level);

/// From now on this value is shown as [redacted] in every log line and by redact().
/// Values under 6 bytes are ignored: they would blank ordinary words.
void add_secret(std::string value);

/// Takes one registration of add_secret() back: for tokens that have been replaced, so that the list stays short.
void remove_secret(const std::string& value);

/// The text with every registered secret replaced, also in its URL- and JSON-escaped forms.
std::string redact(std::string_view text);

}  // namespace anduin::log
