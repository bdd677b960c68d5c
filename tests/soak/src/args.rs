//! What the program is told on its command line; `cargo xtask soak` passes it on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Use the bus at random, and check what it promises
#[derive(clap::Parser, Debug)]
#[command(name = "cargo xtask soak")]
pub(crate) struct Args {
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// Decide as in the run that told this number; else by the clock
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Args {
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    pub(crate) fn seed(&self) -> u64 {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.seed.unwrap_or_else(now)
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if minutes > 0.0 && minutes <= 100_000.0 { Ok(minutes) } else { Err("out of range".to_owned()) }
}
