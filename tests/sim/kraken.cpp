#include "sim/venue.hpp"

namespace anduin::sim {
std::unique_ptr<SimVenue> make_kraken(VenueContext) { return nullptr; }
}  // namespace anduin::sim
