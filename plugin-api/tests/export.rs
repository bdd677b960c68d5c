//! What `export!` leaves in a file, seen as a host sees it: the symbol, and the root behind it.
#![expect(unsafe_code, reason = "a symbol of another compilation can only be named unsafely")]

use lifespan_plugin_api::abi::abi_stable::library::LibHeader;
use lifespan_plugin_api::abi::descriptor::SECTION;
use lifespan_plugin_api::abi::{Descriptor, ROOT_SYMBOL, verdict};
use lifespan_plugin_api::prelude::*;
use object::{Object, ObjectSection};

/// Swim
#[plugin]
async fn swim(_ctx: Context) -> Result<()> {
    Ok(())
}

/// Fly
#[plugin(name = "fly-high")]
async fn fly(_ctx: Context) -> Result<()> {
    Ok(())
}

lifespan_plugin_api::export![swim, crate::fly,];

mod host {
    use super::*;

    #[expect(improper_ctypes, reason = "it has a field without size that the lint does not know")]
    unsafe extern "C" {
        pub(super) static lifespan_root: LibHeader;
    }
}

#[test]
fn the_symbol_leads_to_the_descriptor() {
    assert_eq!(ROOT_SYMBOL, stringify!(lifespan_root));
    // SAFETY: the static of this name is the one that `export!` defined above, of this very type.
    let header = unsafe { &host::lifespan_root };
    let (root, _) = verdict(header).expect("the host takes it");
    let text = root.descriptor()();
    let descriptor = Descriptor::from_text(text.as_str()).expect("a descriptor");
    let names: Vec<_> = descriptor.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["swim", "fly-high"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_descriptor_lies_in_a_section_of_its_own() {
    let bytes = std::env::current_exe().and_then(std::fs::read).expect("this test's file");
    let file = object::File::parse(&*bytes).expect("an object file");
    let section = file.section_by_name(SECTION[0]).expect("the section");
    let descriptor = Descriptor::from_section(section.data().expect("its bytes"));
    assert_eq!(descriptor.expect("a descriptor").plugins.len(), 2);
}
