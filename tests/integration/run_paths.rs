//! Where a library has what it needs looked for is named by whatever shows or approves it, if somebody
//! else may put something there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process;

use lifespan::Exit;
use tempfile::TempDir;

use crate::env::TestEnv;
use crate::forge::{compile, compile_with, with_descriptor};
use crate::management::data;
use crate::schema;

#[test]
fn what_a_library_wants_from_where_others_may_put_it_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    compile(folder.path(), "needed", "#[unsafe(no_mangle)] pub extern \"C\" fn needed() {}");
    let calls = "#[link(name = \"needed\")] unsafe extern \"C\" { fn needed(); }\n\
        #[unsafe(no_mangle)] pub extern \"C\" fn calls() { unsafe { needed() } }";
    let beside = format!("-L{}", folder.path().display());
    let open = TempDir::new().expect("a temporary folder");
    let others = open.path().join("others");
    fs::create_dir(&others).expect("a new folder");
    fs::set_permissions(&others, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let paths = format!(
        "-Clink-arg=-Wl,-rpath,$ORIGIN:$ORIGIN/../lib:relative:{}:/tmp/not-there-{}:/usr/lib",
        others.display(),
        process::id(),
    );
    let source = with_descriptor("needy", calls);
    let needy = compile_with(folder.path(), "needy", &source, &[&beside, &paths]);
    let env = TestEnv::without_plugins().plugin_dir(folder.path().to_owned());
    // It finds what it needs, and is none of ours all the same.
    env.run("needy").assert_code(Exit::Load).assert_has(&["does not export `lifespan_root`"]);
    let doctor = data(&env.run("plugin doctor --format json"));
    schema::check("plugin-doctor", &doctor);
    let found = doctor["findings"].as_array().expect("a list");
    let found: Vec<_> = found.iter().filter(|it| it["reason"] == "run-path").collect();
    let expect = [
        "`$ORIGIN/../lib`, which leads out of its own folder".to_owned(),
        "`relative`, which depends on where one stands".to_owned(),
        format!("`{}`, and everybody may write to `{0}` (mode 0777)", others.display()),
        format!("`/tmp/not-there-{}`, which is not there, and others may make it", process::id()),
    ];
    let expect = expect.map(|it| format!("it has what it needs looked for in {it}"));
    let messages: Vec<_> = found.iter().map(|it| &it["message"]).collect();
    assert_eq!(messages, expect.iter().collect::<Vec<_>>(), "{doctor:#}");
    for command in ["check", "inspect"] {
        let line = format!("plugin {command} {}", needy.display());
        let text = env.run(&line);
        let words = text.words();
        assert!(expect.iter().all(|it| words.contains(&format!("note: {it} hint: "))), "{text}");
        let told = data(&env.run(&format!("{line} --format json")));
        schema::check(&format!("plugin-{command}"), &told);
        let library = if command == "check" { &told["libraries"][0] } else { &told };
        assert_eq!(library["run_path"].as_array().map(Vec::len), Some(4), "{told:#}");
    }
    let output = env.run("plugin trust needy");
    output.assert_code(Exit::Success);
    output.assert_has(&["looked for in `$ORIGIN/../lib`", "looked for in `relative`"]);
    output.assert_has_not(&["looked for in `$ORIGIN`"]);
    let alone = env.run("needy");
    alone.assert_code(Exit::Load);
    alone
        .assert_has(&["libneeded.so: cannot open shared object file", "beside which nothing lies"]);
}
