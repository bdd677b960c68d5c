//! A crate outside of the workspace, dropped into a plugins folder, is as good as a bundled one.

use lifespan::Exit;

use crate::artifacts::bundled;
use crate::env::TestEnv;
use crate::third_party::weather;

#[test]
fn it_runs_in_a_chain_with_the_bundled_ones() {
    let world = TestEnv::without_plugins().plugin_dir(bundled()).plugin_dir(weather());
    let output = world.run("--until weather echo --immediately weather --days 2");
    output.assert_code(Exit::Success).assert_in_order(&[
        "rain in 2 days",
        "Countdown currently at 2",
        "rain in 1 days",
        "Countdown currently at 1",
        "no more weather",
    ]);
}

#[test]
fn its_own_arguments_are_in_its_help() {
    let world = TestEnv::without_plugins().plugin_dir(weather());
    let help = world.run("help weather");
    help.assert_code(Exit::Success);
    for text in ["Tell what the weather will be", "--days", "How many days to look ahead"] {
        assert!(help.stdout.contains(text), "`{text}` is missing\n{help}");
    }
    let list = world.run("--help");
    assert!(list.stdout.contains("Tell what the weather will be"), "{list}");
}
