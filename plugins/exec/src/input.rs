//! What a command reads: the messages of a topic, whatever their type, a line each.

use std::io;

use lifespan_plugin_api::bus::{Delivered, Pattern};
use lifespan_plugin_api::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::watch;

/// Feeds the command until its input or the command has `ended`. The pipe is closed then.
///
/// # Errors
///
/// The pipe cannot be written.
pub(crate) async fn feed(
    stdin: Option<ChildStdin>,
    messages: Option<Pattern>,
    mut ended: watch::Receiver<bool>,
) -> Result<()> {
    let (Some(stdin), Some(messages)) = (stdin, messages) else { return Ok(()) };
    tokio::select! {
        fed = feed_all(stdin, messages) => match fed {
            // The command does not want to read any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            fed => fed.context("cannot write to the command's standard input"),
        },
        _ = ended.wait_for(|ended| *ended) => Ok(()),
    }
}

async fn feed_all(mut stdin: ChildStdin, mut messages: Pattern) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        match line(&message) {
            Ok(line) => stdin.write_all(line.as_bytes()).await?,
            Err(error) => warn!("a message of '{}' is skipped: {error}", message.topic()),
        }
    }
    Ok(())
}

fn line(message: &Delivered) -> Result<String> {
    let value = message.json()?;
    let mut line = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    line.push('\n');
    Ok(line)
}
