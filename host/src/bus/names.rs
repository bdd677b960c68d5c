//! Names of topics, and patterns over them. Pure: text in, verdict out.

use std::ops::Range;

use thiserror::Error;

/// Why a text is no name, or no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum NameError {
    /// There is nothing between two slashes, before the first or after the last.
    #[error("it has an empty segment; a name is segments between slashes, such as `a/b/c`")]
    EmptySegment,
    /// A name has a star in it.
    #[error("`*` stands only in patterns")]
    Star,
    /// A star stands beside other characters.
    #[error("`*` and `**` are whole segments of a pattern")]
    PartialStar,
    /// `**` is not at the end.
    #[error("`**` is the rest of a name, and so stands only at the end of a pattern")]
    RestInside,
    /// A character that no terminal shows.
    #[error("it has a control character")]
    Control,
}

/// A pattern over names: `*` is one segment, `**` at the end is the rest (one segment or more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// A name need be one of these only.
    ways: Vec<Vec<Segment>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    One,
    Rest,
}

/// Judges the name of a topic.
pub(crate) fn check_name(name: &str) -> Result<(), NameError> {
    for segment in name.split('/') {
        check_segment(segment)?;
        if segment.contains('*') {
            return Err(NameError::Star);
        }
    }
    Ok(())
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Pattern, NameError> {
        Pattern::parse_placed(text).map_err(|(_, error)| error)
    }

    /// Reads a pattern; an error is told with the bytes of the segment that is wrong.
    pub(crate) fn parse_placed(text: &str) -> Result<Pattern, (Range<usize>, NameError)> {
        let mut segments = Vec::new();
        let mut at = 0;
        for segment in text.split('/') {
            let place = at..at + segment.len();
            at = place.end + 1;
            // It is the `**` that stands at a wrong place, not what is behind it.
            if segments.last() == Some(&Segment::Rest) {
                return Err((place.start - "**/".len()..place.start - 1, NameError::RestInside));
            }
            segments.push(Segment::parse(segment).map_err(|error| (place, error))?);
        }
        Ok(Pattern { ways: vec![segments] })
    }

    /// A pattern of all names that one of these means.
    pub(crate) fn any(patterns: impl IntoIterator<Item = Pattern>) -> Pattern {
        Pattern { ways: patterns.into_iter().flat_map(|pattern| pattern.ways).collect() }
    }

    /// Whether a name is one of those that the pattern means.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.ways.iter().any(|segments| match_segments(segments, name))
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Segment, NameError> {
        check_segment(text)?;
        match text {
            "*" => Ok(Segment::One),
            "**" => Ok(Segment::Rest),
            text if text.contains('*') => Err(NameError::PartialStar),
            text => Ok(Segment::Text(text.to_owned())),
        }
    }
}

fn match_segments(segments: &[Segment], name: &str) -> bool {
    let mut names = name.split('/');
    for segment in segments {
        let Some(name) = names.next() else { return false };
        match segment {
            Segment::Text(text) if text == name => {}
            Segment::Text(_) => return false,
            Segment::One => {}
            Segment::Rest => return true,
        }
    }
    names.next().is_none()
}

fn check_segment(segment: &str) -> Result<(), NameError> {
    if segment.is_empty() {
        return Err(NameError::EmptySegment);
    }
    if segment.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "a/b/c", "größe/2", "with space", "a.b-c_d"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for (name, error) in [
            ("", NameError::EmptySegment),
            ("/a", NameError::EmptySegment),
            ("a/", NameError::EmptySegment),
            ("a//b", NameError::EmptySegment),
            ("a/*", NameError::Star),
            ("a*", NameError::Star),
            ("a\n", NameError::Control),
        ] {
            assert_eq!(check_name(name), Err(error), "{name}");
        }
    }

    #[test]
    fn patterns() {
        for (text, error) in [
            ("", NameError::EmptySegment),
            ("a/b*", NameError::PartialStar),
            ("***", NameError::PartialStar),
            ("a/**/b", NameError::RestInside),
            ("**/**", NameError::RestInside),
        ] {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_segment_that_is_wrong_is_known() {
        for (text, wrong) in
            [("ä/b*/c", "b*"), ("a/**/b", "**"), ("a/*b", "*b"), ("a//b", ""), ("", ""), ("a/", "")]
        {
            let (place, _) = Pattern::parse_placed(text).unwrap_err();
            assert_eq!(&text[place], wrong, "{text}");
        }
    }

    #[test]
    fn any_of_several_is_enough() {
        let pattern = Pattern::any(["a/*", "b"].map(|text| Pattern::parse(text).unwrap()));
        assert!(pattern.matches("a/x") && pattern.matches("b"));
        assert!(!pattern.matches("a") && !pattern.matches("b/x"));
        assert!(!Pattern::any([]).matches("a"));
    }

    #[test]
    fn matching() {
        for (pattern, name, expect) in [
            ("a", "a", true),
            ("a", "a/b", false),
            ("a/b", "a", false),
            ("*", "a", true),
            ("*", "a/b", false),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/d", false),
            ("**", "a", true),
            ("**", "a/b/c", true),
            ("a/**", "a/b", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**", "ab/c", false),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(name), expect, "{pattern} on {name}");
        }
    }
}
