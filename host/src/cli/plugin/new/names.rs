//! Whether names can be those of a plugin, its crate, and its message type.

use crate::discover::{MAX_NAME, RESERVED, is_valid_name};
use crate::error::{Failure, Failures};
use crate::exit::Exit;

/// Words and types of Rust, crates that a plugin depends on, and modules that the crate has: nothing else
/// in it may be called so.
const TAKEN: &str = "\
    abi-stable abstract alloc anyhow as async await become bool box break char clap const \
    continue core crate do dyn else enum extern f32 f64 false final fn for gen i128 i16 i32 \
    i64 i8 if impl in isize let lifespan lifespan-abi lifespan-plugin-api \
    lifespan-plugin-macros lifespan-ring loop macro match mod move mut \
    override priv proc-macro pub ref return self serde static std str struct super test \
    testing tests tokio trait true try type typeof u128 u16 u32 u64 u8 unsafe unsized use usize \
    virtual where while yield messages deps";

/// Types that the crate names otherwise.
const TYPES: &str = "\
    Args Call Clone Context Debug Deserialize Duration Encoded Eq Err Error Fault Lifespan \
    Message None Ok Option PartialEq RString Result Self Serialize Some StableAbi Seconds \
    Send State String Sync TaskEnd Topic Vec";

/// Judges all of them.
///
/// # Errors
///
/// All that cannot be.
pub(super) fn check(name: &str, message: Option<&str>) -> Result<(), Failures> {
    let mut failures = Vec::new();
    if !is_valid_name(name) {
        failures.push(
            Failure::new(Exit::Usage, format!("`{name}` cannot be a plugin's name")).hint(format!(
                "a name has at most {MAX_NAME} small letters, digits and `-`, and begins with a letter"
            )),
        );
    } else if name.ends_with('-') || name.contains("--") {
        let message = format!("`{name}` cannot be the name of a crate");
        failures.push(Failure::new(Exit::Usage, message).hint("put something behind each `-`"));
    } else if RESERVED.contains(&name) {
        let message = format!("`{name}` is a command of the host's");
        failures.push(Failure::new(Exit::Usage, message).hint("choose another name"));
    } else if is_one_of(name, TAKEN) {
        let message = format!("`{name}` means something else in a crate of Rust");
        failures.push(Failure::new(Exit::Usage, message).hint("choose another name"));
    }
    if let Some(message) = message {
        failures.extend(check_type(message));
    }
    Failures::check(failures)
}

fn check_type(name: &str) -> Option<Failure> {
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
    if !begins || !name.bytes().all(|c| c.is_ascii_alphanumeric()) || name.len() > MAX_NAME {
        let message = format!("`{name}` cannot be the name of a message type");
        return Some(
            Failure::new(Exit::Usage, message)
                .hint("name it as types are named, such as `Greeting`"),
        );
    }
    is_one_of(name, TYPES).then(|| {
        let message = format!("the crate names another type `{name}`");
        Failure::new(Exit::Usage, message).hint("name it after what it tells, such as `Greeting`")
    })
}

fn is_one_of(name: &str, names: &str) -> bool {
    names.split(' ').any(|it| it == name)
}
