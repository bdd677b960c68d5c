//! The macros of `lifespan-plugin-api`: thin entries; each expansion is a pure function of its own.

mod args;
mod facts;
mod message;
mod plugin;

use proc_macro::TokenStream;

/// Makes a plugin of an async function, or of an implementation of `Lifespan`.
///
/// The function takes its arguments (a type that derives `clap::Args`; may be left out) and the
/// instance's `Context`, and returns `Result<()>`. Its name, with `_` as `-`, is the plugin's; its doc
/// comment's first paragraph is the plugin's summary. In the brackets may stand:
///
/// * `name = "…"`: the plugin's name, where it is to be another;
/// * `requires(a, "b-c")`: plugins that must be on the line too, and are set up before this one;
/// * `setup_timeout = "10s"`, `grace = "…"`, `teardown_timeout = "…"`: deadlines of its own. A bare
///   number is seconds;
/// * `tokio`, or `tokio(workers = 2)`: each instance has a tokio runtime of its own, with one worker
///   or as many as are said. Needs the SDK's feature `tokio`;
/// * `crate = path`: where the SDK is, if not at `::lifespan_plugin_api`.
///
/// This only defines the plugin; `export!` puts it into a library.
#[proc_macro_attribute]
pub fn plugin(args: TokenStream, item: TokenStream) -> TokenStream {
    plugin::expand(args.into(), item.into()).into()
}

/// See `lifespan_plugin_api::message::Message`.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
