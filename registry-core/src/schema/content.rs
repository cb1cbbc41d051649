//! Checks whether a JSON text can be published as a schema (docs/protocol/schemas.md, SC1). The
//! check looks at values as raw text and never converts a number. So no two readers can disagree
//! about a number, and no number is accepted that another reader could not hold.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::limits::{SCHEMA_CONTENT_BYTES_MAX, SCHEMA_DEPTH_MAX};
use crate::text::hidden_in_lines;

/// Dialects of JSON Schema that may be published.
const DIALECTS: [&str; 3] = [
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-07/schema",
];

/// Largest number of characters of a number. With at most two digits of exponent, every such number
/// is a finite binary64.
const NUMBER_BYTES_MAX: usize = 32;

/// Reason why a text cannot be published as a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The text is empty or too long.
    #[error("{actual} bytes, 1 to {SCHEMA_CONTENT_BYTES_MAX} are allowed")]
    Length {
        /// Number of bytes given.
        actual: usize,
    },
    /// The text is not JSON.
    #[error("not JSON: {reason}")]
    Json {
        /// Error text of the JSON reader. It is for people and never enters the state.
        reason: String,
    },
    /// The text is JSON but no object, or has white space before or after it.
    #[error("a JSON object is expected, and no space before or after it")]
    NotAnObject,
    /// Objects and arrays are nested too deeply.
    #[error("objects and arrays more than {SCHEMA_DEPTH_MAX} deep")]
    Depth,
    /// An object has two members of the same name.
    #[error("an object has two members {name:?}")]
    Twice {
        /// Name of the member.
        name: String,
    },
    /// A text, which may be the name of a member, has a character that hides what people read.
    #[error(
        "{character:?} is in a text, which must have no control and bidi characters other than \
         tab, line feed and carriage return"
    )]
    Character {
        /// Character that was found, as it is or as an escape.
        character: char,
    },
    /// A number is too long for every reader to hold.
    #[error("number {text} must have at most {NUMBER_BYTES_MAX} characters, two of an exponent")]
    Number {
        /// Number as it is written in the text.
        text: String,
    },
    /// `$schema` is missing or names a dialect that is not accepted.
    #[error("\"$schema\" must be {expected:?}", expected = DIALECTS)]
    Dialect,
    /// A reference points to another document.
    #[error("{name:?} is {text}, only references that begin with '#' are allowed")]
    Reference {
        /// Name of the member that holds the reference.
        name: String,
        /// Value of the member, as JSON.
        text: String,
    },
}

/// Checks whether `content` may be published as a schema, and names the rule that it breaks.
pub fn check_content(content: &str) -> Result<(), ContentError> {
    if !(1..=SCHEMA_CONTENT_BYTES_MAX).contains(&content.len()) {
        return Err(ContentError::Length { actual: content.len() });
    }
    let root: &RawValue = parse(content)?;
    if !root.get().starts_with('{') || root.get() != content {
        return Err(ContentError::NotAnObject);
    }
    let mut open = vec![(root, 1)];
    let mut references = Vec::new();
    while let Some((value, depth)) = open.pop() {
        let is_object = value.get().starts_with('{');
        if !is_object && !value.get().starts_with('[') {
            check_scalar(value.get())?;
            continue;
        }
        if depth > SCHEMA_DEPTH_MAX {
            return Err(ContentError::Depth);
        }
        let within = usize::saturating_add(depth, 1);
        if is_object {
            let members = members(value)?;
            open.extend(members.iter().map(|(_, value)| (*value, within)));
            references.extend(members.into_iter().filter(is_outward));
        } else {
            let values: Vec<&RawValue> = parse(value.get())?;
            open.extend(values.into_iter().map(|value| (value, within)));
        }
    }
    check_dialect(root)?;
    match references.into_iter().next() {
        Some((name, value)) => Err(ContentError::Reference { name, text: value.get().to_owned() }),
        None => Ok(()),
    }
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ContentError> {
    serde_json::from_str(text).map_err(|error| ContentError::Json { reason: error.to_string() })
}

/// Checks a string, a number or one of `true`, `false` and `null`.
fn check_scalar(value: &str) -> Result<(), ContentError> {
    if value.starts_with('"') {
        return check_text(&parse::<String>(value)?);
    }
    if !value.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Ok(());
    }
    let exponent = value.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent);
    let digits = exponent.trim_start_matches(['+', '-']).len();
    if value.len() > NUMBER_BYTES_MAX || digits > 2 {
        return Err(ContentError::Number { text: value.to_owned() });
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), ContentError> {
    match hidden_in_lines(text) {
        Some((_, character)) => Err(ContentError::Character { character }),
        None => Ok(()),
    }
}

/// Returns the members of an object, or fails if two have the same name or a name is not readable.
fn members(object: &RawValue) -> Result<Vec<(String, &RawValue)>, ContentError> {
    let Members(members) = parse(object.get())?;
    members.iter().try_for_each(|(name, _)| check_text(name))?;
    let mut names = BTreeSet::new();
    match members.iter().find(|(name, _)| !names.insert(name.as_str())) {
        Some((name, _)) => Err(ContentError::Twice { name: name.clone() }),
        None => Ok(members),
    }
}

fn check_dialect(root: &RawValue) -> Result<(), ContentError> {
    let members = members(root)?;
    let dialect = members.iter().find(|(name, _)| name == "$schema");
    let dialect = dialect.and_then(|(_, value)| parse::<String>(value.get()).ok());
    match dialect {
        Some(dialect) if DIALECTS.contains(&dialect.as_str()) => Ok(()),
        _ => Err(ContentError::Dialect),
    }
}

/// True if a member refers to another document.
fn is_outward((name, value): &(String, &RawValue)) -> bool {
    let refers = (name == "$ref" || name == "$dynamicRef") && value.get().starts_with('"');
    refers && !parse::<String>(value.get()).is_ok_and(|text| text.starts_with('#'))
}

/// Members of an object in their order, including those of the same name.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DRAFT: &str = r#""$schema":"https://json-schema.org/draft/2020-12/schema""#;

    fn check(members: &str) -> Result<(), ContentError> {
        check_content(&format!("{{{DRAFT}{members}}}"))
    }

    /// Returns members that nest arrays so that, with the object around them, the depth is `depth`.
    fn nested(depth: usize) -> String {
        format!(r#","a":{}1{}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
    }

    #[test]
    fn a_schema_is_one_json_object_of_a_known_dialect() {
        assert_eq!(check(""), Ok(()));
        assert_eq!(check_content(&format!("{{\n {DRAFT}\t}}")), Ok(()));
        for dialect in DIALECTS {
            assert_eq!(check_content(&format!(r#"{{"$schema":"{dialect}"}}"#)), Ok(()));
        }
        for other in ["{}", r#"{"$schema":1}"#, r#"{"$schema":"http://a.example"}"#] {
            assert_eq!(check_content(other), Err(ContentError::Dialect), "{other}");
        }
        let deep = format!(r#"{{"a":{{{DRAFT}}}}}"#);
        assert_eq!(check_content(&deep), Err(ContentError::Dialect));
        let [before, after] = [format!(" {{{DRAFT}}}"), format!("{{{DRAFT}}}\n")];
        for other in ["[]", "true", "1", r#""{}""#, &before, &after] {
            assert_eq!(check_content(other), Err(ContentError::NotAnObject), "{other}");
        }
        for other in [" ", "{", "{}{}", "{}x", "{'a':1}", r#"{"a":01}"#, "{\"a\":\"\n\"}", "{,}"] {
            assert!(matches!(check_content(other), Err(ContentError::Json { .. })), "{other}");
        }
    }

    #[test]
    fn length_and_depth_are_bounded() {
        assert_eq!(check_content(""), Err(ContentError::Length { actual: 0 }));
        let padding = |bytes: usize| " ".repeat(bytes - DRAFT.len() - 2);
        assert_eq!(check(&padding(SCHEMA_CONTENT_BYTES_MAX)), Ok(()));
        let actual = SCHEMA_CONTENT_BYTES_MAX + 1;
        assert_eq!(check(&padding(actual)), Err(ContentError::Length { actual }));
        assert_eq!(check(&nested(SCHEMA_DEPTH_MAX)), Ok(()));
        assert_eq!(check(&nested(SCHEMA_DEPTH_MAX + 1)), Err(ContentError::Depth));
        assert_eq!(check(&nested(30_000)), Err(ContentError::Depth));
    }

    /// Pieces of JSON text; some combinations of them are not allowed.
    const PIECES: [&str; 16] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\"a\"",
        "\"$ref\"",
        "\"#a\"",
        "\"\\ud834\"",
        "1",
        "1e99",
        "1e999",
        "true",
        "-",
    ];

    proptest! {
        #[test]
        fn what_is_taken_is_read_by_any_reader(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..8)
        ) {
            let text = format!(r#"{{{DRAFT},"b":{}}}"#, pieces.concat());
            if check_content(&text).is_ok() {
                let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                prop_assert!(read.is_object());
            }
        }
    }

    #[test]
    fn numbers_and_texts_are_such_as_every_reader_holds() {
        let number = |text: &str| check(&format!(r#","maximum":[{text}]"#));
        let longest = "1".repeat(NUMBER_BYTES_MAX);
        for held in ["0", "-1.5e-99", "1E+99", &longest, "true", "null"] {
            assert_eq!(number(held), Ok(()), "{held}");
        }
        for other in ["1e100", "1e-100", "1e+001", &format!("{longest}1")] {
            let text = other.to_owned();
            assert_eq!(number(other), Err(ContentError::Number { text }), "{other}");
        }
        assert_eq!(number(r#""\ud834\udd1e""#), Ok(()));
        assert!(matches!(number(r#""\ud834""#), Err(ContentError::Json { .. })));
    }

    #[test]
    fn texts_show_what_they_hold() {
        let hidden = |character| Err(ContentError::Character { character });
        let title = |text: &str| check(&format!(r#","title":["{text}"]"#));
        assert_eq!(title("درجة \\u05d0 \\t\\r\\n \\\\u202e"), Ok(()));
        assert_eq!(title("a\u{202e}b"), hidden('\u{202e}'));
        assert_eq!(title(r"a\u202eb"), hidden('\u{202e}'));
        assert_eq!(title(r"\u0000"), hidden('\0'));
        assert_eq!(title(r"\b"), hidden('\u{8}'));
        assert_eq!(title("\u{85}"), hidden('\u{85}'));
        assert_eq!(check(r#","a\u2066":1"#), hidden('\u{2066}'));
        assert_eq!(check(r#","a":{"\u200f":1}"#), hidden('\u{200f}'));
    }

    #[test]
    fn no_object_names_a_member_twice() {
        let twice = |name: &str| Err(ContentError::Twice { name: name.to_owned() });
        assert_eq!(check(r#","a":1,"a":1"#), twice("a"));
        assert_eq!(check(r#","x":[{"a":1,"\u0061":1}]"#), twice("a"));
        assert_eq!(check(r#","a":{"a":{"a":1}}"#), Ok(()));
        assert!(matches!(check(r#","\ud800":1"#), Err(ContentError::Json { .. })));
    }

    #[test]
    fn references_stay_inside_the_schema() {
        for inside in [r##","$ref":"#""##, r##","$dynamicRef":"\u0023node""##, r#","$ref":{}"#] {
            assert_eq!(check(inside), Ok(()), "{inside}");
        }
        for outside in [
            r#","$ref":"https://a.example/schema""#,
            r#","$ref":"""#,
            r#","$defs":{"a":[{"$dynamicRef":"other.json#a"}]}"#,
            r##","\u0024ref":"a#""##,
        ] {
            assert!(matches!(check(outside), Err(ContentError::Reference { .. })), "{outside}");
        }
    }
}
