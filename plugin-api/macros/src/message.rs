//! `#[derive(Message)]`: a type that travels as it lies in memory.
//!
//! What makes that safe is not checked here: the trait demands `StableAbi`, whose own derive judges
//! the representation and the fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Path, Result};

use crate::args::sdk;

/// The implementation for the type that `input` defines.
pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    judge(&input)?;
    let name = &input.ident;
    let sdk = given_sdk(&input)?;
    let text = name.to_string();
    Ok(quote! {
        #[automatically_derived]
        impl #sdk::message::Message for #name {
            type Wire = Self;
            type View = Self;
            const NAME: &'static str = ::core::concat!(
                ::core::module_path!(), "::", #text,
                " (", ::core::env!("CARGO_PKG_NAME"), " ", ::core::env!("CARGO_PKG_VERSION"), ")"
            );

            fn into_wire(
                self,
            ) -> ::core::result::Result<Self, #sdk::message::EncodeError> {
                ::core::result::Result::Ok(self)
            }
            fn view(wire: &Self) -> &Self {
                wire
            }
            fn to_json(
                wire: &Self,
            ) -> ::core::result::Result<
                ::std::string::String,
                #sdk::message::EncodeError,
            > {
                #sdk::message::json_of(wire)
            }
            fn from_json(
                text: &str,
            ) -> ::core::result::Result<Self, #sdk::message::DecodeError> {
                #sdk::message::of_json(text)
            }
            fn to_bytes(
                wire: &Self,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::core::primitive::u8>,
                #sdk::message::EncodeError,
            > {
                #sdk::message::bytes_of(wire)
            }
            fn from_bytes(
                bytes: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #sdk::message::DecodeError> {
                #sdk::message::of_bytes(bytes)
            }
        }
    })
}

/// The path of the SDK, from `#[message(crate = path)]` if it stands there.
fn given_sdk(input: &DeriveInput) -> Result<TokenStream> {
    let mut given = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("message")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("expected `crate = …`"));
            }
            given = Some(meta.value()?.call(Path::parse_mod_style)?);
            Ok(())
        })?;
    }
    Ok(sdk(given.as_ref()))
}

/// All that is wrong with the type, not only the first.
fn judge(input: &DeriveInput) -> Result<()> {
    let mut errors = Vec::new();
    if let Data::Union(union) = &input.data {
        errors.push(Error::new(union.union_token.span, "a union cannot be a message"));
    }
    if !input.generics.params.is_empty() {
        let problem = "a message type has no generic parameters; \
                       wrap the value in `Encoded`, or derive for a type of its own";
        errors.push(Error::new_spanned(&input.generics, problem));
    }
    errors
        .into_iter()
        .reduce(|mut all, error| {
            all.combine(error);
            all
        })
        .map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expansion_names_the_type_with_its_place_and_package() {
        let expansion = expand(quote!(
            struct Score(u32);
        ))
        .unwrap()
        .to_string();
        assert!(expansion.contains("message :: Message for Score"), "{expansion}");
        assert!(expansion.contains(r#""Score" , " (""#), "{expansion}");
        syn::parse_str::<syn::ItemImpl>(&expansion).unwrap();
    }

    #[test]
    fn the_sdk_may_have_another_name() {
        let expansion = expand(quote!(
            #[message(crate = crate::sdk)]
            struct Score(u32);
        ));
        let expansion = expansion.unwrap().to_string();
        assert!(expansion.contains("impl crate :: sdk :: message :: Message for Score"));
        assert!(!expansion.contains("lifespan_plugin_api"), "{expansion}");
        let error = expand(quote!(
            #[message(taste = sweet)]
            struct Score(u32);
        ));
        assert_eq!(error.unwrap_err().to_string(), "expected `crate = …`");
    }

    #[test]
    fn all_mistakes_are_named() {
        let error = expand(quote!(union Score<T: Copy> { a: u32, b: T })).unwrap_err();
        let told: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "a union cannot be a message");
        assert!(told[1].starts_with("a message type has no generic parameters"));
    }
}
