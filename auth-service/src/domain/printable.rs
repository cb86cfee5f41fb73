//! Which characters a name may have that others will see in their terminals and lists.

/// Whether a character shows as itself. Control characters move the cursor; those that turn the direction, break
/// lines, or take no room at all make one name look like another (Unicode Technical Report 36, section 2).
#[must_use]
pub fn is_printable(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !character.is_control() && !is_invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_script_are_printable_and_what_nobody_sees_is_not() {
        for letter in "aZ0 _-.@|äßñЖ中אع한€🚀".chars() {
            assert!(is_printable(letter), "{letter:?}");
        }
        for (first, last) in [
            ('\0', '\u{1f}'),
            ('\u{7f}', '\u{9f}'),
            ('\u{ad}', '\u{ad}'),
            ('\u{61c}', '\u{61c}'),
            ('\u{180e}', '\u{180e}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{2064}'),
            ('\u{2066}', '\u{2069}'),
            ('\u{feff}', '\u{feff}'),
        ] {
            for hidden in first..=last {
                assert!(!is_printable(hidden), "{hidden:?}");
            }
        }
    }
}
