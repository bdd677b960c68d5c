//! What the program is told on its command line; `cargo xtask bench bus` tells it.

use std::path::PathBuf;
use std::time::Duration;

/// Compare the bus with other channels
#[derive(clap::Parser, Debug)]
pub(crate) struct Args {
    /// How many rounds are measured
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure fewer and shorter rounds: less than a minute, and less to trust
    #[arg(long)]
    quick: bool,
    /// Write what was measured as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Measure only what has this text in its title and column, as in `2 workers, 8 sub`
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) only: String,
    /// Run only those whose name ends so: for a profile, since ratios need the peers
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) contender: String,
    /// Peers send small messages in an `Arc` too, as they would have to if they were not `Copy`
    #[arg(long)]
    pub(crate) arc: bool,
    /// The folder with the two libraries of the benchmark
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: PathBuf,
    /// A Python that can import the package `click_async_plugins`
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) python: Option<PathBuf>,
}

impl Args {
    /// How many rounds.
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { self.rounds.min(3) } else { self.rounds }
    }

    /// Whether that table is asked for.
    pub(crate) fn wants(&self, title: &str) -> bool {
        title.contains(&self.only)
    }

    /// How long one contender is to take in one round.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(if self.quick { 30 } else { 80 })
    }
}
