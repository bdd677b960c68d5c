//! Whether two libraries mean the same type by a topic's messages.
//!
//! Talks to abi_stable's checker; remembers its answers, since libraries are never unloaded and a
//! layout's address is its identity. Decides only; the words of an error are made here too.

use std::collections::HashMap;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use lifespan_abi::MessageTypeRef;
use lifespan_abi::abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use lifespan_abi::abi_stable::std_types::RStr;
use lifespan_abi::abi_stable::type_layout::{TLData, TypeLayout};
use thiserror::Error;

/// The package whose own types may be extended behind our back: the versions of abi_stable on both
/// sides have been compared when the library was loaded.
const TRUSTED_PACKAGE: &str = "abi_stable";

/// A message type in the hands of an instance.
#[derive(Clone)]
pub(super) struct TypeUse {
    kind: MessageTypeRef,
    form: Form,
    instance: Arc<str>,
}

/// Why a type does not fit a topic.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(super) enum TypeError {
    /// The type can be on no topic.
    #[error("`{name}` of `{instance}` cannot be sent over topic `{topic}`: {reason}")]
    Unshareable { topic: Box<str>, name: Box<str>, instance: Box<str>, reason: Box<str> },
    /// The topic has another type.
    #[error(
        "topic `{topic}` carries `{theirs}` since `{owner}` opened it, but `{instance}` opens it \
         with `{ours}`: {hint}"
    )]
    Mismatch {
        topic: Box<str>,
        theirs: Box<str>,
        owner: Box<str>,
        ours: Box<str>,
        instance: Box<str>,
        hint: &'static str,
    },
}

/// The answers so far, by the addresses of layouts.
#[derive(Default)]
pub(super) struct TypeChecks {
    shareable: Mutex<HashMap<usize, Option<String>>>,
    compatible: Mutex<HashMap<(usize, usize), bool>>,
}

#[derive(Clone, Copy)]
enum Form {
    Laid(&'static TypeLayout),
    Encoded(RStr<'static>),
    /// Neither: no subscriber could read it.
    Neither,
}

const SAME_TYPE: &str = "the two must be one type, of one version, from a crate that both plugins \
                         depend on; types that were written separately meet as `Encoded` on both \
                         sides";
const ENCODED: &str = "one side sends the value as it lies in memory, the other as bytes; use the \
                       same type from a crate that both plugins depend on, or `Encoded` on both \
                       sides";
const ENCODING: &str = "the two encodings differ; use the same on both sides";

impl TypeUse {
    /// Asks the plugin for its type's facts: not under a lock.
    pub(super) fn new(kind: MessageTypeRef, instance: Arc<str>) -> TypeUse {
        let form = match (kind.encoding(), kind.layout()(kind).into_option()) {
            (encoding, _) if !encoding.is_empty() => Form::Encoded(encoding),
            (_, Some(layout)) => Form::Laid(layout),
            (_, None) => Form::Neither,
        };
        TypeUse { kind, form, instance }
    }

    /// The type as the instance told of it.
    pub(super) fn kind(&self) -> MessageTypeRef {
        self.kind
    }
}

impl TypeChecks {
    /// Whether a type can be on a topic at all.
    pub(super) fn shareable(&self, topic: &str, ours: &TypeUse) -> Result<(), TypeError> {
        let reason = match ours.form {
            Form::Encoded(_) => None,
            Form::Neither => Some("it has neither a layout nor an encoding".to_owned()),
            Form::Laid(layout) => {
                let mut known = self.shareable.lock().unwrap_or_else(PoisonError::into_inner);
                known.entry(address(layout)).or_insert_with(|| obstacle(layout)).clone()
            }
        };
        reason.map_or(Ok(()), |reason| {
            Err(TypeError::Unshareable {
                topic: topic.into(),
                name: ours.kind.name().as_str().into(),
                instance: (*ours.instance).into(),
                reason: reason.into(),
            })
        })
    }

    /// Whether a type is that of a topic.
    pub(super) fn same(
        &self,
        topic: &str,
        theirs: &TypeUse,
        ours: &TypeUse,
    ) -> Result<(), TypeError> {
        let hint = match (theirs.form, ours.form) {
            (Form::Encoded(one), Form::Encoded(other)) if one == other => return Ok(()),
            (Form::Encoded(_), Form::Encoded(_)) => ENCODING,
            (Form::Laid(one), Form::Laid(other)) if self.compatible(one, other) => return Ok(()),
            (Form::Laid(_), Form::Laid(_)) => SAME_TYPE,
            _ => ENCODED,
        };
        Err(TypeError::Mismatch {
            topic: topic.into(),
            theirs: theirs.kind.name().as_str().into(),
            owner: (*theirs.instance).into(),
            ours: ours.kind.name().as_str().into(),
            instance: (*ours.instance).into(),
            hint,
        })
    }

    /// In both directions: the checker lets an implementation have more than its interface.
    fn compatible(&self, one: &'static TypeLayout, other: &'static TypeLayout) -> bool {
        if ptr::eq(one, other) {
            return true;
        }
        let pair = (address(one), address(other));
        let known = || self.compatible.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compatible) = known().get(&pair) {
            return *compatible;
        }
        let mut compatible = true;
        for (interface, implementation) in [(one, other), (other, one)] {
            if let Err(differences) = check_layout_compatibility(interface, implementation) {
                tracing::debug!("two message types differ: {differences}");
                compatible = false;
            }
        }
        known().insert(pair, compatible);
        compatible
    }
}

/// What in a type, or in what it holds, makes it one whose sides may know different amounts of it.
fn obstacle(layout: &'static TypeLayout) -> Option<String> {
    let mut seen = vec![layout];
    let mut next = 0;
    while let Some(&layout) = seen.get(next) {
        next += 1;
        let trusted = layout.package() == TRUSTED_PACKAGE;
        let open = match layout.data() {
            TLData::PrefixType(_) => Some("is a prefix type"),
            TLData::Enum(shape) if shape.exhaustiveness.is_nonexhaustive() => {
                Some("is a non-exhaustive enum")
            }
            _ => None,
        };
        if let (Some(open), false) = (open, trusted) {
            return Some(format!(
                "`{}` in it {open}, of which the other side may know more or less",
                layout.full_type()
            ));
        }
        let fields = layout.get_fields().into_iter().flatten();
        let inner = fields.chain(layout.phantom_fields()).map(|field| field.layout());
        for layout in inner.chain(layout.shared_vars().type_layouts().iter().map(|get| get())) {
            if !seen.iter().any(|known| ptr::eq(*known, layout)) {
                seen.push(layout);
            }
        }
    }
    None
}

fn address(layout: &'static TypeLayout) -> usize {
    ptr::from_ref(layout).addr()
}
