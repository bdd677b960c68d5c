//! All mistakes are told at once.
use lifespan_plugin_api::prelude::*;

/// Swim
#[plugin(name = "@swim", requires(sea, sea), grace = "soon")]
fn swim<T>(_args: T) {}

fn main() {}
