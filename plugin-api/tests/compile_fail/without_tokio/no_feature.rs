//! A runtime of its own, where the SDK is built without the feature for it.
use lifespan_plugin_api::prelude::*;

/// Swim
#[plugin(tokio)]
async fn swim(ctx: Context) -> Result<()> {
    ctx.idle().await;
    Ok(())
}

fn main() {}
