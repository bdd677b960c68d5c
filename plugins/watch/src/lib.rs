//! The plugin `watch`: publishes changes of files and folders, and what a file holds as a value.
//!
//! What the system says is only a reason to look: `events` takes it in, `target` knows what is to be
//! watched for a path, `sight` looks, and says what is another than before. So an editor that puts a
//! new file in the place of the old one has changed it, however it does that. `value` reads a file.

mod events;
mod sight;
mod target;
mod value;

use std::path::PathBuf;

use lifespan_plugin_api::prelude::*;

use crate::events::{Touched, Watcher};
use crate::sight::{Change, Sight};
use crate::value::{Format, Value};

#[derive(clap::Args)]
struct Watch {
    /// Publish changes on this topic [default: watch/changes]
    ///
    /// Each is an object: `path`, and `change`, which is `created`, `modified` or `removed`.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Publish what the file holds as a value, too: of one file
    ///
    /// It is published in the beginning, if the file is there, and whenever it is another than before.
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<Format>,
    /// Publish that value on this topic [default: watch/value]
    #[arg(long, value_name = "TOPIC", requires = "format")]
    value_topic: Option<String>,
    /// Take changes within this time as one (seconds, or with a unit: 200ms)
    ///
    /// Counted from the last; where they do not end, ten times as long at most.
    #[arg(long, value_name = "TIME", default_value = "50ms")]
    debounce: Seconds,
    /// Watch all that is below a folder, and not only what is in it
    #[arg(long)]
    recursive: bool,
    /// The files and folders
    ///
    /// A file may come into being later; the folder that it is in must be there.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Publish changes of files and folders
///
/// They are published on the topic `watch/changes`, and with `--as` what a file holds on `watch/value`;
/// of an instance `watch@name` on `watch/name/changes` and `watch/name/value`.
#[plugin(tokio)]
async fn watch(args: Watch, ctx: Context) -> Result<()> {
    let prefix = ctx.instance().replace('@', "/");
    let named = |given: Option<String>, what| given.unwrap_or_else(|| format!("{prefix}/{what}"));
    let changes = ctx.topic::<Encoded<Change>>(named(args.topic, "changes"))?;
    let mut value = None;
    if let Some(format) = args.format {
        let topic = named(args.value_topic, "value");
        value = Some(Value::of(&args.paths, &ctx, &topic, format)?);
    }
    let mut sight = Sight::new(args.paths, args.recursive)?;
    let mut watcher = Watcher::new()?;
    watcher.follow(sight.scope()?)?;
    // What was there before it was watched is no change.
    sight.look(&Touched::everything());
    if let Some(value) = &mut value {
        value.publish().await?;
    }

    ctx.run(async {
        loop {
            let mut touched = watcher.settled(&ctx, args.debounce.into()).await;
            // Files are looked at where this stands: the thread is this instance's own.
            if watcher.goes_on_following(sight.scope()) {
                touched = Touched::everything();
            }
            for change in sight.look(&touched) {
                debug!("{change}");
                match changes.publish(Encoded(change)).await {
                    // The program ends: nobody is to hear of it any more.
                    Err(error) if error.is_closed() => return Ok(()),
                    published => published?,
                }
                if let Some(value) = &mut value {
                    value.publish().await?;
                }
            }
        }
    })
    .await;
    Ok(())
}

lifespan_plugin_api::export![watch];

#[cfg(test)]
mod tests;
