//! What a command writes, published line by line.
//!
//! A subscriber that is behind makes the command wait, by its pipe. When publishing has ended, what the
//! command still writes is read all the same.

use std::time::Duration;

use lifespan_plugin_api::bus::Topic;
use lifespan_plugin_api::prelude::*;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::watch;
use tokio::time::sleep;

/// A line that is longer is published in pieces.
const LONGEST: u64 = 1 << 20;

/// Publishes the lines of a pipe until it is at its end. Once the command has `ended`, a pipe that
/// another process holds open is given up when nothing came for so long.
///
/// # Errors
///
/// The pipe cannot be read, or the line not be published.
pub(crate) async fn publish_lines(
    pipe: Option<impl AsyncRead + Unpin>,
    topic: &Topic<String>,
    mut ended: watch::Receiver<bool>,
    patience: Duration,
) -> Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut pipe).take(LONGEST);
        let given_up = tokio::select! {
            biased;
            read = limited.read_until(b'\n', &mut line) => {
                read.with_context(|| format!("cannot read what goes to '{}'", topic.name()))?;
                false
            }
            () = quiet(&mut ended, patience) => true,
        };
        // What was read of a line that does not end is published too.
        if line.is_empty() {
            return Ok(());
        }
        match topic.publish(text(&line)).await {
            // Nobody is to hear of it any more; the command may still want to be heard out.
            Err(error) if error.is_closed() => {}
            published => published?,
        }
        if given_up {
            return Ok(());
        }
    }
}

/// Ready when the command has ended and so much time has passed.
async fn quiet(ended: &mut watch::Receiver<bool>, patience: Duration) {
    // An error is that of a task that is gone, and the command with it.
    let _ = ended.wait_for(|ended| *ended).await;
    sleep(patience).await;
}

/// A line without its end. What is no UTF-8 is replaced.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_stands_before_its_end() {
        for (line, expect) in [
            (&b"fish\n"[..], "fish"),
            (b"fish\r\n", "fish"),
            (b"fish", "fish"),
            (b"\n", ""),
            (b"fi\rsh\n", "fi\rsh"),
            (b"\xff\n", "\u{fffd}"),
        ] {
            assert_eq!(text(line), expect, "{line:?}");
        }
    }
}
