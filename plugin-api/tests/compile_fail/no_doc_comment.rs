//! The summary is not optional.
use lifespan_plugin_api::prelude::*;

#[plugin]
async fn fish(_ctx: Context) -> Result<()> {
    Ok(())
}

fn main() {}
