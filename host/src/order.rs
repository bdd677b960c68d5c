//! The order in which instances are set up: what they require first, else as on the command line.
//!
//! Pure: names in, an order or the mistakes out.

use thiserror::Error;

/// An instance with what it requires, as far as the order needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Requirement<'a> {
    /// The plugin that it is an instance of.
    pub(crate) plugin: &'a str,
    /// The plugins that must be set up before it.
    pub(crate) requires: &'a [String],
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum OrderError {
    /// A plugin requires one that is not on the line.
    #[error("`{plugin}` requires `{required}`, which is not on the line")]
    Missing {
        /// The plugin that requires it.
        plugin: String,
        /// The one that is missing.
        required: String,
    },
    /// Plugins require one another.
    #[error("plugins require one another: {}", circle.join(" → "))]
    Circle {
        /// The plugins on the circle, the first again at its end.
        circle: Vec<String>,
    },
}

impl OrderError {
    /// What the user may do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            OrderError::Missing { required, .. } => {
                format!("put `{required}` on the line too, anywhere")
            }
            OrderError::Circle { .. } => {
                "these plugins cannot be used together; tell their authors".to_owned()
            }
        }
    }
}

/// The order of set-up, as places in `instances`, which stand in the order of the line.
///
/// # Errors
///
/// All requirements that are not on the line; else the first circle.
pub(crate) fn order(instances: &[Requirement<'_>]) -> Result<Vec<usize>, Vec<OrderError>> {
    let missing = missing(instances);
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut visit =
        Visit { instances, state: vec![State::Open; instances.len()], order: Vec::new() };
    for place in 0..instances.len() {
        visit.place(place, &mut Vec::new()).map_err(|circle| vec![circle])?;
    }
    Ok(visit.order)
}

fn missing(instances: &[Requirement<'_>]) -> Vec<OrderError> {
    let mut missing = Vec::new();
    for instance in instances {
        for required in instance.requires {
            let error = OrderError::Missing {
                plugin: instance.plugin.to_owned(),
                required: required.clone(),
            };
            if !instances.iter().any(|other| other.plugin == required) && !missing.contains(&error)
            {
                missing.push(error);
            }
        }
    }
    missing
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Entered,
    Done,
}

/// A depth-first visit that keeps the order of the line wherever requirements leave it free.
struct Visit<'a> {
    instances: &'a [Requirement<'a>],
    state: Vec<State>,
    order: Vec<usize>,
}

impl Visit<'_> {
    fn place(&mut self, place: usize, path: &mut Vec<usize>) -> Result<(), OrderError> {
        match self.state[place] {
            State::Done => return Ok(()),
            State::Entered => return Err(self.circle(place, path)),
            State::Open => {}
        }
        self.state[place] = State::Entered;
        path.push(place);
        for required in self.instances[place].requires {
            for other in 0..self.instances.len() {
                if self.instances[other].plugin == required {
                    self.place(other, path)?;
                }
            }
        }
        path.pop();
        self.state[place] = State::Done;
        self.order.push(place);
        Ok(())
    }

    fn circle(&self, place: usize, path: &[usize]) -> OrderError {
        let from = path.iter().position(|&on_path| on_path == place).unwrap_or(0);
        let names = path[from..].iter().chain([&place]);
        OrderError::Circle {
            circle: names.map(|&on| self.instances[on].plugin.to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line such as `a:b,c b c`: each plugin with what it requires.
    fn check(line: &str, expect: Result<&str, &str>) {
        let parsed: Vec<(&str, Vec<String>)> = line
            .split(' ')
            .map(|word| {
                let (plugin, requires) = word.split_once(':').unwrap_or((word, ""));
                let requires = requires.split(',').filter(|name| !name.is_empty());
                (plugin, requires.map(str::to_owned).collect())
            })
            .collect();
        let instances: Vec<_> =
            parsed.iter().map(|(plugin, requires)| Requirement { plugin, requires }).collect();
        let found = order(&instances)
            .map(|order| order.iter().map(|&at| instances[at].plugin).collect::<Vec<_>>().join(" "))
            .map_err(|errors| {
                errors.iter().map(OrderError::to_string).collect::<Vec<_>>().join("; ")
            });
        assert_eq!(found.as_deref().map_err(String::as_str), expect, "{line}");
    }

    #[test]
    fn requirements_come_first_and_the_line_decides_the_rest() {
        check("a b c", Ok("a b c"));
        check("a:c b c", Ok("c a b"));
        check("a:b b:c c", Ok("c b a"));
        check("a:b,c c b", Ok("b c a"));
        // All instances of what is required.
        check("a:b b x b", Ok("b b a x"));
        check("a a", Ok("a a"));
    }

    #[test]
    fn what_cannot_be_ordered_is_named() {
        check(
            "a:b,c b:d",
            Err(
                "`a` requires `c`, which is not on the line; `b` requires `d`, which is not on the line",
            ),
        );
        check("x a:b b:c c:a", Err("plugins require one another: a → b → c → a"));
        check("a:a", Err("plugins require one another: a → a"));
        check("a:x a:x", Err("`a` requires `x`, which is not on the line"));
    }
}
