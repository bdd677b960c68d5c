//! A plugin as a third party writes it: a crate outside of any workspace, with the SDK as its only
//! dependency of ours, in a target folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use crate::artifacts::{scratch, workspace_root};
use crate::nested::{cargo, finish, lock, nested_target, plugins_folder};

const SOURCE: &str = r#"//! Tells what the weather will be.

use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Weather {
    /// How many days to look ahead
    #[arg(long, default_value_t = 3)]
    days: u32,
}

/// Tell what the weather will be
#[plugin]
async fn weather(args: Weather, ctx: Context) -> Result<()> {
    let countdown = ctx.topic::<u32>("countdown")?;
    ctx.run(async {
        for day in (1..=args.days).rev() {
            info!("rain in {day} days");
            countdown.publish(day).await?;
            ctx.sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(())
    })
    .await;
    info!("no more weather");
    Ok(())
}

lifespan_plugin_api::export![weather];
"#;

/// A folder with the library of the plugin `weather`.
pub(crate) fn weather() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("outside", &[])).clone()
}

/// The same, built with `panic = "abort"`.
pub(crate) fn weather_that_aborts() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| build("outside-abort", &["--config", "profile.dev.panic=\"abort\""]))
        .clone()
}

fn build(name: &str, options: &[&str]) -> PathBuf {
    /// One at a time: both leave their library at the same place.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);

    let home = TempDir::new().expect("a temporary folder");
    write_crate(home.path());
    let target = nested_target();
    let mut build = cargo(home.path(), &target);
    build.args(options);
    finish(build);
    let folder = plugins_folder(&scratch(name), &target.join("debug"), &["weather"]);
    forget(&target.join("debug"));
    folder
}

/// The crate, with a plain path to the SDK: nothing of the workspace is inherited.
fn write_crate(home: &Path) {
    let sdk = workspace_root().join("plugin-api");
    let manifest = format!(
        "[package]\nname = \"weather\"\nversion = \"2.0.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nclap = {{ version = \"4\", features = [\"derive\"] }}\n\
         lifespan-plugin-api = {{ path = {sdk:?} }}\n",
    );
    fs::write(home.join("Cargo.toml"), manifest).expect("a file in a temporary folder");
    fs::create_dir(home.join("src")).expect("a folder in a temporary folder");
    fs::write(home.join("src/lib.rs"), SOURCE).expect("a file in a temporary folder");
    lock(home);
}

/// Removes what was built of the crate itself: the next run's is in another folder, and so another
/// crate to cargo, which would let these pile up.
fn forget(built: &Path) {
    forget_all(built, "weather");
}

/// Removes what was built of crates whose names have that in them.
pub(crate) fn forget_all(built: &Path, of: &str) {
    for folder in ["deps", ".fingerprint"] {
        let entries = fs::read_dir(built.join(folder)).expect("cargo has built something");
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.contains(of) {
                let removed =
                    if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.expect("what cargo has built here is ours");
            }
        }
    }
}
