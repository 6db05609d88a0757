// A name for what kind of frame a text is, for statistics only: nothing is decided by it. Pure function.
#pragma once
#include <string>
#include <string_view>

namespace anduin::venue {

/// The value of the member by which venues name a channel (topic, channel, feed, event, ...), with the symbol where
/// it stands beside it; "array" forms are named by their text elements. "unknown" for anything else.
std::string channel_name(std::string_view frame);

}  // namespace anduin::venue
