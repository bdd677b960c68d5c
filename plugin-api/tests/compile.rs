//! What must not compile, with the words in which it is refused.

#[test]
fn mistakes_are_told_where_they_stand() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/compile_fail/*.rs");
    if cfg!(not(feature = "tokio")) {
        tests.compile_fail("tests/compile_fail/without_tokio/*.rs");
    }
}
