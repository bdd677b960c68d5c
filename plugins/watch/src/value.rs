//! What a file holds, as a value on the bus.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use lifespan_plugin_api::prelude::*;
#[cfg(unix)]
use rustix::fs::OFlags;

/// A file that is larger is no value.
const LARGEST: u64 = 64 << 20;

/// How the bytes of a file are a value.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// A text; what is no UTF-8 in it is replaced
    Text,
    /// Any value that is JSON
    Json,
    /// The bytes as they are
    Bytes,
}

/// A file, and the topic on which it is published.
pub(crate) struct Value {
    file: PathBuf,
    topic: Typed,
    last: Option<Vec<u8>>,
}

/// A topic of the type that the format has.
enum Typed {
    Text(Topic<String>),
    Json(Topic<Encoded<serde_json::Value>>),
    Bytes(Topic<Vec<u8>>),
}

impl Value {
    /// # Errors
    ///
    /// The paths are not those of one file, or the topic has another type.
    pub(crate) fn of(
        paths: &[PathBuf],
        ctx: &Context,
        topic: &str,
        format: Format,
    ) -> Result<Self> {
        let [file] = paths else {
            return Err(anyhow!("`--as` is for one file, and there are {}", paths.len()))
                .hint("give each file an instance, such as `watch@a a.txt watch@b b.txt`");
        };
        if file.is_dir() {
            return Err(anyhow!("`--as` is for a file, and `{}` is a folder", file.display()))
                .hint("name a file in it");
        }
        if fs::metadata(file).is_ok_and(|it| !it.is_file()) {
            let shown = file.display();
            return Err(anyhow!("`--as` is for a file, and `{shown}` is a pipe or a device"))
                .hint("`exec` publishes what a command says, such as `exec -- cat PIPE`");
        }
        let topic = match format {
            Format::Text => Typed::Text(ctx.topic(topic)?),
            Format::Json => Typed::Json(ctx.topic(topic)?),
            Format::Bytes => Typed::Bytes(ctx.topic(topic)?),
        };
        Ok(Value { file: file.clone(), topic, last: None })
    }

    /// Publishes what the file holds, if that is another than before. Where it is not there, or no
    /// value, the last one stays.
    ///
    /// # Errors
    ///
    /// It cannot be published.
    pub(crate) async fn publish(&mut self) -> Result<()> {
        let shown = self.file.display();
        let bytes = match read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                debug!("`{shown}` is not there");
                return Ok(());
            }
            Err(error) => {
                warn!("cannot read `{shown}`, its last value stays: {error}");
                return Ok(());
            }
        };
        if self.last.as_ref() == Some(&bytes) {
            return Ok(());
        }
        let published = match &self.topic {
            Typed::Text(topic) => topic.publish(String::from_utf8_lossy(&bytes).into_owned()).await,
            Typed::Bytes(topic) => topic.publish(bytes.clone()).await,
            Typed::Json(topic) => match serde_json::from_slice(&bytes) {
                Ok(value) => topic.publish(Encoded(value)).await,
                Err(error) => {
                    warn!("`{shown}` is no JSON, its last value stays: {error}");
                    return Ok(());
                }
            },
        };
        match published {
            // The program ends: nobody is to hear of it any more.
            Err(error) if error.is_closed() => {}
            published => published?,
        }
        self.last = Some(bytes);
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Should it have become a pipe, opening it must not wait for its writer.
    #[cfg(unix)]
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let reason = format!("it is larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}
