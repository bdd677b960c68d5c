//! `cargo xtask loom`: the handshakes of the ring, in every order that the memory model allows.

use anyhow::Result;

use crate::shell;

/// Builds the ring for loom, below `target/loom`, and runs its models. For release: there are many
/// orders.
pub(crate) fn loom() -> Result<()> {
    let mut models = shell::cargo(["test", "--release", "--package", "lifespan-ring", "--lib"]);
    shell::build_apart(&mut models, "loom", &["--cfg", "loom"])?;
    shell::must(&mut models)
}
