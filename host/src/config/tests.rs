//! What files say, what is wrong with them, and which of several counts.

use super::*;

fn text(failures: &Failures) -> String {
    let told = failures.as_slice().iter().map(|failure| {
        assert_eq!(failure.exit, Exit::Config);
        assert!(!failure.hints.is_empty(), "{failure}");
        let place = failure.pointer.as_deref().unwrap_or_default().lines().next();
        let hints: String = failure.hints.iter().map(|hint| format!(" ({hint})")).collect();
        format!("{}: {failure}{hints}\n", place.unwrap_or_default().trim())
    });
    told.collect()
}

#[track_caller]
fn check_wrong(toml: &str, expect: &str) {
    let failures = Config::parse(toml, Path::new("a.toml")).unwrap_err();
    assert_eq!(text(&failures), expect);
}

fn settings(table: &Table) -> Vec<(String, Value)> {
    table.settings.iter().map(|it| (it.key.clone(), it.value.clone())).collect()
}

#[test]
fn settings_keep_the_order_of_the_file_and_their_kind() {
    let toml = "[plugin.a]\nz = 0x1F\ny = 1.5\nx = [true, 'b']\nw = 2024-01-01\n";
    let config = Config::parse(toml, Path::new("a.toml")).unwrap();
    let number = |number: &str| Value::One(Scalar::Number(number.into()));
    let text = |text: &str| Scalar::Text(text.into());
    let expect = [
        ("z".into(), number("31")),
        ("y".into(), number("1.5")),
        ("x".into(), Value::Many(vec![Scalar::Bool(true), text("b")])),
        ("w".into(), Value::One(text("2024-01-01"))),
    ];
    assert_eq!(settings(config.plugin("a").unwrap()), expect);
    assert!(config.plugin("b").is_none());
}

#[test]
fn a_later_file_counts_option_by_option() {
    let config = |toml| Config::parse(toml, Path::new("a.toml")).unwrap();
    let both = config("grace = 1\n[plugin.a]\nx = 1\ny = 1\n[plugin.b]\nx = 1\n")
        .overlaid(config("grace = 2\n[plugin.a]\nx = 2\n[plugin.c]\nx = 2\n"));
    let value = |plugin: &str, key: &str| {
        let settings = settings(both.plugin(plugin).unwrap());
        let Value::One(value) = &settings.iter().find(|it| it.0 == key).unwrap().1 else {
            panic!()
        };
        value.word().to_owned()
    };
    let found = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "x")].map(|(p, k)| value(p, k));
    assert_eq!(found, ["2", "1", "1", "2"]);
    assert_eq!(both.host.last().unwrap().value, Value::One(Scalar::Number("2".into())));
}

#[test]
fn all_that_is_wrong_is_told_with_its_place() {
    check_wrong(
        "plugin = 3\n[plugins.a]\nx = 1\n[other]\n",
        "a.toml:1:1: `plugin` must be a table (the options of a plugin follow `[plugin.NAME]`)\n\
         a.toml:2:2: there is no table `plugins` (did you mean `plugin`?)\n\
         a.toml:4:2: there is no table `other` (the options of a plugin follow `[plugin.NAME]`, those \
         of the host stand before all tables)\n",
    );
    check_wrong(
        "[plugin]\na = 3\n[plugin.b]\nx = [[1]]\n[plugin.b.c]\ny = 1\n",
        "a.toml:2:1: `plugin.a` must be a table (its options follow `[plugin.a]`)\n\
         a.toml:4:5: the list `x` may hold texts, numbers, and `true` or `false` (write its values \
         one after the other)\n\
         a.toml:5:11: `c` is a table, where options of a plugin stand (an option has a value, or a \
         list of values)\n",
    );
}

#[test]
fn what_is_not_toml_is_told_and_nothing_else() {
    let failures = Config::parse("a = \nb = [1\n[x]\n", Path::new("a.toml")).unwrap_err();
    let told = text(&failures);
    assert!(failures.as_slice().len() >= 2, "{told}");
    assert!(told.starts_with("a.toml:1:"), "{told}");
    assert!(told.lines().all(|line| line.contains("the configuration is not TOML: ")), "{told}");
    check_wrong(
        "a = 1\na = 2\n",
        "a.toml:2:1: the configuration is not TOML: duplicate key (keep one of the two)\n",
    );
}

#[test]
fn a_file_that_cannot_be_read_or_is_too_large_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let missing = Config::read(&folder.path().join("none.toml")).unwrap_err();
    let failure = &missing.as_slice()[0];
    assert!(failure.message.ends_with("none.toml` cannot be used"), "{failure}");
    assert_eq!(failure.causes[0], "it cannot be read");
    assert_eq!(failure.hints, ["see that it is there, and that you may read it"]);
    let large = folder.path().join("large.toml");
    std::fs::write(&large, "#".repeat(1 + MOST as usize)).unwrap();
    let failures = Config::read(&large).unwrap_err();
    assert_eq!(failures.as_slice()[0].causes, ["it is larger than 1 MiB"]);
    std::fs::write(&large, "#".repeat(MOST as usize)).unwrap();
    assert!(Config::read(&large).is_ok());
}
