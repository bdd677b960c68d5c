//! The host as a library: an embedder's program, two hosts one after the other, not a word of theirs.

use lifespan::Exit;

use crate::artifacts::{BUNDLED, bundled, host};
use crate::env::TestEnv;

#[test]
fn two_hosts_in_one_program_that_alone_prints() {
    let program = host().with_file_name(format!("embedder{}", std::env::consts::EXE_SUFFIX));
    let folder = bundled();
    let output = TestEnv::without_plugins().host(program).args(&[folder.as_os_str()]);
    output.assert_code(Exit::Success);
    let expected: String = ["acme", "ajax"].map(told_by).concat();
    assert_eq!(output.stdout, expected, "{output}");
    assert_eq!(output.stderr, "", "{output}");
}

fn told_by(host: &str) -> String {
    let mut plugins = [&BUNDLED[..], &["listen"]].concat();
    plugins.sort_unstable();
    [
        &format!("has {}", plugins.join(", ")),
        "Usage: HOST listen [OPTIONS]",
        "refused a wrong line, exit code 2",
        "listen and countdown heard [3, 2, 1], exit code 0",
        "endless listen heard [], exit code 0",
        "failing listen heard [], exit code 1, listen: task: the ear is closed",
        "traced countdown#0=3 countdown#1=2 countdown#2=1",
    ]
    .map(|line| format!("{host}: {}\n", line.replace("HOST", host)))
    .concat()
}
