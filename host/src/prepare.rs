//! From the words of a line to stages that can be run: chain ⇄ load, bind, order.
//!
//! Nothing is set up here, so everything that is wrong can be told at once.

mod tables;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use lifespan_abi::CommandSpec;

use crate::bind::{self, Bound, BoundStage, bind, instance_names};
use crate::chain::{
    ArgFileError, Mistake, Origin, Split, Stage, Vocabulary, Word, alike, argfile, given, hints,
    render_pointer, split,
};
use crate::config::{self, Taken};
use crate::discover::refusal::CLAIMED_HINT;
use crate::discover::{Candidate, Catalog, Lookup, Place, Refused};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;
use crate::host::{Host, Preparation, Prepared, Rendering};
use crate::load::LoadedLibrary;
use crate::order::{Requirement, order};
use crate::plan::Plan;
pub(crate) use crate::prepare::tables::{Misspelt, misspelt};
use crate::runtime::Starting;

/// Prepares a line: see [`Host::prepare`].
pub(crate) fn prepare(
    host: &Host,
    words: Vec<OsString>,
    rendering: Rendering,
) -> Result<Preparation, Failures> {
    let runtime = Starting::begin();
    let mut installed = Installed { host, plugins: HashMap::new() };
    let split = split(&Word::line(words), &mut installed);
    let mut failures = mistakes(host, &split, rendering);
    failures.extend(misspelt_tables(host, &split));
    let stages = match bind_all(host, &split, &installed, rendering, &mut failures) {
        Bindings::Stages(stages) => stages,
        Bindings::Answer(text) => return Ok(Preparation::Answer(text)),
    };
    failures.sort_by_key(|placed| placed.at);
    Failures::check(failures.into_iter().map(|placed| placed.failure).collect())?;
    if stages.is_empty() {
        return Err(nothing_to_run(host.name()).into());
    }
    let stages = in_order(stages)?;
    let plan = Plan::of(&stages);
    Ok(Preparation::Ready(Prepared::new(stages, plan, runtime, host.run_options())))
}

/// The help of one plugin: see [`Host::help`].
pub(crate) fn help(host: &Host, plugin: &str, rendering: Rendering) -> Result<String, Failures> {
    let library = host.library(named(host, plugin, "help")?)?;
    Ok(bind::help(plugin, &library, host, rendering)?)
}

/// The plugin that a command of the host's names; where there is none, it suggests what else could be
/// asked for by that command.
pub(crate) fn named<'h>(
    host: &'h Host,
    plugin: &str,
    command: &str,
) -> Result<&'h Candidate, Failure> {
    find(host.catalog(), plugin).map_err(|mut failure| {
        if let Lookup::Unknown = host.catalog().get(plugin) {
            let alike = alike(plugin, &host.catalog().names());
            let commands: Vec<_> =
                alike.iter().map(|name| format!("`{} {command} {name}`", host.name())).collect();
            failure.hints = if commands.is_empty() {
                unknown_hints(host)
            } else {
                vec![format!("did you mean {}?", commands.join(" or "))]
            };
        }
        failure
    })
}

/// A line without a stage.
pub(crate) fn nothing_to_run(host: &str) -> Failure {
    Failure::new(Exit::Usage, "there is no stage on the line, so nothing to run")
        .hint(format!("name a plugin; `{host} --help` lists them"))
}

/// A failure with the position of its word on the line.
struct Placed {
    at: usize,
    failure: Failure,
}

/// The plugins that can be named, and those that have been, with their libraries.
struct Installed<'h> {
    host: &'h Host,
    plugins: HashMap<String, (LoadedLibrary, Arc<CommandSpec>)>,
}

impl Vocabulary for Installed<'_> {
    type Error = Failure;

    fn is_plugin(&self, name: &str) -> bool {
        self.host.catalog().is_name(name)
    }

    fn names(&self) -> Vec<String> {
        self.host.catalog().names()
    }

    fn spec(&mut self, name: &str) -> Result<Arc<CommandSpec>, Failure> {
        if let Some((_, spec)) = self.plugins.get(name) {
            return Ok(spec.clone());
        }
        let library = self.host.library(find(self.host.catalog(), name)?)?;
        let spec = library.command_spec(name).map_err(|report| {
            let mut failure = Failure::plugin(name, "command spec", *report);
            failure.exit = Exit::Load;
            failure
        })?;
        let spec = Arc::new(spec);
        self.plugins.insert(name.to_owned(), (library, spec.clone()));
        Ok(spec)
    }

    fn read_args(&mut self, path: &Path, named_by: &Origin) -> Result<Vec<Word>, ArgFileError> {
        argfile::read(path, named_by, files::read_named)
    }
}

fn find<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Candidate, Failure> {
    match catalog.get(name) {
        Lookup::Found(candidate) => Ok(candidate),
        Lookup::Ambiguous(several) => {
            let places = several.iter().map(|claimant| claimant.library().place());
            let places: Vec<_> = places.map(|place: Place| place.to_string()).collect();
            let count = places.len();
            let message =
                format!("{count} libraries have a plugin `{name}`: {}", places.join(" and "));
            Err(Failure::new(Exit::Load, message).hint(CLAIMED_HINT))
        }
        Lookup::Refused(refused) => Err(refusal(name, refused)),
        Lookup::Unknown => Err(Failure::new(Exit::Usage, format!("no plugin is called `{name}`"))),
    }
}

fn refusal(name: &str, refused: &Refused) -> Failure {
    let mut failure = Failure::from_error(refused.reason.exit(), &refused.reason);
    if !refused.reason.is_wish() {
        let place = &refused.place;
        failure = failure.context(format!("the library of `{name}`, {place}, cannot be used"));
    }
    failure.causes.extend(refused.reason.details());
    failure.hints.extend(refused.hint());
    failure
}

/// What is wrong with the line itself, each with its place.
fn mistakes(host: &Host, split: &Split<Failure>, rendering: Rendering) -> Vec<Placed> {
    let told = split.mistakes.iter().map(|mistake| {
        let at = mistake.at();
        let mut failure = told(host, mistake);
        failure.pointer = Some(render_pointer(&split.words, at..at + 1, rendering.width));
        Placed { at, failure }
    });
    told.collect()
}

fn told(host: &Host, mistake: &Mistake<Failure>) -> Failure {
    match mistake {
        Mistake::Spec { source, .. } => return source.clone(),
        // A file that can only be meant by its name, since nothing can be read in it.
        Mistake::UnknownWord { word, .. } => {
            if let Lookup::Refused(refused) = host.catalog().get(word) {
                return refusal(word, refused);
            }
        }
        _ => {}
    }
    let exit = match mistake {
        Mistake::ArgFile { source: ArgFileError::Elevated { .. }, .. } => Exit::Config,
        _ => Exit::Usage,
    };
    let mut failure = Failure::from_error(exit, mistake);
    failure.hints = mistake.hints();
    match mistake {
        Mistake::UnknownWord { suggestions, .. } if suggestions.is_empty() => {
            failure.hints.extend(unknown_hints(host));
        }
        Mistake::Reserved { word, after, .. } if word == "help" => {
            let plugin = after.as_deref().unwrap_or("PLUGIN");
            let hint = format!("`{} help {plugin}` shows the help of a plugin", host.name());
            failure.hints.push(hint);
        }
        _ => {}
    }
    failure
}

/// What to do where a name is like none that is known.
fn unknown_hints(host: &Host) -> Vec<String> {
    let name = host.name();
    if host.catalog().plugins().next().is_some() {
        return vec![format!("`{name} --help` lists the plugins")];
    }
    let searched = host.catalog().search_path().entries().iter().map(ToString::to_string);
    let searched: Vec<_> = searched.collect();
    let found = if searched.is_empty() {
        "there are no plugins: no folder was named to look for them".to_owned()
    } else {
        format!("no plugins were found; looked in {}", searched.join(", "))
    };
    vec![found, format!("`{name} --help` tells where plugins are looked for")]
}

enum Bindings {
    Stages(Vec<BoundStage>),
    /// A stage asked for help: who asks wants to read it, whatever else is wrong.
    Answer(String),
}

fn bind_all(
    host: &Host,
    split: &Split<Failure>,
    installed: &Installed<'_>,
    rendering: Rendering,
    failures: &mut Vec<Placed>,
) -> Bindings {
    let (names, wrong) = instance_names(&split.stages);
    for (stage, mut failure) in wrong {
        let at = split.stages[stage].span.start;
        failure.pointer = Some(render_pointer(&split.words, at..at + 1, rendering.width));
        failures.push(Placed { at, failure });
    }
    let mut bound = Vec::new();
    let mut told = HashSet::new();
    for (at, (stage, name)) in split.stages.iter().zip(names).enumerate() {
        // A plugin without a spec has no stage; its failure is among the mistakes.
        let Some((library, spec)) = installed.plugins.get(&stage.plugin) else { continue };
        let taken = configured(host, stage, spec).unwrap_or_else(|mistakes| {
            if told.insert(&stage.plugin) {
                let placed = |failure| Placed { at: stage.span.start, failure };
                failures.extend(mistakes.into_iter().map(placed));
            }
            Vec::new()
        });
        let words = taken.iter().flat_map(|taken| taken.words.clone());
        let args = words.chain(stage.args.iter().cloned()).collect();
        match bind(&Stage { args, ..stage.clone() }, name, library, host, rendering) {
            Ok(Bound::Stage(stage)) => bound.push(*stage),
            Ok(Bound::Answer(text)) => return Bindings::Answer(text),
            Err(mut failure) => {
                if blame(&mut failure, &taken) {
                    failures.push(Placed { at: stage.span.start, failure });
                    continue;
                }
                failure.hints.extend(hints(&split.stages, at));
                let span = stage.span.clone();
                // On a line of one stage there is nothing to tell apart.
                if span.len() < split.words.len() {
                    let instance = failure.instance.as_deref().unwrap_or(&stage.plugin);
                    let pointer = render_pointer(&split.words, span.clone(), rendering.width);
                    failure.pointer = Some(format!("  in stage `{instance}`:\n{pointer}"));
                }
                failures.push(Placed { at: span.start, failure });
            }
        }
    }
    Bindings::Stages(bound)
}

/// Tables that are likely meant for plugins on the line, and are not used for them. Of others it is enough
/// to know.
fn misspelt_tables(host: &Host, split: &Split<Failure>) -> Vec<Placed> {
    let mut failures = Vec::new();
    for Misspelt { mistake, likely } in misspelt(host.config(), host.catalog()) {
        match split.stages.iter().find(|stage| likely.contains(&stage.plugin)) {
            Some(stage) => {
                failures.push(Placed { at: stage.span.start, failure: mistake.failure() });
            }
            None => tracing::warn!("{mistake}"),
        }
    }
    failures
}

/// What files say of a stage's options; else all that is wrong with it.
fn configured(host: &Host, stage: &Stage, spec: &CommandSpec) -> Result<Vec<Taken>, Vec<Failure>> {
    let Some(table) = host.config().plugin(&stage.plugin) else { return Ok(Vec::new()) };
    let env = |name: &str| std::env::var_os(name).is_some();
    config::words(&stage.plugin, table, spec, &given(spec, &stage.args), env)
        .map_err(|mistakes| mistakes.iter().map(|mistake| mistake.failure()).collect())
}

/// Has a parser's complaint point at the file that it is about, if it is about what a file says.
fn blame(failure: &mut Failure, taken: &[Taken]) -> bool {
    let Some(detail) = &failure.detail else { return false };
    let named: Vec<_> = taken.iter().filter(|taken| taken.is_named_in(detail)).collect();
    let Some(first) = named.first() else { return false };
    failure.exit = Exit::Config;
    failure.pointer = Some(first.place.pointer());
    let others = named[1..].iter();
    failure.hints.extend(others.map(|it| format!("`{}` is from {}", it.option, it.place)));
    true
}

fn in_order(stages: Vec<BoundStage>) -> Result<Vec<BoundStage>, Failures> {
    let requirements: Vec<_> = stages
        .iter()
        .map(|stage| Requirement { plugin: &stage.facts.name, requires: &stage.facts.requires })
        .collect();
    let places = match order(&requirements) {
        Ok(places) => places,
        Err(errors) => {
            let told = errors
                .iter()
                .map(|error| Failure::from_error(Exit::Usage, error).hint(error.hint()));
            Failures::check(told.collect())?;
            Vec::new()
        }
    };
    let mut stages: Vec<_> = stages.into_iter().map(Some).collect();
    Ok(places.into_iter().filter_map(|place| stages[place].take()).collect())
}
