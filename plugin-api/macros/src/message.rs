//! `#[derive(Message)]`: a type that travels as it lies in memory.
//!
//! What makes that safe is not checked here: the trait demands `StableAbi`, whose own derive judges
//! the representation and the fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Result};

/// The implementation for the type that `input` defines.
pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    judge(&input)?;
    let name = &input.ident;
    let text = name.to_string();
    Ok(quote! {
        #[automatically_derived]
        impl ::lifespan_plugin_api::message::Message for #name {
            type Wire = Self;
            type View = Self;
            const NAME: &'static str = ::core::concat!(
                ::core::module_path!(), "::", #text,
                " (", ::core::env!("CARGO_PKG_NAME"), " ", ::core::env!("CARGO_PKG_VERSION"), ")"
            );

            fn into_wire(
                self,
            ) -> ::core::result::Result<Self, ::lifespan_plugin_api::message::EncodeError> {
                ::core::result::Result::Ok(self)
            }
            fn view(wire: &Self) -> &Self {
                wire
            }
            fn to_json(
                wire: &Self,
            ) -> ::core::result::Result<
                ::std::string::String,
                ::lifespan_plugin_api::message::EncodeError,
            > {
                ::lifespan_plugin_api::message::json_of(wire)
            }
            fn from_json(
                text: &str,
            ) -> ::core::result::Result<Self, ::lifespan_plugin_api::message::DecodeError> {
                ::lifespan_plugin_api::message::of_json(text)
            }
            fn to_bytes(
                wire: &Self,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::core::primitive::u8>,
                ::lifespan_plugin_api::message::EncodeError,
            > {
                ::lifespan_plugin_api::message::bytes_of(wire)
            }
            fn from_bytes(
                bytes: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, ::lifespan_plugin_api::message::DecodeError> {
                ::lifespan_plugin_api::message::of_bytes(bytes)
            }
        }
    })
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
    fn all_mistakes_are_named() {
        let error = expand(quote!(union Score<T: Copy> { a: u32, b: T })).unwrap_err();
        let told: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "a union cannot be a message");
        assert!(told[1].starts_with("a message type has no generic parameters"));
    }
}
