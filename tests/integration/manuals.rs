//! Manual pages, as they are printed and written.

use std::fs;
use std::os::unix::fs::symlink;

use lifespan::Exit;

use crate::env::TestEnv;

#[test]
fn the_host_and_each_plugin_have_a_page() {
    let env = TestEnv::new();
    let host = env.run("man");
    host.assert_code(Exit::Success);
    assert!(host.stdout.contains(".TH \"lifespan\" 1 "), "{host}");
    assert!(host.stdout.contains("lifespan\\-countdown(1), "), "{host}");
    let plugin = env.run("man tag");
    plugin.assert_code(Exit::Success);
    for needle in [".TH \"lifespan\\-tag\" 1 ", "Any text [env: TAG_LABEL]", "[WORDS]..."] {
        assert!(plugin.stdout.contains(needle), "{plugin}");
    }
}

#[test]
fn all_pages_are_written_into_a_folder() {
    let env = TestEnv::without_plugins().plugin_dir(crate::artifacts::bundled());
    let output = env.run("man --dir share/man1");
    output.assert_code(Exit::Success);
    let plugins = ["countdown", "echo", "exec", "http", "watch"];
    let names: Vec<_> = std::iter::once("lifespan.1".to_owned())
        .chain(plugins.map(|plugin| format!("lifespan-{plugin}.1")))
        .collect();
    let paths: Vec<_> = names.iter().map(|name| format!("share/man1/{name}\n")).collect();
    assert_eq!(output.stdout, paths.concat());
    for name in names {
        let page = fs::read_to_string(env.home().join("share/man1").join(name)).unwrap();
        assert!(page.contains("\n.SH NAME\n"), "{page}");
    }
}

#[test]
fn a_page_is_not_written_through_a_link() {
    let env = TestEnv::without_plugins().plugin_dir(crate::artifacts::bundled());
    let victim = env.write("victim", "as it was");
    fs::create_dir(env.home().join("man1")).unwrap();
    symlink(&victim, env.home().join("man1/lifespan-echo.1")).unwrap();
    env.run("man --dir man1").assert_code(Exit::Success);
    assert_eq!(env.read("victim"), "as it was");
    assert!(env.read("man1/lifespan-echo.1").contains("\n.SH NAME\n"));
}

#[test]
fn what_has_no_page_is_told() {
    let env = TestEnv::new();
    let output = env.run("man countdwon");
    output.assert_code(Exit::Usage).assert_has(&["`countdwon`", "`lifespan man countdown`"]);
    env.run("man a --dir b").assert_code(Exit::Usage);
    env.write("file", "");
    env.run("man --dir file").assert_code(Exit::Host).assert_has(&["cannot write `file`"]);
    let help = env.run("help man");
    help.assert_code(Exit::Success);
    assert!(help.stdout.contains("Usage: lifespan man [OPTIONS] [PLUGIN]"), "{help}");
}
