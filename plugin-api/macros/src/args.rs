//! The arguments of `#[plugin(…)]`, checked one by one so that all mistakes are told at once.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Ident, LitInt, LitStr, Path, Token, parenthesized, token};

/// The names of the host's own commands, now or later.
const RESERVED: [&str; 5] = ["help", "plugin", "completions", "man", "run"];

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct PluginArgs {
    pub(crate) name: Option<String>,
    /// Where the SDK is, if not at its own name.
    pub(crate) sdk: Option<Path>,
    pub(crate) requires: Vec<String>,
    pub(crate) setup_timeout: Option<Duration>,
    pub(crate) grace: Option<Duration>,
    pub(crate) teardown_timeout: Option<Duration>,
    pub(crate) tokio: Option<Tokio>,
}

/// A tokio runtime of each instance's own.
pub(crate) struct Tokio {
    pub(crate) workers: usize,
    pub(crate) span: Span,
}

/// All mistakes of one use of a macro.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(Error::new(span, message));
    }

    pub(crate) fn into_error(self) -> Option<Error> {
        self.0
    }
}

impl PluginArgs {
    /// Parses what it can, and notes the rest.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut args = PluginArgs::default();
        let mut seen: Vec<String> = Vec::new();
        let parser = syn::meta::parser(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if seen.contains(&name) {
                mistakes.at(meta.path.span(), format_args!("`{name}` stands here twice"));
            }
            args.argument(&name, &meta, mistakes)?;
            seen.push(name);
            Ok(())
        });
        if let Err(error) = parser.parse2(tokens) {
            mistakes.push(error);
        }
        args
    }

    /// The path of the SDK.
    pub(crate) fn sdk(&self) -> TokenStream {
        sdk(self.sdk.as_ref())
    }

    fn argument(
        &mut self,
        name: &str,
        meta: &ParseNestedMeta<'_>,
        mistakes: &mut Mistakes,
    ) -> syn::Result<()> {
        match name {
            "name" => {
                let text: LitStr = meta.value()?.parse()?;
                check_name(&text.value(), text.span(), mistakes);
                self.name = Some(text.value());
            }
            "crate" => self.sdk = Some(meta.value()?.call(Path::parse_mod_style)?),
            "requires" => {
                let content;
                parenthesized!(content in meta.input);
                let names = Punctuated::<Name, Token![,]>::parse_terminated(&content)?;
                for name in names {
                    check_name(&name.text, name.span, mistakes);
                    if self.requires.contains(&name.text) {
                        mistakes.at(name.span, format_args!("`{}` stands here twice", name.text));
                    }
                    self.requires.push(name.text);
                }
            }
            "setup_timeout" => self.setup_timeout = deadline(meta, mistakes)?,
            "grace" => self.grace = deadline(meta, mistakes)?,
            "teardown_timeout" => self.teardown_timeout = deadline(meta, mistakes)?,
            "tokio" => self.tokio = Some(tokio(meta, mistakes)?),
            _ => {
                return Err(meta.error(
                    "expected `name = \"…\"`, `requires(…)`, `setup_timeout = \"…\"`, \
                     `grace = \"…\"`, `teardown_timeout = \"…\"`, `tokio`, `tokio(workers = …)` or \
                     `crate = …`",
                ));
            }
        }
        Ok(())
    }
}

/// The path of the SDK, given or its own name.
pub(crate) fn sdk(given: Option<&Path>) -> TokenStream {
    given.map_or_else(|| quote!(::lifespan_plugin_api), ToTokens::to_token_stream)
}

/// A plugin's name, as an identifier or in quotes.
struct Name {
    text: String,
    span: Span,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            return Ok(Name { text: text.value(), span: text.span() });
        }
        let ident = Ident::parse_any(input)?;
        Ok(Name { text: kebab(&ident), span: ident.span() })
    }
}

/// An identifier as a plugin's name: `_` as `-`.
pub(crate) fn kebab(ident: &Ident) -> String {
    ident.unraw().to_string().replace('_', "-")
}

/// A type's name as a plugin's name: `FishShop` is `fish-shop`.
pub(crate) fn kebab_type(ident: &Ident) -> String {
    let mut name = String::new();
    let text = ident.unraw().to_string();
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let next_is_small = text[at..].chars().nth(1).is_some_and(char::is_lowercase);
        let begins = letter.is_uppercase() && (!before.is_uppercase() || next_is_small);
        if begins && at > 0 && before != '_' {
            name.push('-');
        }
        name.extend(letter.to_lowercase().map(|small| if small == '_' { '-' } else { small }));
        before = letter;
    }
    name
}

/// A name must be one that the host accepts: it judges descriptors by the same rules.
pub(crate) fn check_name(name: &str, span: Span, mistakes: &mut Mistakes) {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !name.chars().all(fits) {
        mistakes.at(
            span,
            format_args!(
                "`{name}` cannot be a plugin's name: it takes small letters, digits and `-`, and \
                 begins with a letter"
            ),
        );
    } else if name.len() > MAX_NAME {
        mistakes.at(span, format_args!("a plugin's name has at most {MAX_NAME} letters"));
    } else if RESERVED.contains(&name) {
        mistakes.at(
            span,
            format_args!("`{name}` is a command of the host's: choose another name for the plugin"),
        );
    }
}

fn deadline(meta: &ParseNestedMeta<'_>, mistakes: &mut Mistakes) -> syn::Result<Option<Duration>> {
    let text: LitStr = meta.value()?.parse()?;
    let duration = duration(&text.value());
    if duration.is_none() {
        mistakes.at(
            text.span(),
            format_args!(
                "`{}` is no duration: give seconds (`\"10\"`), or a unit (`\"200ms\"`)",
                text.value()
            ),
        );
    }
    Ok(duration)
}

/// `tokio`, or `tokio(workers = 2)`.
fn tokio(meta: &ParseNestedMeta<'_>, mistakes: &mut Mistakes) -> syn::Result<Tokio> {
    let mut tokio = Tokio { workers: 1, span: meta.path.span() };
    if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|inner| {
            if !inner.path.is_ident("workers") {
                return Err(inner.error("expected `workers = …`"));
            }
            let number: LitInt = inner.value()?.parse()?;
            tokio.workers = number.base10_parse()?;
            if tokio.workers == 0 {
                mistakes.at(number.span(), "a runtime has one worker at least");
            }
            Ok(())
        })?;
    }
    Ok(tokio)
}

/// A duration as `Seconds` of the SDK reads it: a bare number is seconds.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    humantime::parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn parse(tokens: TokenStream) -> Result<PluginArgs, Vec<String>> {
        let mut mistakes = Mistakes::default();
        let args = PluginArgs::parse(tokens, &mut mistakes);
        match mistakes.into_error() {
            None => Ok(args),
            Some(error) => Err(error.into_iter().map(|error| error.to_string()).collect()),
        }
    }

    #[test]
    fn all_arguments_are_read() {
        let args = parse(quote! {
            name = "fish", requires(sea, big_net, "a-b"),
            setup_timeout = "10s", grace = "0.5", teardown_timeout = "1m 30s",
            tokio(workers = 3), crate = crate::sdk,
        })
        .unwrap();
        assert_eq!(args.tokio.unwrap().workers, 3);
        let args = PluginArgs { tokio: None, ..args };
        assert_eq!(args.name.as_deref(), Some("fish"));
        assert_eq!(args.requires, ["sea", "big-net", "a-b"]);
        assert_eq!(args.setup_timeout, Some(Duration::from_secs(10)));
        assert_eq!(args.grace, Some(Duration::from_millis(500)));
        assert_eq!(args.teardown_timeout, Some(Duration::from_secs(90)));
        assert_eq!(args.sdk().to_string(), "crate :: sdk");
    }

    #[test]
    fn a_runtime_has_one_worker_unless_more_are_wanted() {
        assert_eq!(parse(quote!(tokio)).unwrap().tokio.unwrap().workers, 1);
        assert!(parse(quote!()).unwrap().tokio.is_none());
        for wrong in [
            quote!(tokio(workers = 0)),
            quote!(tokio(workers = "2")),
            quote!(tokio(threads = 2)),
            quote!(tokio = 2),
            quote!(tokio, tokio),
        ] {
            assert_eq!(parse(wrong.clone()).err().map(|told| told.len()), Some(1), "{wrong}");
        }
    }

    #[test]
    fn all_mistakes_are_told() {
        let mistakes = parse(quote! {
            name = "-fish", requires(sea, sea, "A"), grace = "soon", grace = "1", taste = 1
        })
        .err()
        .unwrap();
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    }

    #[test]
    fn only_names_that_the_host_accepts_are_accepted() {
        let wrong = |name: &str| {
            let mut mistakes = Mistakes::default();
            check_name(name, Span::call_site(), &mut mistakes);
            mistakes.into_error().is_some()
        };
        for name in ["help", "plugin", "completions", "man", "run", "a_b", "", "2a", "-a", "ä", "A"]
        {
            assert!(wrong(name), "{name}");
        }
        assert!(wrong(&"a".repeat(65)));
        for name in ["a", "a-b", "a2", "helper", &"a".repeat(64)] {
            assert!(!wrong(name), "{name}");
        }
        assert!(parse(quote!(name = "run", requires(help))).is_err_and(|told| told.len() == 2));
    }

    #[test]
    fn types_are_named_as_words() {
        for (ident, name) in [
            ("Ticker", "ticker"),
            ("FishShop", "fish-shop"),
            ("HTTPServer", "http-server"),
            ("Echo2", "echo2"),
            ("Big_Net", "big-net"),
        ] {
            assert_eq!(kebab_type(&Ident::new(ident, Span::call_site())), name);
        }
    }
}
