// What one round found out about one slot. Internal to the submitter; plain values.
#pragma once
#include "settle/submitter.hpp"

namespace anduin::settle {

struct Submitter::Look {
  std::optional<Sighting> sighting;
  chain::Receipt receipt;     ///< of the sighting
  bool noop = false;          ///< the attempt that was mined is the no-op
  bool executed = false;      ///< the vault call ran (never true for a no-op)
  std::string failure;        ///< why it did not, as far as the receipt tells
  bool all_looked_up = true;  ///< no question stayed without an answer
  bool orphaned = false;      ///< a receipt of a block that is not canonical
};

}  // namespace anduin::settle
