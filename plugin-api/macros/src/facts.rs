//! The static facts of a plugin, as tokens that make their JSON text in the author's crate.

use std::fmt::Write as _;
use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::args::PluginArgs;

/// The JSON text of a plugin's facts; its version is only known where the expansion is compiled.
pub(crate) fn facts(name: &str, summary: &str, args: &PluginArgs) -> TokenStream {
    let before = format!("{{\"name\":{},\"version\":\"", json(name));
    let mut after = format!("\",\"summary\":{}", json(summary));
    if !args.requires.is_empty() {
        let names: Vec<String> = args.requires.iter().map(|name| json(name)).collect();
        let _ = write!(after, ",\"requires\":[{}]", names.join(","));
    }
    for (field, deadline) in [
        ("setup_timeout_ms", args.setup_timeout),
        ("grace_ms", args.grace),
        ("teardown_timeout_ms", args.teardown_timeout),
    ] {
        if let Some(deadline) = deadline {
            let _ = write!(after, ",\"{field}\":{}", millis(deadline));
        }
    }
    after.push('}');
    let sdk = args.sdk();
    quote! {
        #sdk::__private::concat!(
            #before,
            #sdk::__private::env!("CARGO_PKG_VERSION"),
            #after
        )
    }
}

/// The first paragraph of a doc comment in one line, without the final period; empty where there is
/// none.
pub(crate) fn summary(attributes: &[Attribute]) -> String {
    let mut words: Vec<String> = Vec::new();
    let lines = attributes.iter().filter_map(doc_text);
    for line in lines.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
        match line.trim() {
            "" if words.is_empty() => {}
            "" => break,
            line => words.push(line.to_owned()),
        }
    }
    // A summary is one line, in a list and in a terminal: whatever would break it is a space.
    let text = words.join(" ");
    let folded = text.split(|c: char| c.is_whitespace() || c.is_control());
    let text = folded.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match text.strip_suffix('.') {
        Some(sentence) if !sentence.ends_with('.') => sentence.to_owned(),
        _ => text,
    }
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(doc) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &doc.value else { return None };
    // An empty line of a comment is a text without lines.
    doc.path.is_ident("doc").then(|| format!("{}\n", text.value()))
}

/// The number of milliseconds, rounded up: a deadline is never shorter than what was written.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn json(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    use super::*;

    fn summary_of(item: ItemFn) -> String {
        summary(&item.attrs)
    }

    #[test]
    fn the_first_paragraph_is_the_summary() {
        let text = summary_of(parse_quote! {
            ///
            /// Count down,
            /// telling everyone.
            ///
            /// In detail.
            fn f() {}
        });
        assert_eq!(text, "Count down, telling everyone");
        assert_eq!(
            summary_of(parse_quote!(
                /** Wait… what...
                ever */
                fn f() {}
            )),
            "Wait… what... ever"
        );
        assert_eq!(
            summary_of(parse_quote!(
                #[inline]
                fn f() {}
            )),
            ""
        );
    }

    #[test]
    fn a_summary_is_one_line_of_plain_text() {
        let text = summary_of(parse_quote! {
            #[doc = "Count\tdown \u{1b}[31mred\u{7f}  now"]
            fn f() {}
        });
        assert_eq!(text, "Count down [31mred now");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(json("a \"b\" \\ \t é"), "\"a \\\"b\\\" \\\\ \\u0009 é\"");
    }

    #[test]
    fn a_deadline_is_rounded_up() {
        assert_eq!(millis(Duration::from_nanos(1_000_001)), 2);
    }
}
