//! The port, and how many clients there can be.

use std::io;

use lifespan_plugin_api::prelude::*;
use tokio::net::TcpListener;

/// Files that the rest of the program may have open.
#[cfg(unix)]
const OTHERS: u64 = 512;

/// Takes a port.
///
/// # Errors
///
/// The system's, with what to do about it.
pub(crate) async fn bind(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.or_else(|error| {
        let hint = hint(&error);
        let bound = Err(error).with_context(|| format!("cannot listen on {host}, port {port}"));
        match hint {
            Some(hint) => bound.hint(hint),
            None => bound,
        }
    })
}

fn hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            Some("another program has that port; `--port 0` takes one that is free")
        }
        io::ErrorKind::PermissionDenied => Some("take a port of 1024 or more"),
        io::ErrorKind::AddrNotAvailable => {
            Some("name an address of this machine; `--host 0.0.0.0` listens on all it has")
        }
        _ => None,
    }
}

/// Sees to it that so many connections can be open beside all else. Each is a file to the system, which
/// by default gives a process few, and lets it have many.
#[cfg(unix)]
pub(crate) fn make_room_for(streams: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let wanted = u64::try_from(streams).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let possible = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    limit.current = Some(possible);
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) if possible == wanted => {}
        Ok(()) => {
            warn!(
                "{streams} event streams need more open files than the {possible} of `ulimit -Hn`"
            );
        }
        Err(error) => {
            warn!("{streams} event streams need more open files than `ulimit -n` says: {error}");
        }
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(crate) fn make_room_for(_streams: usize) {}
