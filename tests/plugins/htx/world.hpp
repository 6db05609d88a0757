// The simulated HTX with the plugin's instances in it; HTX signs the host that its clients mean to connect to.
// Thread: one.
#pragma once
#include "plugins/support/venue_world.hpp"

namespace anduin::test {

struct HtxWorld : VenueWorld {
  explicit HtxWorld(int accounts = 1) : VenueWorld("htx", accounts, "api.hbdm.com") {}
};

}  // namespace anduin::test
