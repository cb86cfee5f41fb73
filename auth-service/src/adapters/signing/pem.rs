//! PEM as people have it: several blocks in a file, text between them, old headers inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One `-----BEGIN …-----` block.
pub(super) struct Block {
    pub label: String,
    pub der: Zeroizing<Vec<u8>>,
    /// The block is encrypted, by its label or by an old `Proc-Type` header.
    pub encrypted: bool,
}

/// All blocks of a file; text around them is skipped. `None` if a block is cut off or is not base64.
pub(super) fn read(file: &[u8]) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----"))
        else {
            continue;
        };
        let label = String::from_utf8_lossy(label).into_owned();
        let mut encrypted = label.starts_with("ENCRYPTED");
        let mut base64 = Zeroizing::new(Vec::with_capacity(file.len()));
        loop {
            match lines.next()? {
                end if end.starts_with(b"-----END ") => break,
                header if header.contains(&b':') => encrypted |= header.starts_with(b"Proc-Type:"),
                data => base64.extend_from_slice(data),
            }
        }
        // What is encrypted is not needed, and its headers may run over several lines.
        let der = if encrypted { Vec::new() } else { STANDARD.decode(&*base64).ok()? };
        blocks.push(Block { label, der: Zeroizing::new(der), encrypted });
    }
    Some(blocks)
}

/// One block, with lines of 64 characters.
pub(super) fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut text =
        Zeroizing::new(String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_with_text_around_it() {
        let der: Vec<u8> = (0..=200).collect();
        let text =
            format!("Bag Attributes: x\r\n{}trailing: text\n{}", *write("A B", &der), *write("C", b"1"));
        let blocks = read(text.replace('\n', "\r\n").as_bytes()).unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].label.as_str(), blocks[0].der.as_slice()), ("A B", der.as_slice()));
        assert_eq!((blocks[1].label.as_str(), blocks[1].der.as_slice()), ("C", b"1".as_slice()));
    }

    #[test]
    fn encrypted_blocks_are_noticed_by_label_and_by_header() {
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(read(old.as_bytes()).unwrap()[0].encrypted);
        let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(read(new.as_bytes()).unwrap()[0].encrypted);
    }

    #[test]
    fn a_block_that_is_cut_off_or_not_base64_is_refused() {
        assert!(read(b"-----BEGIN A-----\nAAAA\n").is_none());
        assert!(read(b"-----BEGIN A-----\n!!!!\n-----END A-----\n").is_none());
        assert!(read(b"no block at all").unwrap().is_empty());
    }
}
