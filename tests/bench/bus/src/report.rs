//! What was measured, as tables for people and as JSON for programs.

mod json;
mod table;

pub(crate) use self::json::json;
pub(crate) use self::table::{memory, tables};
