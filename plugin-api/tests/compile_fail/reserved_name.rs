//! A name that the host would refuse is refused here.
use lifespan_plugin_api::prelude::*;

/// Complete
#[plugin]
async fn completions(_ctx: Context) -> Result<()> {
    Ok(())
}

fn main() {}
