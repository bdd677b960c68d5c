//! Ours: the roles of `lifespan_bench_work`, linked into this program, and as plugins of real
//! libraries. What they tell comes back over a topic in both cases.

mod in_process;
mod over_abi;

pub(crate) use self::in_process::{InProcess, memory};
pub(crate) use self::over_abi::OverAbi;

/// The name of what is linked into this program.
pub(crate) const IN_PROCESS: &str = "lifespan, in process";

/// The name of what is loaded from libraries.
pub(crate) const OVER_ABI: &str = "lifespan, over abi";
