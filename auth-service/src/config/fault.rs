//! What is wrong with a configuration, said so that it can be put right without reading the code.

use std::fmt;

/// How much of an offending value is repeated: enough to recognise it.
const LONGEST_QUOTE: usize = 60;

/// One thing that is wrong, where it was written, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, such as `http.listen`; for a file that cannot be read, how the file was chosen.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it, beginning with a verb.
    pub cure: String,
    /// Where the value stands: a file or an environment variable; `default` if nowhere.
    pub origin: String,
}

impl Fault {
    /// A fault of `key` as given in `origin`.
    pub(super) fn new(key: &str, origin: &str, problem: &str, cure: &str) -> Self {
        let [key, problem, cure, origin] = [key, problem, cure, origin].map(printable);
        Self { key, problem, cure, origin }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, problem, cure, origin } = self;
        write!(formatter, "{key}: {problem}; {cure} [{origin}]")
    }
}

/// Everything that is wrong with a configuration, all at once: at least one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// These faults; never called with none, and even then something is said.
    pub(super) fn new(mut faults: Vec<Fault>) -> Self {
        if faults.is_empty() {
            faults.push(Fault::new("configuration", "unknown", "cannot be read", "report this as an error"));
        }
        Self(faults)
    }

    /// The faults, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    /// One line for each fault, without a newline at the end.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The fault is already on the list; whoever gets this has no value to go on with and nothing to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted;

/// A value as it is repeated in a fault: quoted, cut to a readable length.
pub(super) fn quoted(value: &str) -> String {
    let mut shown: String = value.chars().take(LONGEST_QUOTE).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Names of variables and files can hold anything; a terminal gets one line of it and no control byte.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_whatever_the_value() {
        let fault = Fault::new("a\nb", "c\u{1b}[31m", &quoted("d\r\ne"), "write f");
        assert_eq!(fault.to_string(), "a\\nb: \"d\\r\\ne\"; write f [c\\u{1b}[31m]");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(quoted(&"ü".repeat(100)), format!("\"{}…\"", "ü".repeat(60)));
    }
}
