//! Characters that no text of the ledger has that people read.
//!
//! A person who reads such a text on a screen must see what was signed. Control characters move the
//! cursor or end the line, and bidi characters change the order in which the others are shown. The
//! characters are listed here and not looked up, because the rule belongs to consensus and Unicode
//! tables change with the compiler.

/// Finds the first control or bidi character, and returns it with its byte offset.
pub fn hidden(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(_, character)| is_control(*character) || is_bidi(*character))
}

/// Finds the first control or bidi character other than those that lay out plain text: tab, line
/// feed and carriage return.
pub fn hidden_in_lines(text: &str) -> Option<(usize, char)> {
    let lays_out = |character: char| matches!(character, '\t' | '\n' | '\r');
    text.char_indices().find(|(_, character)| {
        !lays_out(*character) && (is_control(*character) || is_bidi(*character))
    })
}

/// True for C0, DEL, C1 and the separators of lines and paragraphs, which end a line as well.
fn is_control(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

/// True for the characters that have the Unicode property `Bidi_Control`.
fn is_bidi(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_found() {
        let plain = ["", "lost", "größer als 5 %", "معلق", "מושעה", "吊销", "🚫 a\u{200d}b"];
        for text in plain {
            assert_eq!((hidden(text), hidden_in_lines(text)), (None, None), "{text:?}");
        }
        let hiding = "\0\u{1b}\u{7f}\u{85}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\
                      \u{202e}\u{2066}\u{2069}";
        for character in hiding.chars() {
            let text = format!("ä{character}");
            let found = Some((2, character));
            assert_eq!((hidden(&text), hidden_in_lines(&text)), (found, found), "{text:?}");
        }
        for character in ['\t', '\n', '\r'] {
            let text = character.to_string();
            assert_eq!((hidden(&text), hidden_in_lines(&text)), (Some((0, character)), None));
        }
    }

    #[test]
    fn no_control_character_of_unicode_is_missing() {
        for character in char::MIN..=char::MAX {
            assert!(!character.is_control() || is_control(character), "{character:?}");
        }
    }
}
