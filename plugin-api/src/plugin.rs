//! What `#[plugin]` makes of a function or an implementation, and what `export!` lists.
//!
//! Hidden from authors: only the macros name these items, and they may change with the SDK.

use std::future::Future;
use std::pin::Pin;

use lifespan_abi::{BindReply, BindRequest, CommandSpec, InstanceBox};

use crate::bind;
use crate::context::Context;
use crate::instance::{Start, instance};
use crate::lifespan::{Lifespan, lower};

/// A boxed future of an author's.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A plugin: a function, or a type that implements [`Lifespan`].
pub trait Plugin: 'static {
    /// The name by which it stands on the command line.
    const NAME: &'static str;
    /// Its package's version.
    const VERSION: &'static str;
    /// Its doc comment's first paragraph.
    const SUMMARY: &'static str;
    /// The JSON text of its [`PluginFacts`](lifespan_abi::PluginFacts).
    const FACTS: &'static str;
    /// Whether its instances have a tokio runtime of their own.
    const OWN_RUNTIME: bool = false;
    /// What it takes on the command line.
    type Args: clap::Args + Send + 'static;

    /// Its lifespan.
    fn start(args: Self::Args, ctx: Context) -> BoxFuture<anyhow::Result<()>>;

    /// The instance of that lifespan: one that the host polls, unless the plugin says otherwise.
    fn instance(start: Start) -> InstanceBox {
        instance(start)
    }
}

/// A [`Plugin`] in a list.
#[derive(Clone, Copy)]
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) spec: fn() -> anyhow::Result<CommandSpec>,
    pub(crate) bind: fn(BindRequest) -> BindReply,
}

impl Entry {
    /// The entry of a plugin.
    pub const fn of<P: Plugin>() -> Entry {
        Entry { name: P::NAME, spec: bind::spec::<P>, bind: bind::bind::<P> }
    }
}

/// For tests of hosts: an instance whose lifespan is that function.
pub fn instance_of<F, L>(lifespan: F) -> InstanceBox
where
    F: FnOnce(Context) -> L + Send + 'static,
    L: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    instance(Box::new(|ctx| Box::pin(lifespan(ctx))))
}

/// The lifespan of a type that implements [`Lifespan`]; the expansion of `#[plugin]` calls it.
pub fn start<L: Lifespan>(args: L::Args, ctx: Context) -> BoxFuture<anyhow::Result<()>> {
    Box::pin(lower::<L>(args, ctx))
}
