//! From the words of a line to stages that can be run: chain ⇄ load, bind, order.
//!
//! Nothing is set up here, so everything that is wrong can be told at once.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use lifespan_abi::CommandSpec;

use crate::bind::{Bound, BoundStage, bind, instance_names};
use crate::chain::{
    ArgFileError, Mistake, Origin, Split, Vocabulary, Word, argfile, hints, render_pointer, split,
};
use crate::discover::{Candidate, Catalog, Lookup, Place, Refused};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::host::{Host, Preparation, Prepared, Rendering};
use crate::load::LoadedLibrary;
use crate::order::{Requirement, order};
use crate::plan::Plan;

/// Prepares a line: see [`Host::prepare`].
pub(crate) fn prepare(
    host: &Host,
    words: Vec<OsString>,
    rendering: Rendering,
) -> Result<Preparation, Failures> {
    let mut installed = Installed { host, plugins: HashMap::new() };
    let split = split(&Word::line(words), &mut installed);
    let mut failures = mistakes(&split, host.catalog());
    let stages = match bind_all(host, &split, &installed, rendering, &mut failures) {
        Bindings::Stages(stages) => stages,
        Bindings::Answer(text) => return Ok(Preparation::Answer(text)),
    };
    if !failures.is_empty() {
        return Err(Failures(failures));
    }
    let stages = in_order(stages)?;
    let plan = Plan::of(&stages);
    Ok(Preparation::Ready(Prepared::new(stages, plan, host.limits())))
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
        self.host.catalog().plugins().map(|plugin| plugin.name().to_owned()).collect()
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
        argfile::read(path, named_by)
    }
}

fn find<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Candidate, Failure> {
    match catalog.get(name) {
        Lookup::Found(candidate) => Ok(candidate),
        Lookup::Ambiguous(several) => {
            let places = several.iter().map(|claimant| claimant.library().place());
            let places: Vec<_> = places.map(|place: Place| place.to_string()).collect();
            let message = format!("two libraries have a plugin `{name}`: {}", places.join(" and "));
            Err(Failure::new(Exit::Load, message)
                .hint("keep one of them in the plugins folders, or give one another name"))
        }
        Lookup::Refused(refused) => Err(refusal(name, refused)),
        Lookup::Unknown => Err(Failure::new(Exit::Usage, format!("no plugin is called `{name}`"))),
    }
}

fn refusal(name: &str, refused: &Refused) -> Failure {
    let mut failure = Failure::from_error(Exit::Load, &refused.reason)
        .context(format!("the library of `{name}`, {}, cannot be used", refused.place));
    failure.hints.extend(refused.hint());
    failure
}

/// What is wrong with the line itself, each with its place.
fn mistakes(split: &Split<Failure>, catalog: &Catalog) -> Vec<Failure> {
    let told = split.mistakes.iter().map(|mistake| {
        let mut failure = match mistake {
            Mistake::Spec { source, .. } => source.clone(),
            Mistake::UnknownWord { word, .. } => match catalog.get(word) {
                // A file that can only be meant by its name, since nothing can be read in it.
                Lookup::Refused(refused) => refusal(word, refused),
                Lookup::Found(_) | Lookup::Ambiguous(_) | Lookup::Unknown => {
                    Failure::from_error(Exit::Usage, mistake)
                }
            },
            other => Failure::from_error(Exit::Usage, other),
        };
        failure.hints.extend(mistake.hints());
        failure.detail.get_or_insert_with(|| render_pointer(&split.words, mistake));
        failure
    });
    told.collect()
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
    failures: &mut Vec<Failure>,
) -> Bindings {
    let names = instance_names(&split.stages).unwrap_or_else(|failure| {
        failures.push(failure);
        split.stages.iter().map(|stage| stage.plugin.as_str().into()).collect()
    });
    let mut bound = Vec::new();
    for (at, (stage, name)) in split.stages.iter().zip(names).enumerate() {
        // A plugin without a spec has no stage; its failure is among the mistakes.
        let Some((library, _)) = installed.plugins.get(&stage.plugin) else { continue };
        match bind(stage, name, library, host, rendering) {
            Ok(Bound::Stage(stage)) => bound.push(*stage),
            Ok(Bound::Answer(text)) => return Bindings::Answer(text),
            Err(mut failure) => {
                failure.hints.extend(hints(&split.stages, at));
                failures.push(failure);
            }
        }
    }
    Bindings::Stages(bound)
}

fn in_order(stages: Vec<BoundStage>) -> Result<Vec<BoundStage>, Failures> {
    let requirements: Vec<_> = stages
        .iter()
        .map(|stage| Requirement { plugin: &stage.facts.name, requires: &stage.facts.requires })
        .collect();
    let places = order(&requirements).map_err(|errors| {
        let told =
            errors.iter().map(|error| Failure::from_error(Exit::Usage, error).hint(error.hint()));
        Failures(told.collect())
    })?;
    let mut stages: Vec<_> = stages.into_iter().map(Some).collect();
    Ok(places.into_iter().filter_map(|place| stages[place].take()).collect())
}
