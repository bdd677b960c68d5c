//! A plugin is a function or a lifespan.
use lifespan_plugin_api::prelude::*;

/// The sea
#[plugin]
struct Sea;

/// How the sea looks
#[plugin]
impl std::fmt::Debug for Sea {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

fn main() {}
