//! `plugin verify`: whether the libraries are those that were approved, byte by byte.
//!
//! Reads all their bytes, which a listing does not. Each is judged by who may write to it, by the lock
//! file of its folder, and where there is a key, by its signature.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path};
use super::refusal::ReasonResult;
use super::target;
use crate::cli::lines::visible;
use crate::discover::identify;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;
use crate::trust::{Distrust, Guard, MAX_SIGNATURE, Policy, PublicKey};

/// Compare libraries with what was approved, and check their signatures; without names all that are
/// approved in the folders that are searched
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit codes: 0 when nothing is wrong with any of them, else 4")]
pub(crate) struct VerifyArgs {
    /// Plugins, or paths of libraries
    #[arg(value_name = "NAME|PATH")]
    targets: Vec<OsString>,

    /// Demand a signature by this key of minisign, or by that in this file; may be given several times
    #[arg(long, value_name = "KEY|FILE")]
    key: Vec<OsString>,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin verify`.
#[derive(Debug, Serialize)]
struct VerifyResult {
    /// Whether nothing is wrong with any of them.
    sound: bool,
    /// What was looked at.
    libraries: Vec<Verified>,
}

/// One library.
#[derive(Debug, Serialize)]
struct Verified {
    /// Its file.
    library: String,
    /// Whether a lock file approves it as it is.
    approved: bool,
    /// Whether a signature was demanded and is valid.
    signed: bool,
    /// The digest of its bytes; `null` where they could not be read or are not approved.
    sha256: Option<String>,
    /// What is wrong; `null` where nothing is.
    fault: Option<Fault>,
}

/// What is wrong with a library.
#[derive(Debug, Serialize)]
struct Fault {
    #[serde(flatten)]
    reason: ReasonResult,
    /// The digests that were compared, for people; none if none were.
    digests: Vec<String>,
    #[serde(skip)]
    distrust: Distrust,
}

/// What is demanded of libraries.
struct Demands<'a> {
    guard: Guard,
    /// What the host demands of what it loads.
    policy: &'a Policy,
    /// The same with the keys on the line.
    named: Policy,
}

/// Does it.
pub(crate) fn cmd_verify(context: &Context<'_>, args: VerifyArgs) -> Result<Exit, Failures> {
    let policy = context.host.policy();
    // Whoever names a key asks about that one: what the host demands anyway is demanded besides.
    let named = Policy { keys: keys(&args.key)?, ..policy.clone() };
    let demands = Demands { guard: Guard::new(policy), policy, named };
    let libraries = libraries(context, &args, &demands)?;
    let libraries: Vec<_> = libraries.iter().map(|it| demands.verify(it)).collect();
    let sound = libraries.iter().all(|it| it.fault.is_none());
    let result = VerifyResult { sound, libraries };
    let exit = context.reporter.data(&match args.format.format {
        Format::Text => text(&result, context.reporter.terminal.columns),
        Format::Json => json(&result),
    });
    Ok(if sound { exit } else { exit.worst(Exit::Config) })
}

fn keys(words: &[OsString]) -> Result<Vec<PublicKey>, Failures> {
    let mut keys = Vec::new();
    let mut failures = Vec::new();
    for word in words {
        // A key has no dot, and is no file's name by chance.
        let read = files::read_named(word.as_ref(), MAX_SIGNATURE).and_then(files::text);
        let text = read.unwrap_or_else(|_| word.to_string_lossy().into_owned());
        match text.parse() {
            Ok(key) => keys.push(key),
            Err(error) => failures.push(
                Failure::from_error(Exit::Usage, &error as &crate::trust::KeyError)
                    .context(format!("`{}` cannot be used as a key", word.to_string_lossy()))
                    .hint("name the file `minisign.pub`, or give its second line"),
            ),
        }
    }
    Failures::check(failures)?;
    Ok(keys)
}

/// What is to be looked at: all that is named; else all that a lock file names or leaves out, and where
/// signatures are demanded everything.
fn libraries(
    context: &Context<'_>,
    args: &VerifyArgs,
    demands: &Demands<'_>,
) -> Result<BTreeSet<PathBuf>, Failures> {
    let mut libraries = BTreeSet::new();
    let mut failures = Vec::new();
    for word in &args.targets {
        match target::library(context, word) {
            Ok(library) => {
                libraries.insert(library);
            }
            Err(failure) => failures.push(failure),
        }
    }
    if args.targets.is_empty() {
        for entry in context.host.catalog().search_path().entries() {
            match demands.guard.lock_of(&entry.dir) {
                Ok(Some(lock)) => {
                    let names = lock.libraries().map(|(name, _)| entry.dir.join(name));
                    libraries.extend(names);
                    libraries.extend(super::trust::not_approved(&entry.dir));
                }
                Ok(None) => {}
                Err(fault) => failures.push(target::distrusted(&fault)),
            }
        }
        if demands.has_keys() {
            let ours = target::all_libraries(context).into_iter();
            libraries.extend(ours.filter(|it| target::descriptor(it).is_ok()));
        }
    }
    Failures::check(failures)?;
    Ok(libraries)
}

impl Demands<'_> {
    fn has_keys(&self) -> bool {
        !self.policy.keys.is_empty() || !self.named.keys.is_empty()
    }

    fn verify(&self, library: &Path) -> Verified {
        let judged = self.judge(library);
        let fault = judged.as_ref().err().map(|distrust| Fault {
            reason: ReasonResult::of(&distrust.clone().into()),
            digests: distrust.digests(),
            distrust: distrust.clone(),
        });
        let (approved, sha256) = judged.ok().unzip();
        Verified {
            library: path(library),
            approved: approved.unwrap_or_default(),
            signed: fault.is_none() && self.has_keys(),
            sha256,
            fault,
        }
    }

    /// Judges a library as it is judged when it is loaded: whether it is approved, and its digest.
    fn judge(&self, library: &Path) -> Result<(bool, String), Distrust> {
        let file = identify(library).map_err(|reason| Distrust::Unreadable {
            path: library.to_owned(),
            error: reason.to_string(),
        })?;
        let folder = self.guard.folder(library.parent().unwrap_or(library));
        let approval = folder.file(&self.guard, library, &file)?;
        let sealed = self.policy.judge_bytes(library, approval.as_ref())?;
        self.named.judge(library, approval.as_ref(), &sealed)?;
        Ok((approval.is_some(), sealed.digest().to_string()))
    }
}

/// A library a paragraph.
fn text(result: &VerifyResult, columns: u16) -> String {
    let mut text = String::new();
    for it in &result.libraries {
        text += &format!("{}\n", visible(&it.library));
        if let Some(fault) = &it.fault {
            text += &indented(&format!("refused: {}", fault.distrust), 2, columns);
            text += &fault.digests.iter().map(|it| indented(it, 2, columns)).collect::<String>();
            text += &indented(&format!("hint: {}", fault.distrust.hint()), 2, columns);
            continue;
        }
        let said = match (it.approved, it.signed) {
            (true, true) => "approved and signed",
            (true, false) => "approved",
            (false, true) => "signed; in no lock file",
            (false, false) => "in no lock file",
        };
        text += &format!("  {said}\n  sha256 {}\n", it.sha256.as_deref().unwrap_or_default());
    }
    if result.libraries.is_empty() {
        text += "nothing to verify: no folder that is searched has a lock file\n";
    }
    text
}
