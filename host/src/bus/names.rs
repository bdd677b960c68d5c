//! Names of topics, and patterns over them. Pure: text in, verdict out.

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
    segments: Vec<Segment>,
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
        let mut segments = Vec::new();
        for segment in text.split('/') {
            check_segment(segment)?;
            if segments.last() == Some(&Segment::Rest) {
                return Err(NameError::RestInside);
            }
            segments.push(match segment {
                "*" => Segment::One,
                "**" => Segment::Rest,
                text if text.contains('*') => return Err(NameError::PartialStar),
                text => Segment::Text(text.to_owned()),
            });
        }
        Ok(Pattern { segments })
    }

    /// Whether a name is one of those that the pattern means.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut names = name.split('/');
        for segment in &self.segments {
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
