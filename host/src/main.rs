//! The program `lifespan`: the library's command line under its own name.

use std::process::ExitCode;

use lifespan::Host;

fn main() -> ExitCode {
    lifespan::cli::main(
        Host::builder("lifespan")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Run chains of asynchronous plugins"),
    )
}
