//! Printing: the only module that does.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the program's one place that prints"
)]

/// Tells a result.
pub(crate) fn say(line: &str) {
    println!("{}", line.trim_end());
}

/// Tells what is wrong.
pub(crate) fn complain(line: &str) {
    eprintln!("{}", line.trim_end());
}
