//! A CBOR writer that can also write what the registry must refuse. It shares no code with the
//! codec under test, so that the two can be compared.

/// A CBOR item. Maps keep the order in which their entries are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cbor {
    Uint(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Cbor>),
    Map(Vec<(Cbor, Cbor)>),
    /// Bytes that are written as they are: floats, null, and every form that is not canonical.
    Raw(Vec<u8>),
}

impl Cbor {
    /// Reads canonical CBOR without floats, tags, negative numbers and simple values.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let (item, rest) = item(bytes);
        assert!(rest.is_empty(), "{} bytes after the item", rest.len());
        item
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        match self {
            Self::Uint(value) => head(0, *value),
            Self::Bytes(bytes) => [head(2, bytes.len() as u64), bytes.clone()].concat(),
            Self::Text(text) => [head(3, text.len() as u64), text.clone().into_bytes()].concat(),
            Self::Array(items) => {
                let mut bytes = head(4, items.len() as u64);
                items.iter().for_each(|item| bytes.extend(item.write()));
                bytes
            }
            Self::Map(entries) => {
                let mut bytes = head(5, entries.len() as u64);
                for (key, value) in entries {
                    bytes.extend(key.write());
                    bytes.extend(value.write());
                }
                bytes
            }
            Self::Raw(bytes) => bytes.clone(),
        }
    }

    /// Returns the item at `path`, which consists of names of map entries and decimal indices of
    /// arrays.
    pub(crate) fn at(&mut self, path: &[&str]) -> &mut Self {
        let Some((first, rest)) = path.split_first() else { return self };
        let next = match self {
            Self::Map(entries) => {
                let found = entries.iter_mut().find(|(key, _)| *key == Self::text(first));
                found.map(|(_, value)| value)
            }
            Self::Array(items) => items.get_mut(first.parse::<usize>().expect("an index")),
            _ => None,
        };
        next.unwrap_or_else(|| panic!("nothing at {first}")).at(rest)
    }

    pub(crate) fn entries(&mut self) -> &mut Vec<(Self, Self)> {
        match self {
            Self::Map(entries) => entries,
            other => panic!("{other:?} is no map"),
        }
    }

    /// Sets a map entry at its canonical place: shorter keys come first, then bytewise order.
    pub(crate) fn set(&mut self, name: &str, value: Self) {
        let entries = self.entries();
        entries.retain(|(key, _)| *key != Self::text(name));
        entries.push((Self::text(name), value));
        entries.sort_by_key(|(key, _)| key.write());
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.entries().retain(|(key, _)| *key != Self::text(name));
    }
}

/// Returns the head of an item in its shortest form.
pub(crate) fn head(major: u8, value: u64) -> Vec<u8> {
    let first = |low: u8| (major << 5) | low;
    let be = value.to_be_bytes();
    match value {
        0..=23 => vec![first(be[7])],
        24..=0xff => vec![first(24), be[7]],
        0x100..=0xffff => [&[first(25)], &be[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[first(26)], &be[4..]].concat(),
        _ => [&[first(27)][..], &be].concat(),
    }
}

fn item(bytes: &[u8]) -> (Cbor, &[u8]) {
    let (value, mut rest) = argument(bytes);
    let count = usize::try_from(value).expect("a length");
    let entry = |rest: &mut &[u8]| {
        let bytes = *rest;
        let (item, after) = item(bytes);
        *rest = &bytes[bytes.len() - after.len()..];
        item
    };
    let item = match bytes[0] >> 5 {
        0 => Cbor::Uint(value),
        2 | 3 => {
            let (content, after) = rest.split_at(count);
            rest = after;
            match bytes[0] >> 5 {
                2 => Cbor::Bytes(content.to_vec()),
                _ => Cbor::Text(String::from_utf8(content.to_vec()).expect("UTF-8")),
            }
        }
        4 => Cbor::Array((0..count).map(|_| entry(&mut rest)).collect()),
        5 => Cbor::Map((0..count).map(|_| (entry(&mut rest), entry(&mut rest))).collect()),
        major => panic!("major type {major} is not read here"),
    };
    (item, rest)
}

fn argument(bytes: &[u8]) -> (u64, &[u8]) {
    let size = match bytes[0] & 31 {
        low @ 0..=23 => return (u64::from(low), &bytes[1..]),
        low @ 24..=27 => 1usize << (low - 24),
        low => panic!("head {low} is not canonical"),
    };
    let value = bytes[1..=size].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (value, &bytes[1 + size..])
}
