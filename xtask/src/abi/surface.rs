//! The surface of the ABI as text: what of the sources two builds must agree on, and nothing else.
//!
//! Comments, functions, derives without a meaning for layout and the bodies of default methods are
//! left out. Everything with a layout on the surface must be `StableAbi`; whatever is not is an error.

use anyhow::{Context, Result, bail, ensure};
use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, ItemTrait, Meta, TraitItem, Visibility};

/// Types with a fixed layout that cannot derive `StableAbi`, and why that is sound.
const EXEMPT: [(&str, &str); 1] = [(
    "Packet",
    "crosses only as a pointer to its header, and topics compare the layouts of payloads",
)];

/// What of the attributes of abi_stable would let an unchecked type pass.
const UNCHECKED: [&str; 3] =
    ["unsafe_opaque_field", "unsafe_opaque_fields", "unsafe_unconstrained"];

/// A source file.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All that two builds must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surface {
    pub(crate) version: String,
    pub(crate) items: Vec<SurfaceItem>,
}

/// One type, object or constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SurfaceItem {
    /// Kind, module and name in one line.
    pub(crate) head: String,
    /// Fields, variants or methods in order.
    pub(crate) parts: Vec<String>,
}

impl SurfaceItem {
    /// The first word of the head: `value`, `prefix`, `object`, `data`, `constant` or `alias`.
    pub(crate) fn kind(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }
}

impl Surface {
    /// The text that is recorded.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("version {}\n", self.version);
        let mut apart = true;
        for SurfaceItem { head, parts } in &self.items {
            // Lines without parts stand together.
            apart |= !parts.is_empty();
            text.push_str(if apart { "\n" } else { "" });
            text.push_str(&format!("{head}\n"));
            for part in parts {
                text.push_str(&format!("    {part}\n"));
            }
            apart = !parts.is_empty();
        }
        text
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(crate) fn from_text(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let version = lines.next().and_then(|line| line.strip_prefix("version "));
        let version = version.context("the recorded surface does not begin with its version")?;
        let mut items: Vec<SurfaceItem> = Vec::new();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            match (line.strip_prefix("    "), items.last_mut()) {
                (Some(part), Some(item)) => item.parts.push(part.to_owned()),
                (None, _) => items.push(SurfaceItem { head: line.to_owned(), parts: Vec::new() }),
                (Some(part), None) => bail!("the recorded surface begins within an item: `{part}`"),
            }
        }
        Ok(Surface { version: version.to_owned(), items })
    }
}

/// Reads the surface of these modules.
pub(crate) fn read(version: &str, modules: &[Module]) -> Result<Surface> {
    let mut items = Vec::new();
    for Module { name, text } in modules {
        let file =
            syn::parse_file(text).with_context(|| format!("cannot parse module `{name}`"))?;
        for item in &file.items {
            one(name, item, &mut items).with_context(|| format!("in module `{name}`"))?;
        }
    }
    Ok(Surface { version: version.to_owned(), items })
}

fn one(module: &str, item: &Item, items: &mut Vec<SurfaceItem>) -> Result<()> {
    let public = |vis: &Visibility| matches!(vis, Visibility::Public(_));
    let mut push = |head: String, parts| items.push(SurfaceItem { head, parts });
    match item {
        Item::Struct(it) if public(&it.vis) => {
            let Some(kind) = kind(&it.attrs, &it.ident.to_string())? else { return Ok(()) };
            let name = tokens(&it.ident) + &tokens(&it.generics);
            push(format!("{kind} {module}::{name}{}", marks(&it.attrs)), fields(&it.fields)?);
        }
        Item::Enum(it) if public(&it.vis) => {
            let Some(kind) = kind(&it.attrs, &it.ident.to_string())? else { return Ok(()) };
            ensure!(
                kind == "data",
                "`{}` is an enum, which can never grow: make it a number",
                it.ident
            );
            let mut parts = Vec::new();
            for variant in &it.variants {
                let held = fields(&variant.fields)?.join(", ");
                let held = if held.is_empty() { held } else { format!(" {{ {held} }}") };
                parts.push(format!("{}{held}{}", variant.ident, marks(&variant.attrs)));
            }
            push(format!("{kind} {module}::{}{}", it.ident, marks(&it.attrs)), parts);
        }
        Item::Trait(it) if public(&it.vis) => {
            let supertraits = tokens(&it.supertraits);
            push(format!("object {module}::{}: {supertraits}", it.ident), methods(it)?);
        }
        Item::Type(it) if public(&it.vis) => {
            let alias = format!("{} = {}", it.ident, tokens(&it.ty));
            push(format!("alias {module}::{alias}"), Vec::new());
        }
        // The version has a line of its own.
        Item::Const(it) if public(&it.vis) && it.ident != "ABI_VERSION" => {
            let constant = format!("{}: {} = {}", it.ident, tokens(&it.ty), tokens(&it.expr));
            push(format!("constant {module}::{constant}"), Vec::new());
        }
        Item::Impl(it) if it.trait_.is_none() => {
            for inner in &it.items {
                let ImplItem::Const(it_const) = inner else { continue };
                if public(&it_const.vis) {
                    let owner = tokens(&it.self_ty);
                    let (ty, value) = (tokens(&it_const.ty), tokens(&it_const.expr));
                    let constant = format!("{owner}::{}: {ty} = {value}", it_const.ident);
                    push(format!("constant {module}::{constant}"), Vec::new());
                }
            }
        }
        Item::Static(it) if public(&it.vis) => bail!("`{}` is a static: none crosses", it.ident),
        Item::Union(it) => bail!("`{}` is a union: none crosses", it.ident),
        _ => {}
    }
    Ok(())
}

/// What kind of surface a type is; none if it does not cross.
fn kind(attrs: &[Attribute], name: &str) -> Result<Option<&'static str>> {
    let has = |path: &str, word: &str| {
        let lists = attrs.iter().filter(|attr| attr.path().is_ident(path));
        lists.filter_map(|attr| attr.meta.require_list().ok()).any(|list| {
            let text = list.tokens.to_string();
            text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
        })
    };
    let fixed = has("repr", "C") || has("repr", "transparent") || has("repr", "u8");
    let stable = has("derive", "StableAbi");
    if let Some(found) = UNCHECKED.iter().find(|found| has("sabi", found)) {
        bail!("`{name}` uses `{found}`, which hides what crosses from the check");
    }
    ensure!(fixed || !stable, "`{name}` derives StableAbi and has no `repr`");
    if fixed && !stable && !EXEMPT.iter().any(|(exempt, _)| *exempt == name) {
        bail!("`{name}` has a fixed layout and does not derive StableAbi");
    }
    Ok(match (fixed, has("derive", "Serialize")) {
        (true, _) if has("sabi", "Prefix") => Some("prefix"),
        (true, _) => Some("value"),
        (false, true) => Some("data"),
        (false, false) => None,
    })
}

fn fields(fields: &Fields) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let name = field.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string);
        let marks = marks(&field.attrs);
        if let Some(found) = UNCHECKED.iter().find(|found| marks.contains(*found)) {
            bail!("field `{name}` uses `{found}`, which hides what crosses from the check");
        }
        parts.push(format!("{name}: {}{marks}", tokens(&field.ty)));
    }
    Ok(parts)
}

fn methods(object: &ItemTrait) -> Result<Vec<String>> {
    let name = &object.ident;
    let is_object = object.attrs.iter().any(|attr| attr.path().is_ident("sabi_trait"));
    ensure!(is_object, "trait `{name}` is not a `#[sabi_trait]`, so it has no stable layout");
    let mut parts = Vec::new();
    for item in &object.items {
        let TraitItem::Fn(method) = item else { bail!("`{name}` has more than methods") };
        let default = if method.default.is_some() { " [default]" } else { "" };
        parts.push(format!("{}{}{default}", tokens(&method.sig), marks(&method.attrs)));
    }
    Ok(parts)
}

/// What of the attributes changes a layout or an encoding: `repr`, `sabi`, `serde`.
fn marks(attrs: &[Attribute]) -> String {
    let mut marks = String::new();
    for attr in attrs {
        let counts = ["repr", "sabi", "serde"].iter().any(|path| attr.path().is_ident(path));
        if let (true, Meta::List(list)) = (counts, &attr.meta) {
            marks.push_str(&format!(" [{}({})]", tokens(&list.path), tokens(&list.tokens)));
        }
    }
    marks
}

/// Tokens as one would write them, on one line.
fn tokens(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string().replace('\n', " ");
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" ;", ";"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" : ", ": "),
        ("* const ", "*const "),
        ("* mut ", "*mut "),
        ("* b\"", "*b\""),
        (",)", ")"),
        ("-> (", "->("),
        ("->", " -> "),
    ] {
        text = text.replace(from, to);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
