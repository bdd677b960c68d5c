//! `plugin install`: checks a library, copies it into a plugins folder, and approves it there.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use lifespan_abi::Descriptor;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, json, path};
use super::target::{self, Examined};
use super::trust::{Approved, enter, failed, not_approved, text, warn, warn_of_needs};
use crate::discover::{Lookup, Place, RefusalReason, is_library_name, judge_descriptor};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files::{self, Staged};
use crate::trust::{Distrust, Editing, Guard, MAX_SIGNATURE, Unmade, signature_of};

/// Check a library, copy it into a plugins folder, and approve it there
#[derive(Clone, Debug, Args)]
pub(crate) struct InstallArgs {
    /// The library
    file: PathBuf,

    /// The folder; by default the first that is searched. It is made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Replace a library of other plugins, and take plugins that other libraries have too
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin install`.
#[derive(Debug, Serialize)]
struct InstallResult {
    /// The library in the folder, approved.
    installed: Approved,
    /// Whether a library of that name was there before.
    replaced: bool,
    /// Libraries in the same folder that are not approved, and are refused for it.
    not_approved: Vec<String>,
}

/// A library that is in its place.
struct Installed {
    approved: Approved,
    replaced: bool,
}

/// Does it.
pub(crate) fn cmd_install(context: &Context<'_>, args: InstallArgs) -> Result<Exit, Failures> {
    let folder = folder(context, args.dir.as_deref())?;
    let file = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    let examined = target::examine(&file)?;
    let goal = folder.join(&examined.name);
    check(context, &examined, &goal, args.force)?;
    let guard = Guard::new(context.host.policy());
    guard.make_folder(&folder).map_err(|unmade| match unmade {
        Unmade::Io(error) => cannot("made", &folder, &error),
        Unmade::Distrusted(fault) => not_into(&folder, &fault),
    })?;
    let installed = install(&guard, examined, &goal, args.force)?;
    let result = InstallResult {
        installed: installed.approved,
        replaced: installed.replaced,
        not_approved: not_approved(&folder).iter().map(|it| path(it)).collect(),
    };
    let exit = context.reporter.data(&match args.format.format {
        Format::Text => {
            text(std::slice::from_ref(&result.installed), context.reporter.terminal.columns)
        }
        Format::Json => json(&result),
    });
    warn(context, &result.not_approved);
    Ok(exit)
}

/// Where to.
fn folder(context: &Context<'_>, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let first = || context.host.catalog().search_path().entries().first().map(|it| it.dir.clone());
    let folder = named.map(Path::to_owned).or_else(first).ok_or_else(|| {
        Failure::new(Exit::Usage, "there is no plugins folder: no home, and none is named")
            .hint("name one with `--dir DIR`")
    })?;
    std::path::absolute(&folder).map_err(|error| cannot("used", &folder, &error))
}

/// All that speaks against it.
fn check(
    context: &Context<'_>,
    examined: &Examined,
    goal: &Path,
    force: bool,
) -> Result<(), Failures> {
    let library = examined.library.display();
    let refusal = |reason: RefusalReason| {
        let failure = Failure::from_error(reason.exit(), &reason);
        let mut failure = failure.context(format!("`{library}` is not installed"));
        failure.hints.extend(reason.hint());
        failure
    };
    let judged = context.host.policy().judge(&examined.library, None, &examined.sealed);
    let mut failures: Vec<_> =
        judge_descriptor(&examined.descriptor, context.host.allows_panic_abort())
            .into_iter()
            .chain(judged.err().map(RefusalReason::from))
            .map(refusal)
            .collect();
    if !is_library_name(goal) {
        let message = format!("`{library}` is not named as libraries are here");
        let suffix = std::env::consts::DLL_SUFFIX;
        failures.push(
            Failure::new(Exit::Load, message).hint(format!("its name must end with `{suffix}`")),
        );
    }
    if !force {
        failures.extend(replaced(examined, goal));
        failures.extend(claimed(context, examined, goal));
    }
    Failures::check(failures)
}

/// A failure if a library of other plugins would be replaced.
fn replaced(examined: &Examined, goal: &Path) -> Option<Failure> {
    goal.symlink_metadata().ok()?;
    let names = |it: &Descriptor| -> Vec<String> {
        it.plugins.iter().map(|plugin| plugin.name.clone()).collect()
    };
    let there = target::descriptor(goal).map(|it| names(&it)).unwrap_or_default();
    let new = names(&examined.descriptor);
    if !there.is_empty() && there.iter().all(|name| new.contains(name)) {
        return None;
    }
    let there = if there.is_empty() { "something else".to_owned() } else { there.join(", ") };
    let message = format!("`{}` is there already, and is {there}", goal.display());
    Some(Failure::new(Exit::Config, message).hint("`--force` replaces it"))
}

/// A failure for each plugin that another library has too.
fn claimed(context: &Context<'_>, examined: &Examined, goal: &Path) -> Vec<Failure> {
    let others = |name: &str| -> Vec<Place> {
        let places: Vec<Place> = match context.host.catalog().get(name) {
            Lookup::Found(one) => vec![one.place()],
            Lookup::Ambiguous(several) => several.iter().map(|it| it.place()).collect(),
            Lookup::Refused(_) | Lookup::Unknown => Vec::new(),
        };
        places.into_iter().filter(|it| it.path().map(PathBuf::as_path) != Some(goal)).collect()
    };
    let names = examined.descriptor.plugins.iter().map(|it| it.name.as_str());
    let claims = names.flat_map(|name| others(name).into_iter().map(move |place| (name, place)));
    claims
        .map(|(name, place)| {
            let message = format!("the plugin `{name}` is also in {place}");
            Failure::new(Exit::Config, message)
                .hint("remove that one, or install this one elsewhere; `--force` takes both")
        })
        .collect()
}

/// Puts the bytes that were looked at in their place, with the signature if there is one, and approves them.
/// Nobody else changes the folder meanwhile, and nothing is replaced before all is written and judged.
fn install(
    guard: &Guard,
    examined: Examined,
    goal: &Path,
    force: bool,
) -> Result<Installed, Failures> {
    let folder = goal.parent().unwrap_or(goal);
    let written = |error| cannot("written to", folder, &error);
    let mut editing = Editing::open(guard, folder).map_err(failed)?;
    if !force {
        // It may have come since.
        Failures::check(replaced(&examined, goal).into_iter().collect())?;
    }
    let is_there = goal.symlink_metadata().is_ok();
    let (library, signature) = stage(&examined, goal).map_err(written)?;
    for staged in [Some(&library), signature.as_ref()].into_iter().flatten() {
        guard.walk(staged.path()).map_err(|fault| not_into(folder, &fault))?;
    }
    let installed = Examined { library: goal.to_owned(), ..examined };
    let approved = enter(&mut editing, &installed);
    let lock = editing.stage().map_err(failed)?;
    match signature {
        Some(signature) => signature.place(),
        // That of another library is none of this one.
        None => files::remove(&signature_of(goal)),
    }
    .and_then(|()| library.place())
    .map_err(written)?;
    editing.place(lock).map_err(failed)?;
    warn_of_needs(guard, &installed);
    Ok(Installed { approved, replaced: is_there })
}

/// Writes a library and its signature beside their places.
fn stage(examined: &Examined, goal: &Path) -> io::Result<(Staged, Option<Staged>)> {
    let mut bytes = Vec::new();
    io::copy(&mut examined.sealed.reader()?, &mut bytes)?;
    let signature = match files::read(&signature_of(&examined.library), MAX_SIGNATURE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        read => Some(files::stage(&signature_of(goal), &read?)?),
    };
    Ok((files::stage(goal, &bytes)?, signature))
}

fn not_into(folder: &Path, fault: &Distrust) -> Failure {
    target::distrusted(fault).context(format!("nothing is installed into `{}`", folder.display()))
}

fn cannot(what: &str, folder: &Path, error: &io::Error) -> Failure {
    let folder = folder.as_os_str().to_string_lossy();
    Failure::from_error(Exit::Config, error)
        .context(format!("the plugins folder `{folder}` cannot be {what}"))
        .hint("see that you may write there, or name another with `--dir DIR`")
}
