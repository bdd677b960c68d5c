//! The one guard of everything that a plugin may call: no panic of the host's crosses the boundary.
//!
//! It reports to the log and to nobody else; what a caller gets instead is the caller's choice.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`; a panic in it is logged, and `fallback` answers.
///
/// `what` names the call for the log, such as `bus: publish`.
pub(crate) fn guard<R>(
    what: &'static str,
    fallback: impl FnOnce() -> R,
    body: impl FnOnce() -> R,
) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(panic) => {
            tracing::error!(call = what, "the host panicked: {}", message(panic.as_ref()));
            // Dropping what was thrown may throw again; leaking it cannot.
            std::mem::forget(panic);
            fallback()
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard("test", || 1, || 2), 2);
        assert_eq!(guard("test", || 1, || panic!("bomb")), 1);
    }

    #[test]
    fn what_was_thrown_is_named_where_it_is_text() {
        assert_eq!(message(&"literal"), "literal");
        assert_eq!(message(&"owned".to_owned()), "owned");
        assert_eq!(message(&7), "no message");
    }
}
