//! `#[plugin]`: keeps the item and adds what makes it a plugin.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, Item, ItemFn, ItemImpl, ReturnType, Type, Visibility};

use crate::args::{Mistakes, PluginArgs, check_name, kebab, kebab_type};
use crate::facts::{facts, summary};

/// What is known of a plugin, whatever it stands on.
struct Shape {
    /// The type that stands for the plugin, and its definition if there is none yet.
    subject: TokenStream,
    definition: TokenStream,
    name: String,
    summary: String,
    args: TokenStream,
    start: TokenStream,
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = PluginArgs::parse(args, &mut mistakes);
    let shape = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(function)) => of_function(&function, &args, &mut mistakes),
        Ok(Item::Impl(block)) => of_impl(&block, &args, &mut mistakes),
        Ok(other) => {
            mistakes.at(
                other.span(),
                "`#[plugin]` stands on an async function, or on `impl Lifespan for …`",
            );
            None
        }
        Err(error) => {
            mistakes.push(error);
            None
        }
    };
    // The item is kept in any case: what it lacks as a plugin is no reason for further errors.
    let added = match (mistakes.into_error(), shape) {
        (Some(error), _) => error.into_compile_error(),
        (None, Some(shape)) => implementation(&shape, &args),
        (None, None) => TokenStream::new(),
    };
    quote!(#item #added)
}

fn implementation(shape: &Shape, args: &PluginArgs) -> TokenStream {
    let Shape { subject, definition, name, summary, args: taken, start } = shape;
    let (facts, sdk) = (facts(name, summary, args), args.sdk());
    let instance = args.tokio.as_ref().map(|tokio| {
        let workers = tokio.workers;
        quote_spanned! {tokio.span=>
            const OWN_RUNTIME: #sdk::__private::bool = true;

            fn instance(
                start: #sdk::__private::Start,
            ) -> #sdk::__private::InstanceBox {
                #sdk::__own_runtime!(start, #workers)
            }
        }
    });
    quote! {
        #definition
        impl #sdk::__private::Plugin for #subject {
            const NAME: &'static #sdk::__private::str = #name;
            const VERSION: &'static #sdk::__private::str =
                #sdk::__private::env!("CARGO_PKG_VERSION");
            const SUMMARY: &'static #sdk::__private::str = #summary;
            const FACTS: &'static #sdk::__private::str = #facts;
            type Args = #taken;

            fn start(
                args: Self::Args,
                ctx: #sdk::Context,
            ) -> #sdk::__private::BoxFuture<
                #sdk::anyhow::Result<()>,
            > {
                #start
            }

            #instance
        }
    }
}

/// A plugin of a function. Beside it stands a struct of its name: a function's name is one of values,
/// and a struct with braces has its name among the types only.
fn of_function(item: &ItemFn, args: &PluginArgs, mistakes: &mut Mistakes) -> Option<Shape> {
    let signature = &item.sig;
    if signature.asyncness.is_none() {
        mistakes.at(signature.fn_token.span, "a lifespan is an `async fn`");
    }
    if let Some(token) = &signature.unsafety {
        mistakes.at(token.span, "a lifespan cannot be `unsafe`");
    }
    if !signature.generics.params.is_empty() {
        mistakes.at(signature.generics.params.span(), "a lifespan cannot be generic");
    }
    if matches!(signature.output, ReturnType::Default) {
        mistakes.at(signature.paren_token.span.close(), "a lifespan returns `Result<()>`");
    }
    let inputs: Vec<&Type> = signature.inputs.iter().filter_map(typed).collect();
    let taken = match inputs[..] {
        _ if inputs.len() < signature.inputs.len() => {
            mistakes.at(signature.inputs.span(), "a lifespan is a function, not a method");
            None
        }
        [_] => Some(quote!(())),
        [taken, _] => Some(taken.to_token_stream()),
        _ => {
            let span = if inputs.is_empty() {
                signature.paren_token.span.join()
            } else {
                signature.inputs.span()
            };
            mistakes.at(
                span,
                "a lifespan takes its arguments and its context: \
                 `(args: Args, ctx: Context)`, or `(ctx: Context)` alone",
            );
            None
        }
    };
    let ident = &signature.ident;
    let summary = required_summary(&item.attrs, signature.ident.span(), mistakes);
    let name = name(args, kebab(ident), ident.span(), mistakes);
    let call = match inputs.len() {
        1 => quote_spanned!(ident.span()=> #ident(ctx)),
        _ => quote_spanned!(ident.span()=> #ident(args, ctx)),
    };
    let sdk = args.sdk();
    let unused = (inputs.len() == 1).then(|| quote!(let () = args;));
    Some(Shape {
        subject: ident.to_token_stream(),
        definition: definition(&item.vis, ident),
        name,
        summary,
        args: taken?,
        start: quote! {
            #unused
            #sdk::__private::Box::pin(#call)
        },
    })
}

fn definition(visibility: &Visibility, ident: &Ident) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[expect(non_camel_case_types, reason = "it stands for the function of this name")]
        #visibility struct #ident {}
    }
}

/// A plugin of a type that implements `Lifespan`.
fn of_impl(item: &ItemImpl, args: &PluginArgs, mistakes: &mut Mistakes) -> Option<Shape> {
    let subject = &item.self_ty;
    if !item.trait_.as_ref().is_some_and(|(_, path, _)| {
        path.segments.last().is_some_and(|segment| segment.ident == "Lifespan")
    }) {
        mistakes.at(item.impl_token.span, "`#[plugin]` stands on `impl Lifespan for …`");
    }
    if !item.generics.params.is_empty() {
        mistakes.at(item.generics.params.span(), "a plugin cannot be generic");
    }
    let span = subject.span();
    let last = match &**subject {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let Some(last) = last else {
        mistakes.at(span, "a plugin is a type with a name");
        return None;
    };
    let sdk = args.sdk();
    Some(Shape {
        subject: subject.to_token_stream(),
        definition: TokenStream::new(),
        name: name(args, kebab_type(&last.ident), span, mistakes),
        summary: required_summary(&item.attrs, item.impl_token.span, mistakes),
        args: quote!(<Self as #sdk::Lifespan>::Args),
        start: quote!(#sdk::__private::start::<Self>(args, ctx)),
    })
}

fn name(args: &PluginArgs, derived: String, span: Span, mistakes: &mut Mistakes) -> String {
    args.name.clone().unwrap_or_else(|| {
        check_name(&derived, span, mistakes);
        derived
    })
}

fn required_summary(attributes: &[syn::Attribute], span: Span, mistakes: &mut Mistakes) -> String {
    let summary = summary(attributes);
    if summary.is_empty() {
        mistakes.push(Error::new(
            span,
            "a plugin needs a doc comment: its first paragraph is the plugin's summary in help",
        ));
    }
    summary
}

fn typed(argument: &FnArg) -> Option<&Type> {
    match argument {
        FnArg::Typed(typed) => Some(&typed.ty),
        FnArg::Receiver(_) => None,
    }
}

#[cfg(test)]
mod tests;
