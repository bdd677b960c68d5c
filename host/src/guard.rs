//! The guard around everything that a plugin calls in the host: no panic crosses the boundary.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Answers with what `body` returns or, should it panic, with the fallback. `what` names the call in
/// the log.
pub(crate) fn guard<R>(
    what: &'static str,
    fallback: impl FnOnce() -> R,
    body: impl FnOnce() -> R,
) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        // What collects the logs may be what panicked.
        let told = catch_unwind(AssertUnwindSafe(|| {
            tracing::error!(what, panic = message(&*panic), "a call from a plugin panicked");
        }));
        discard(panic);
        if let Err(again) = told {
            discard(again);
        }
        fallback()
    })
}

/// The message of a caught panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Drops what was thrown; should that throw too, the second is leaked.
pub(crate) fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard("test", || 1, || 2), 2);
        assert_eq!(guard("test", || 1, || panic!("no")), 1);
    }

    #[test]
    fn a_thrown_value_that_panics_when_dropped_ends_here() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }
        assert_eq!(guard("test", || 1, || std::panic::panic_any(Bomb)), 1);
    }
}
