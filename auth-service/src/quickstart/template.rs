//! Filling in configuration files. A line that ends in a marker, a hash and `@name`, holds one double-quoted
//! string; that string is replaced by the value of that name. Nothing else of the file changes, so that what
//! was filled in once can be filled in again.

/// A value and the name of its marker.
pub(super) type Value<'a> = (&'static str, &'a str);

/// Why a file was not filled in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FillError {
    /// The file asks for something that nobody knows.
    #[error("line {line} asks for @{name}, which is not known here")]
    Unknown {
        /// Counted from 1.
        line: usize,
        /// The marker.
        name: String,
    },
    /// The file has no place for something that has to be in it.
    #[error("no line ends in `# @{0}`")]
    Missing(&'static str),
    /// A marked line without its string.
    #[error("line {0} is marked and does not hold one double-quoted string")]
    NotOneString(usize),
    /// A line break or the like, which would end the string or the line.
    #[error("the value of @{0} holds a control character")]
    Unwritable(&'static str),
}

/// Puts each value where its marker is; each must have at least one place.
pub(super) fn fill(template: &str, values: &[Value]) -> Result<String, FillError> {
    let mut filled = String::with_capacity(template.len() + 256);
    let mut used = Vec::new();
    for (index, line) in template.split_inclusive('\n').enumerate() {
        let Some((head, name)) = marker(line) else {
            filled.push_str(line);
            continue;
        };
        let number = index + 1;
        let Some((known, value)) = values.iter().find(|(known, _)| *known == name) else {
            return Err(FillError::Unknown { line: number, name: name.to_owned() });
        };
        let before = before_string(head).ok_or(FillError::NotOneString(number))?;
        filled.push_str(before);
        filled.push_str(&quoted(known, value)?);
        filled.push_str(&line[head.len()..]);
        used.push(*known);
    }
    match values.iter().find(|(name, _)| !used.contains(name)) {
        Some((name, _)) => Err(FillError::Missing(name)),
        None => Ok(filled),
    }
}

/// The part of a line before its marker, and the marker's name; `None` for lines to leave alone.
fn marker(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_end();
    let (head, name) = line.rsplit_once(" # @")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_name && !line.trim_start().starts_with('#')).then_some((head, name))
}

/// What stands before the one string that the text ends in.
fn before_string(text: &str) -> Option<&str> {
    let (before, rest) = text.split_once('"')?;
    let inner = rest.strip_suffix('"')?;
    (!inner.contains('"')).then_some(before)
}

/// A JSON string, which means the same in YAML and in TOML as long as no control character is in it.
fn quoted(name: &'static str, value: &str) -> Result<String, FillError> {
    let breaks_lines =
        |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}');
    if value.chars().any(breaks_lines) {
        return Err(FillError::Unwritable(name));
    }
    Ok(serde_json::Value::from(value).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_string_is_replaced_and_nothing_else() {
        let template = "# \"x\" # @name\na: \"old\" # @name\nb: \"# @name\"\n  - \"\" # @other\nlast # @Name";
        let filled = fill(template, &[("name", "new"), ("other", "o")]).unwrap();
        let expected =
            "# \"x\" # @name\na: \"new\" # @name\nb: \"# @name\"\n  - \"o\" # @other\nlast # @Name";
        assert_eq!(filled, expected);
        assert_eq!(fill(&filled, &[("name", "old"), ("other", "")]).unwrap(), template);
    }

    #[test]
    fn quotes_backslashes_and_letters_of_any_script_stay_what_they_are() {
        let value = r#"/home/Zoë/"a" \b: #c %d"#;
        let filled = fill("a: \"\" # @name\n", &[("name", value)]).unwrap();
        let string = filled.strip_prefix("a: ").unwrap().strip_suffix(" # @name\n").unwrap();
        assert_eq!(serde_json::from_str::<String>(string).unwrap(), value);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let values: &[Value] = &[("name", "new")];
        let unknown = FillError::Unknown { line: 2, name: "nmae".to_owned() };
        for (template, expected) in [
            ("a: \"\" # @name\nb: \"\" # @nmae", unknown),
            ("a: \"\"", FillError::Missing("name")),
            ("a: old # @name", FillError::NotOneString(1)),
            ("a: \"x\" \"y\" # @name", FillError::NotOneString(1)),
        ] {
            assert_eq!(fill(template, values), Err(expected), "{template}");
        }
        for value in ["a\nb", "a\u{85}b", "a\u{2028}b", "\u{0}"] {
            assert_eq!(fill("a: \"\" # @name", &[("name", value)]), Err(FillError::Unwritable("name")));
        }
    }
}
