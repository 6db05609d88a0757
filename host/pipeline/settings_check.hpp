// The second half of a load: what no single key can tell. References, plugins and their manifests, what
// live needs. Thread: one load at a time, as Context.
#pragma once
#include "pipeline/pipeline_definition.hpp"

namespace anduin::pipeline {

/// Completes the settings (defaults that depend on other keys, options) and reports through `context`.
Settings check_pipeline(Context& context, RawPipeline raw, VenueCatalog* catalog);

}  // namespace anduin::pipeline
