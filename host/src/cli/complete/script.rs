//! The scripts that have a shell ask this program, one a shell.
//!
//! They are templates: `@NAME@` is the program's name, `@ID@` the same as a part of a function's name.

use clap::ValueEnum;

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    Pwsh,
}

impl Shell {
    /// The script for a program of that name.
    pub(crate) fn script(self, name: &str) -> String {
        let template = match self {
            Shell::Bash => include_str!("lifespan.bash"),
            Shell::Zsh => include_str!("lifespan.zsh"),
            Shell::Fish => include_str!("lifespan.fish"),
            Shell::Pwsh => include_str!("lifespan.ps1"),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let id: String = name.chars().map(plain).collect();
        template.replace("@NAME@", name).replace("@ID@", &id)
    }

    /// What stands before the word that is completed, where the shell would drop an empty one.
    pub(crate) fn marked(self) -> Option<char> {
        (self == Shell::Pwsh).then_some('+')
    }

    /// What keeps the next character in a word that the shell hands out as it was typed; none where
    /// it hands out what the word means.
    pub(crate) fn escape(self) -> Option<char> {
        match self {
            Shell::Bash => Some('\\'),
            Shell::Pwsh => Some('`'),
            Shell::Zsh | Shell::Fish => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_for_the_program_of_that_name() {
        for shell in Shell::value_variants() {
            let script = shell.script("acme-ctl");
            assert!(script.contains("acme-ctl completions "), "{shell:?}");
            assert!(script.contains(" --answer -- "), "{shell:?}");
            assert!(!script.contains("lifespan") && !script.contains("@NAME@"), "{shell:?}");
        }
        assert!(Shell::Bash.script("acme-ctl").contains("_acme_ctl()"));
    }
}
