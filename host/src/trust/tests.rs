//! Folders and files as they lie on a disk, and what is said of them. What needs a second user is in
//! the integration tests.

use tempfile::TempDir;

use super::*;
use crate::discover::identify;
use crate::trust::lock::Editing;

const HOST: &str = "acme";

fn policy() -> Policy {
    Policy { host: HOST.to_owned(), ..Policy::default() }
}

/// A folder with one library that is none.
fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let library = folder.path().join("libx.so");
    fs::write(&library, b"seven!!").unwrap();
    (folder, library)
}

fn judged(policy: &Policy, library: &Path) -> Result<Option<Approval>, Distrust> {
    let guard = Guard::new(policy);
    let folder = guard.folder(library.parent().unwrap());
    folder.file(&guard, library, &identify(library).unwrap())
}

fn approve(library: &Path, bytes: &[u8]) {
    let (sha256, size) = Digest::of(bytes).unwrap();
    let mut editing = Editing::open(&Guard::new(&policy()), library.parent().unwrap()).unwrap();
    let name = library.file_name().unwrap().to_str().unwrap();
    editing.approve(name, &Entry { sha256, size, plugins: Default::default() });
    editing.save().unwrap();
}

#[test]
fn a_folder_without_a_lock_is_free_unless_one_is_demanded() {
    let (folder, library) = folder();
    assert_eq!(judged(&policy(), &library), Ok(None));
    let demanding = Policy { locked: true, ..policy() };
    let fault = judged(&demanding, &library).unwrap_err();
    let Distrust::NoLock { folder: told, .. } = &fault else { panic!("{fault:?}") };
    assert_eq!(told, folder.path());
    assert_eq!(
        fault.hint(),
        format!("if you trust the library: `acme plugin trust {}`", library.display())
    );
    approve(&library, b"seven!!");
    assert!(judged(&demanding, &library).unwrap().is_some());
}

#[test]
fn a_folder_with_a_lock_is_held_to_it() {
    let (_folder, library) = folder();
    let other = library.with_file_name("liby.so");
    fs::write(&other, b"eight!!!").unwrap();
    approve(&library, b"seven!!");
    let approval = judged(&policy(), &library).unwrap().unwrap();
    assert_eq!(policy().seal(&library, Some(&approval)).unwrap().digest(), approval.entry.sha256);
    let fault = judged(&policy(), &other).unwrap_err();
    assert!(matches!(fault, Distrust::NotApproved { .. }), "{fault:?}");
    let (digest, _) = Digest::of(&b"eight!!!"[..]).unwrap();
    let told = ["approved: sha256 none".to_owned(), format!("found:    sha256 {digest}")];
    assert_eq!(fault.digests(), told);

    // Another size tells at once, the same size when it is sealed.
    fs::write(&library, b"another size").unwrap();
    let fault = judged(&policy(), &library).unwrap_err();
    let Distrust::Changed { found: None, .. } = &fault else { panic!("{fault:?}") };
    let (digest, _) = Digest::of(&b"another size"[..]).unwrap();
    assert_eq!(fault.digests()[1], format!("found:    sha256 {digest}"));
    fs::write(&library, b"7 bytes").unwrap();
    let approval = judged(&policy(), &library).unwrap().unwrap();
    let Err(Unsealed::Distrusted(fault)) = policy().seal(&library, Some(&approval)) else {
        panic!("it was changed")
    };
    assert!(matches!(fault, Distrust::Changed { found: Some(_), .. }), "{fault:?}");
    assert!(fault.digests()[0].ends_with(&approval.entry.sha256.to_string()));
    fs::write(&library, b"it has grown meanwhile").unwrap();
    let grown = policy().seal(&library, Some(&approval));
    assert!(matches!(grown, Err(Unsealed::Distrusted(Distrust::Changed { found: None, .. }))));
    fs::remove_file(&library).unwrap();
    assert!(matches!(policy().seal(&library, Some(&approval)), Err(Unsealed::Io(_))));
}

#[test]
fn a_lock_file_that_cannot_be_read_closes_the_folder() {
    let (folder, library) = folder();
    fs::write(folder.path().join(LOCK_FILE), b"version = ").unwrap();
    let fault = judged(&policy(), &library).unwrap_err();
    assert!(matches!(fault, Distrust::BrokenLock { line: 1, .. }), "{fault:?}");
}

#[test]
fn a_signature_is_judged_over_the_sealed_bytes() {
    let (_folder, library) = folder();
    let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let stranger = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let key = |pair: &minisign::KeyPair| pair.pk.to_base64().parse::<PublicKey>().unwrap();
    let whole: PublicKey = keys.pk.to_box().unwrap().to_string().parse().unwrap();
    let sign = |bytes: &[u8]| {
        let signed = minisign::sign(Some(&keys.pk), &keys.sk, bytes, Some("by us"), None);
        let file = library.with_file_name("libx.so.minisig");
        fs::write(file, signed.unwrap().into_string()).unwrap();
    };
    let judged = |keys: Vec<PublicKey>| {
        let policy = Policy { keys, ..policy() };
        assert!(policy.is_strict(None));
        match policy.seal(&library, None) {
            Ok(_) => "fine".to_owned(),
            Err(Unsealed::Distrusted(fault)) => fault.to_string(),
            Err(Unsealed::Io(error)) => panic!("{error}"),
        }
    };
    assert!(judged(vec![key(&keys)]).contains("libx.so.minisig` is missing"));
    sign(b"seven!!");
    assert_eq!(judged(vec![key(&keys)]), "fine");
    assert_eq!(judged(vec![key(&stranger), whole]), "fine");
    assert!(judged(vec![key(&stranger)]).ends_with("it was made with another key"));
    sign(b"7 bytes");
    assert!(judged(vec![key(&keys)]).ends_with("it was not made for these bytes"));
    fs::write(library.with_file_name("libx.so.minisig"), b"rubbish").unwrap();
    assert!(judged(vec![key(&keys)]).ends_with("it is not a signature of minisign"));
    assert!("rubbish".parse::<PublicKey>().is_err());
}

#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn who_may_write_is_judged_on_the_way_too() {
        let home = TempDir::new().unwrap();
        let plugins = home.path().join("above").join("plugins");
        fs::create_dir_all(&plugins).unwrap();
        let library = plugins.join("libx.so");
        fs::write(&library, b"seven!!").unwrap();
        let lock = plugins.join(LOCK_FILE);
        approve(&library, b"seven!!");
        assert!(judged(&policy(), &library).is_ok());
        let above = home.path().join("above");
        for path in [&library, &plugins, &above, &lock] {
            let before = fs::metadata(path).unwrap().permissions();
            chmod(path, 0o777);
            let fault = Distrust::WorldWritable { path: path.clone(), mode: 0o777 };
            assert_eq!(judged(&policy(), &library).unwrap_err(), fault);
            let lax = Policy { allow_unsafe_permissions: true, ..policy() };
            assert!(judged(&lax, &library).is_ok());
            // The cause is mended, and nothing else needs to be done.
            fs::set_permissions(path, before).unwrap();
            assert!(judged(&policy(), &library).is_ok());
        }
        chmod(&above, 0o1777);
        assert!(
            judged(&policy(), &library).is_ok(),
            "a sticky folder is no fault of what is in it"
        );
    }

    #[test]
    fn links_are_followed_and_judged() {
        let home = TempDir::new().unwrap();
        let path = |name: &str| home.path().join(name);
        for name in ["real", "open", "plugins"] {
            fs::create_dir(path(name)).unwrap();
        }
        chmod(&path("open"), 0o777);
        fs::write(path("real/libx.so"), b"seven!!").unwrap();
        fs::write(path("open/libx.so"), b"seven!!").unwrap();
        // A library by a link, a folder by a link, and a link in a folder that others may write to.
        symlink("../real/libx.so", path("plugins/libx.so")).unwrap();
        symlink(path("real"), path("by-link")).unwrap();
        symlink("../real", path("open/over")).unwrap();
        symlink("../open/over/libx.so", path("plugins/liby.so")).unwrap();
        symlink(path("open/libx.so"), path("plugins/libz.so")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let policy = policy();
        assert_eq!(judged(&policy, &path("plugins/libx.so")), Ok(None));
        assert_eq!(judged(&policy, &path("by-link/libx.so")), Ok(None));
        let open = Distrust::WorldWritable { path: path("open"), mode: 0o777 };
        for name in ["plugins/liby.so", "plugins/libz.so", "open/over/libx.so"] {
            assert_eq!(judged(&policy, &path(name)), Err(open.clone()), "{name}");
        }
        let guard = Guard::new(&policy);
        assert!(matches!(guard.walk(&path("loop")), Err(Distrust::Unreadable { .. })));
        assert!(matches!(guard.walk(&path("none")), Err(Distrust::Unreadable { .. })));
        // `..` is what it is once the link before it is followed.
        assert_eq!(guard.walk(&path("by-link/../plugins")), Ok(()));
        assert!(guard.walk(&path("open/over/../real")).is_err());
    }
}
