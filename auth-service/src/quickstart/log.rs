//! The registry's log lines between our own: each with a prefix, without secrets, without control characters.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::telemetry::LineWriter;

/// Longest line that is shown.
const LONGEST: usize = 32 * 1024;

/// Writes the registry's lines between our own. It never waits for a reader, because a registry whose log is not taken
/// from it stops answering.
#[derive(Clone)]
pub(super) struct RegistryLog {
    writer: LineWriter,
    secrets: Vec<String>,
}

impl RegistryLog {
    pub(super) const fn new(writer: LineWriter, secrets: Vec<String>) -> Self {
        Self { writer, secrets }
    }

    /// Shows every line of `stream` until it ends.
    pub(super) async fn forward(mut self, stream: impl AsyncRead + Unpin) {
        use std::io::Write as _;
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            let chunk = match reader.fill_buf().await {
                Ok(chunk) if !chunk.is_empty() => chunk,
                _ => break,
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            line.extend_from_slice(&part[..part.len().min((LONGEST + 1).saturating_sub(line.len()))]);
            let taken = part.len() + usize::from(end.is_some());
            reader.consume(taken);
            if end.is_some() {
                // It never fails: what cannot be written is dropped.
                let _ = self.writer.write_all(shown(&line, &self.secrets).as_bytes());
                line.clear();
            }
        }
        if !line.is_empty() {
            let _ = self.writer.write_all(shown(&line, &self.secrets).as_bytes());
        }
    }
}

/// A line of the registry as people may see it.
fn shown(line: &[u8], secrets: &[String]) -> String {
    if line.len() > LONGEST {
        // Cut somewhere, it could end in half a secret.
        return format!("registry | (a line of more than {LONGEST} bytes)\n");
    }
    let mut text = String::from_utf8_lossy(line).into_owned();
    for secret in secrets {
        text = text.replace(secret, "********");
    }
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str("registry | ");
    for character in text.trim_end().chars() {
        match character.is_control() && character != '\t' {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown.push('\n');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let secrets = ["cafe0123".to_owned(), "beef4567".to_owned()];
        let line = b"headers=map[Authorization:[Bearer cafe0123]] cafe0123 http.secret=beef4567";
        let expected =
            "registry | headers=map[Authorization:[Bearer ********]] ******** http.secret=********\n";
        assert_eq!(shown(line, &secrets), expected);
    }

    #[test]
    fn control_characters_are_made_visible_and_long_lines_left_out() {
        assert_eq!(shown(b"a\x1b[31m\tb\x07\xff\r", &[]), "registry | a\\u{1b}[31m\tb\\u{7}\u{fffd}\n");
        let long = shown(&vec![b'x'; LONGEST + 1], &[]);
        assert!(long.len() < 100, "{long}");
    }
}
