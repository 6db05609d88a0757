// The `policy:` block of the pipeline file: parser, schema and documentation of what is paid without a person.
// Immutable once built: any thread.
#pragma once
#include "pipeline/definition.hpp"
#include "settle/policy.hpp"

namespace anduin::pipeline {

Def<settle::Policy> policy_definition();

}  // namespace anduin::pipeline
