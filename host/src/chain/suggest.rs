//! Which known words are like an unknown one.

/// How many suggestions are enough.
const MOST: usize = 3;

/// As alike as clap wants it, on a scale to 1.
const ALIKE: f64 = 0.7;

/// The known words that are like this one, the likest first.
pub(crate) fn alike(word: &str, known: &[String]) -> Vec<String> {
    let mut found: Vec<(f64, &String)> = known
        .iter()
        .map(|known| (likeness(word, known), known))
        .filter(|(l, _)| *l > ALIKE)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.into_iter().take(MOST).map(|(_, known)| known.clone()).collect()
}

/// The dashes of an option are not what makes it alike.
fn likeness(word: &str, known: &str) -> f64 {
    strsim::jaro(word, known.trim_start_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_comes_first_and_the_unlike_not_at_all() {
        let known = ["echo", "countdown", "counter", "--from", "--sleep"].map(String::from);
        assert_eq!(alike("cuontdown", &known), ["countdown"]);
        assert_eq!(alike("count", &known), ["counter", "countdown"]);
        assert_eq!(alike("ecko", &known), ["echo"]);
        assert_eq!(alike("from", &known), ["--from"]);
        assert!(alike("zzz", &known).is_empty());
        assert!(alike("", &known).is_empty());
    }
}
