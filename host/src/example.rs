//! For the examples in the SDK's documentation only, and no part of the interface: runs one on a bus
//! of its own, with as many instances as it wants.
//!
//! An example that fails, panics or hangs is one that is wrong, so all of it ends in a panic here.
//! It knows nothing of the SDK, which makes its own contexts of the services that this gives.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::ServicesBox;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::bench::{Stage, thread_started};

/// No example takes nearly as long.
const LIMIT: Duration = Duration::from_secs(20);

/// How an example ends.
pub type Ended = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs an example with instances of those names, whose tasks run, and what `context` makes of their
/// services.
///
/// # Panics
///
/// The example fails, or does not end.
pub fn run<C, const N: usize>(
    instances: [&str; N],
    context: impl Fn(Arc<ServicesBox>) -> C,
    example: impl AsyncFnOnce([C; N]) -> Ended,
) {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("the runtime of the example starts");
    thread_started();
    let stage = Stage::new(runtime.handle());
    let contexts = instances.map(|name| context(Arc::new(stage.instance(name))));
    stage.run();
    match runtime.block_on(async { timeout(LIMIT, example(contexts)).await }) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("the example fails: {error}"),
        Err(_) => panic!("the example does not end"),
    }
}
