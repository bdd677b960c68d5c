//! The macros of `lifespan-plugin-api`: thin entries; each expansion is a pure function of its own.

mod message;

use proc_macro::TokenStream;

/// See `lifespan_plugin_api::message::Message`.
#[proc_macro_derive(Message)]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
