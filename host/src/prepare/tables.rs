//! Tables of configuration that no plugin has, and that look misspelt.
//!
//! A configuration may be shared by hosts with other plugins, so a table of one that is not here is nothing
//! wrong by itself. One whose name is like that of a plugin that is here, and that has no table of its
//! own, is likely meant for it.

use crate::chain::alike;
use crate::config::{Config, Located, Mistake};
use crate::discover::{Catalog, Lookup};

/// A table that looks misspelt.
#[derive(Debug)]
pub(crate) struct Misspelt {
    /// The mistake, with its place and what may be meant.
    pub(crate) mistake: Located,
    /// The plugins that may be meant, the likest first.
    pub(crate) likely: Vec<String>,
}

/// All of them, in the order of their names.
pub(crate) fn misspelt(config: &Config, catalog: &Catalog) -> Vec<Misspelt> {
    let mut found = Vec::new();
    for (name, place) in config.plugins() {
        // A name that is used costs one look; only one that is not has all libraries looked at.
        if catalog.is_name(name) || !matches!(catalog.get(name), Lookup::Unknown) {
            continue;
        }
        let free = catalog.names().into_iter().filter(|it| config.plugin(it).is_none());
        let likely = alike(name, &free.collect::<Vec<_>>());
        if likely.is_empty() {
            tracing::debug!("{place}: no plugin is called `{name}`; its table is not used");
        } else {
            let mistake = Located::new(Mistake::UnknownPlugin(name.to_owned()), place);
            found.push(Misspelt { mistake: mistake.suggesting(&likely), likely });
        }
    }
    found
}
