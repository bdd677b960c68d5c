//! The expansion, token for token, and every mistake that it tells.

use quote::quote;

use super::*;

/// Compares tokens: how they are laid out says nothing.
fn check(args: TokenStream, item: TokenStream, expected: TokenStream) {
    assert_eq!(expand(args, item).to_string(), expected.to_string());
}

/// The messages of the errors that stand in an expansion.
fn mistakes(args: TokenStream, item: TokenStream) -> Vec<String> {
    let text = expand(args, item).to_string();
    let parts = text.split("compile_error ! { \"").skip(1);
    parts.map(|part| part.split("\" }").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_function_becomes_a_type_beside_it() {
    check(
        quote!(requires(sea)),
        quote! {
            /// Swim far
            pub(crate) async fn swim_far(args: Swim, ctx: Context) -> Result<()> { Ok(()) }
        },
        quote! {
            /// Swim far
            pub(crate) async fn swim_far(args: Swim, ctx: Context) -> Result<()> { Ok(()) }
            #[doc(hidden)]
            #[expect(non_camel_case_types, reason = "it stands for the function of this name")]
            pub(crate) struct swim_far {}
            impl ::lifespan_plugin_api::__private::Plugin for swim_far {
                const NAME: &'static ::lifespan_plugin_api::__private::str = "swim-far";
                const VERSION: &'static ::lifespan_plugin_api::__private::str =
                    ::lifespan_plugin_api::__private::env!("CARGO_PKG_VERSION");
                const SUMMARY: &'static ::lifespan_plugin_api::__private::str = "Swim far";
                const FACTS: &'static ::lifespan_plugin_api::__private::str =
                    ::lifespan_plugin_api::__private::concat!(
                        "{\"name\":\"swim-far\",\"version\":\"",
                        ::lifespan_plugin_api::__private::env!("CARGO_PKG_VERSION"),
                        "\",\"summary\":\"Swim far\",\"requires\":[\"sea\"]}"
                    );
                type Args = Swim;

                fn start(
                    args: Self::Args,
                    ctx: ::lifespan_plugin_api::Context,
                ) -> ::lifespan_plugin_api::__private::BoxFuture<
                    ::lifespan_plugin_api::anyhow::Result<()>,
                > {
                    ::lifespan_plugin_api::__private::Box::pin(swim_far(args, ctx))
                }
            }
        },
    );
}

#[test]
fn an_implementation_is_a_plugin_itself() {
    let text = expand(
        quote!(),
        quote! {
            /// Tick
            impl Lifespan for my::FishTicker { type Args = (); }
        },
    )
    .to_string();
    let contains = |part: TokenStream| assert!(text.contains(&part.to_string()), "{part}\n{text}");
    contains(quote!(impl ::lifespan_plugin_api::__private::Plugin for my::FishTicker));
    contains(quote!("fish-ticker"));
    contains(quote!(::lifespan_plugin_api::__private::start::<Self>(args, ctx)));
    assert!(!text.contains("struct"), "{text}");
}

#[test]
fn a_runtime_of_its_own_is_asked_for() {
    let function = quote!(
        /// Swim
        async fn swim(ctx: Context) -> Result<()> {}
    );
    let text = expand(quote!(tokio(workers = 2)), function.clone()).to_string();
    let instance = quote! {
        fn instance(
            start: ::lifespan_plugin_api::__private::Start,
        ) -> ::lifespan_plugin_api::__private::InstanceBox {
            ::lifespan_plugin_api::__own_runtime!(start, 2usize)
        }
    };
    assert!(text.contains(&instance.to_string()), "{text}");
    assert!(!expand(quote!(), function).to_string().contains("fn instance"));
}

#[test]
fn the_sdk_may_have_another_name() {
    let function = quote!(
        /// Swim
        async fn swim(ctx: Context) -> Result<()> {}
    );
    let block = quote!(
        /// Tick
        impl Lifespan for Ticker {}
    );
    for item in [function, block] {
        let text = expand(quote!(crate = ::other::sdk), item).to_string();
        assert!(text.contains("impl :: other :: sdk :: __private :: Plugin for"), "{text}");
        assert!(!text.contains("lifespan_plugin_api"), "{text}");
    }
}

#[test]
fn arguments_may_be_left_out() {
    let text = expand(
        quote!(),
        quote!(
            #[doc = "Hi"]
            async fn hi(ctx: Context) -> Result<()> {}
        ),
    )
    .to_string();
    assert!(text.contains(&quote!(hi(ctx)).to_string()), "{text}");
    assert!(
        text.contains(
            &quote!(
                type Args = ();
            )
            .to_string()
        )
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told = mistakes(
        quote!(taste = 1),
        quote!(
            fn Salty<T>() {}
        ),
    );
    let expected = ["expected `name", "an `async fn`", "generic", "returns `Result<()>`"];
    let more = ["takes its arguments and its context", "needs a doc comment", "cannot be a plugin"];
    assert_eq!(told.len(), expected.len() + more.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected.iter().chain(&more)) {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn what_it_cannot_stand_on_is_kept() {
    let item = quote!(
        /** A sea */
        pub struct Sea;
    );
    assert!(expand(quote!(), item.clone()).to_string().starts_with(&item.to_string()));
    assert_eq!(mistakes(quote!(), item).len(), 1);
    assert_eq!(
        mistakes(
            quote!(),
            quote!(
                #[doc = "A"]
                impl Fish for Sea {}
            )
        )
        .len(),
        1
    );
}
