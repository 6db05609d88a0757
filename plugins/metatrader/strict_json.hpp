// Is this text JSON to the letter? Bodies come from programs of strangers: a name that stands twice, NaN, a byte that
// is no UTF-8 or anything behind the end refuses the whole. Pure function, any thread.
#pragma once
#include <string>
#include <string_view>

namespace anduin::metatrader {

/// "" when the text is one JSON object in UTF-8; else what is wrong with it. Names with escapes are refused.
std::string json_object_fault(std::string_view text);

}  // namespace anduin::metatrader
