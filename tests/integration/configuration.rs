//! Configuration: the line over the environment over files over defaults, and what is wrong in files.

use std::fs;

use lifespan::Exit;

use crate::env::{Output, TestEnv};
use crate::schema;

/// A world whose user has that configuration.
fn user(toml: &str) -> TestEnv {
    let env = TestEnv::new();
    let folder = env.home().join("config").join("lifespan");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lifespan.toml"), toml).unwrap();
    env
}

/// A line tells this with that configuration of the user's.
#[track_caller]
fn check(toml: &str, line: &str, expect: &[&str]) {
    user(toml).run(line).assert_code(Exit::Success).assert_told(expect);
}

/// A line is refused with all of these texts, and nothing is set up.
#[track_caller]
fn check_refused(toml: &str, line: &str, needles: &[&str]) -> Output {
    let output = user(toml).run(line);
    output.assert_code(Exit::Config).assert_has(needles).assert_told(&[]);
    output
}

#[test]
fn a_file_sets_a_default_and_the_line_counts() {
    let toml = "[plugin.tag]\nlabel = 'file'\nfrom = 3\n";
    check(toml, "tag", &[r#"tag: Some("file") Some(3) []"#]);
    check(toml, "tag --label line", &[r#"tag: Some("line") Some(3) []"#]);
    check(toml, "tag -lline word", &[r#"tag: Some("line") Some(3) ["word"]"#]);
    check(
        toml,
        "tag tag@b --from 4",
        &[r#"tag: Some("file") Some(3) []"#, r#"tag@b: Some("file") Some(4) []"#],
    );
}

#[test]
fn the_environment_counts_more_than_a_file_and_less_than_the_line() {
    let env = user("[plugin.tag]\nlabel = 'file'\n").env("TAG_LABEL", "environment");
    env.run("tag").assert_code(Exit::Success).assert_told(&[r#"tag: Some("environment") None []"#]);
    let output = env.run("tag --label line");
    output.assert_code(Exit::Success).assert_told(&[r#"tag: Some("line") None []"#]);
}

#[test]
fn a_projects_file_is_over_the_users_and_a_later_one_over_both() {
    let env = user("[plugin.tag]\nlabel = 'user'\nfrom = 1\n");
    env.write("project.toml", "[plugin.tag]\nlabel = 'project'\nfrom = 2\n");
    env.write("mine.toml", "[plugin.tag]\nlabel = 'mine'\n");
    let told = |line: &str, expect: &str| {
        env.run(line).assert_code(Exit::Success).assert_told(&[expect]);
    };
    told("tag", r#"tag: Some("user") Some(1) []"#);
    told("--config project.toml tag", r#"tag: Some("project") Some(2) []"#);
    told("--config project.toml --config mine.toml tag", r#"tag: Some("mine") Some(2) []"#);
}

#[test]
fn inspect_shows_where_each_value_comes_from() {
    let env = user("[plugin.countdown]\nfrom = 5\n[plugin.tag]\nlabel = 'file'\nfrom = 3\n");
    let env = env.env("TAG_LABEL", "environment");
    let countdown = env.run("plugin inspect countdown");
    countdown.assert_code(Exit::Success);
    for needle in ["--from   5  from /", "lifespan.toml:2:8\n", "--sleep  1  its default\n"] {
        assert!(countdown.stdout.contains(needle), "{countdown}");
    }
    let tag = env.run("plugin inspect tag --format json");
    let told: serde_json::Value = serde_json::from_str(&tag.stdout).expect("JSON");
    schema::check("plugin-inspect", &told);
    let settings = told["plugins"][0]["settings"].as_array().expect("a list");
    let shown: Vec<_> = settings
        .iter()
        .map(|it| format!("{} {} {} {}", it["option"], it["values"], it["origin"], it["place"]))
        .map(|line| line.replace(&format!("{}/", env.home().display()), ""))
        .collect();
    assert_eq!(
        shown,
        [
            r#""--label" ["environment"] "environment" "TAG_LABEL""#,
            r#""--from" ["3"] "config" "config/lifespan/lifespan.toml:5:8""#,
        ]
    );
}

#[test]
fn the_plan_shows_what_a_file_adds() {
    let output = user("[plugin.tag]\nfrom = 3\n").run("--dry-run tag word");
    output.assert_code(Exit::Success);
    assert!(output.stdout.contains("tag --from=3 word"), "{output}");
}

#[test]
fn a_file_names_plugins_folders_from_its_own() {
    let env = TestEnv::without_plugins();
    std::os::unix::fs::symlink(crate::artifacts::fixtures(), env.home().join("plugins")).unwrap();
    fs::create_dir(env.home().join("project")).unwrap();
    env.write("project/lifespan.toml", "plugin-dir = '../plugins'\n");
    let output = env.run("--config project/lifespan.toml tag");
    output.assert_code(Exit::Success).assert_told(&["tag: None None []"]);
}

#[test]
fn a_files_log_options_count_from_the_first_line() {
    let output = user("log-format = 'json'\n").run("nonsense");
    output.assert_code(Exit::Usage);
    assert!(output.stderr.starts_with('{'), "{output}");
    let output = user("log-format = 'json'\n").run("--log-format text nonsense");
    assert!(output.stderr.starts_with("error: "), "{output}");
}

#[test]
fn unknown_keys_are_told_with_their_places_all_of_them() {
    let toml = "garce = 1\n\n[plugin.tag]\nfrm = 3\n\n[plugins.x]\n";
    let output = check_refused(
        toml,
        "tag",
        &[
            "there is no option `garce`",
            "lifespan.toml:1:1\n  garce = 1\n  ^^^^^\n",
            "did you mean `grace`?",
            "there is no table `plugins`",
            "lifespan.toml:6:2",
        ],
    );
    assert!(output.stderr.matches("error: ").count() >= 2, "{output}");
    check_refused(
        "[plugin.tag]\nfrm = 3\nlable = 'x'\n",
        "tag tag",
        &["`tag` has no option `frm`", "did you mean `from`?", "did you mean `label`?", ":3:1"],
    );
}

#[test]
fn a_value_that_the_plugin_refuses_is_shown_in_the_file() {
    let toml = "[plugin.tag]\nfrom = 0\n";
    check_refused(toml, "tag load x", &["invalid value '0' for '--from", ":2:8\n  from = 0\n"]);
    // What the line gives is the line's mistake.
    let output = user(toml).run("tag --from none");
    output.assert_code(Exit::Usage);
    assert!(!output.stderr.contains("lifespan.toml"), "{output}");
}

#[test]
fn a_file_that_is_named_must_be_there_and_the_users_need_not() {
    let env = TestEnv::new();
    env.run("tag").assert_code(Exit::Success);
    let output = env.run("--config none.toml tag");
    output.assert_code(Exit::Config).assert_has(&["`none.toml` cannot be used", "cannot be read"]);
    env.run("--config none.toml --version").assert_code(Exit::Success);
}

#[test]
fn a_table_that_looks_misspelt_is_an_error_where_its_plugin_is_on_the_line() {
    let toml = "[plugin.tagg]\nfrom = 3\n[plugin.elsewhere]\nx = 1\n";
    let output = user(toml).run("load x");
    output.assert_code(Exit::Success);
    output.assert_has(&["lifespan.toml:1:9: no plugin is called `tagg`; did you mean `tag`?"]);
    output.assert_has_not(&["elsewhere"]);
    check_refused(
        toml,
        "load x tag",
        &["no plugin is called `tagg`", ":1:9\n  [plugin.tagg]\n", "hint: did you mean `tag`?"],
    );
    // Where it has a table of its own, the other is likely of a plugin that is not here.
    let both = "[plugin.tagg]\nfrom = 3\n[plugin.tag]\nfrom = 4\n";
    let output = user(both).run("tag");
    output.assert_code(Exit::Success).assert_told(&["tag: None Some(4) []"]);
    output.assert_has_not(&["tagg"]);
}

#[test]
fn mistakes_are_told_in_the_order_of_the_files_and_their_lines_each_with_what_to_do() {
    let env = user("grace = []\nfoo = 1\n[other]\n[plugin]\nx = 1\n");
    env.write("project.toml", "config = 'x'\n[more]\nlog-format = 1\n");
    let output = env.run("--config none.toml --config project.toml tag");
    output.assert_code(Exit::Config);
    output.assert_in_order(&[
        "/lifespan.toml:1:9\n",
        "/lifespan.toml:2:1\n",
        "/lifespan.toml:3:2\n",
        "/lifespan.toml:5:1\n",
        "`none.toml` cannot be used",
        "project.toml:1:1\n",
        "project.toml:2:2\n",
    ]);
    let errors = output.stderr.split("error: ").skip(1);
    assert_eq!(errors.clone().count(), 7, "{output}");
    assert!(errors.clone().all(|error| error.contains("  hint: ")), "{output}");
}
