//! Keys of a document in JWK form (RFC 7517, 7518, 8037; AKP: RFC 9864 registrations). A key has
//! public members only, and exactly those that its type needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::multikey::x25519_is_usable;
use super::path::{Findings, Path};
use super::rule::Rule;
use crate::codec;
use crate::crypto::{PublicKey, Suite};

/// Members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2, 6.4; `priv` of AKP).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];

/// Name of a member that holds bytes, with the smallest and largest number of bytes.
type Member = (&'static str, usize, usize);

/// A key type: its `kty`, the member (`crv` or `alg`) and value that select it, and the members
/// that hold the key.
struct Kind {
    kty: &'static str,
    selector: Option<(&'static str, &'static str)>,
    members: &'static [Member],
}

/// Key types of docs/protocol/did-document.md.
const KINDS: [Kind; 13] = [
    kind("EC", "crv", "P-256", &[("x", 32, 32), ("y", 32, 32)]),
    kind("EC", "crv", "P-384", &[("x", 48, 48), ("y", 48, 48)]),
    kind("EC", "crv", "P-521", &[("x", 66, 66), ("y", 66, 66)]),
    kind("EC", "crv", "secp256k1", &[("x", 32, 32), ("y", 32, 32)]),
    kind("OKP", "crv", "Ed25519", &[("x", 32, 32)]),
    kind("OKP", "crv", "Ed448", &[("x", 57, 57)]),
    kind("OKP", "crv", "X25519", &[("x", 32, 32)]),
    kind("OKP", "crv", "X448", &[("x", 56, 56)]),
    kind("AKP", "alg", "ML-DSA-44", &[("pub", 1312, 1312)]),
    kind("AKP", "alg", "ML-DSA-65", &[("pub", 1952, 1952)]),
    kind("AKP", "alg", "ML-DSA-87", &[("pub", 2592, 2592)]),
    kind("AKP", "alg", "SLH-DSA-SHA2-128s", &[("pub", 32, 32)]),
    // Moduli have 2,048 to 4,096 bits: shorter ones are broken, longer ones slow down every
    // verifier.
    Kind { kty: "RSA", selector: None, members: &[("n", 256, 512), ("e", 1, 8)] },
];

const fn kind(
    kty: &'static str,
    selector: &'static str,
    value: &'static str,
    members: &'static [Member],
) -> Kind {
    Kind { kty, selector: Some((selector, value)), members }
}

/// A public JSON Web Key: its text members by name, as in JSON. Decoding accepts any members, so
/// that a private one can be refused by its name. [`super::Document::check`] checks them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jwk(pub BTreeMap<String, String>);

impl Jwk {
    /// Returns the key that checks signatures; `None` if its type is none of the three signing
    /// suites or its point is unusable.
    pub fn signing_key(&self) -> Option<PublicKey> {
        let raw = |member: &str| codec::from_base64url(self.0.get(member)?);
        let (suite, bytes) = match (self.text("kty"), self.text("crv")) {
            ("OKP", "Ed25519") => (Suite::Ed25519, raw("x")?),
            ("EC", "P-256") => {
                let point = [&[4], raw("x")?.as_slice(), raw("y")?.as_slice()].concat();
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
                (Suite::P256, key.to_sec1_point(true).as_bytes().to_vec())
            }
            ("EC", "secp256k1") => {
                let point = [&[4], raw("x")?.as_slice(), raw("y")?.as_slice()].concat();
                let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
                (Suite::Secp256k1, key.to_sec1_point(true).as_bytes().to_vec())
            }
            _ => return None,
        };
        PublicKey::new(suite, &bytes).ok().filter(|key| key.check().is_ok())
    }

    fn text(&self, member: &str) -> &str {
        self.0.get(member).map_or("", String::as_str)
    }

    pub(super) fn check(&self, path: &Path<'_>, findings: &mut Findings) {
        let private = |name: &&String| PRIVATE_MEMBERS.contains(&name.as_str());
        if let Some(member) = self.0.keys().find(private) {
            findings.add(&path.name(member), Rule::JwkPrivate { member: member.clone() });
            return;
        }
        match self.kind() {
            Ok(kind) => self.check_members(kind, path, findings),
            Err((member, rule)) => findings.add(&path.name(member), rule),
        }
    }

    /// Finds the key type that `kty` and the selector name, or the rule that they break.
    fn kind(&self) -> Result<&'static Kind, (&'static str, Rule)> {
        let value = |member: &'static str| {
            self.0.get(member).ok_or((member, Rule::JwkMemberMissing { member }))
        };
        let unknown = |member: &'static str, value: &String| {
            (member, Rule::JwkKind { member, value: value.clone() })
        };
        let kty = value("kty")?;
        let mut kinds = KINDS.iter().filter(|kind| kind.kty == kty).peekable();
        match kinds.peek() {
            None => Err(unknown("kty", kty)),
            Some(Kind { selector: None, .. }) => kinds.next().ok_or_else(|| unknown("kty", kty)),
            Some(Kind { selector: Some((member, _)), .. }) => {
                let selected = value(member)?;
                kinds
                    .find(|kind| kind.selector == Some((*member, selected.as_str())))
                    .ok_or_else(|| unknown(member, selected))
            }
        }
    }

    fn check_members(&self, kind: &Kind, path: &Path<'_>, findings: &mut Findings) {
        let is_selector = |name: &str| kind.selector.is_some_and(|(selector, _)| selector == name);
        for name in self.0.keys().map(String::as_str) {
            let known = kind.members.iter().any(|(member, ..)| *member == name);
            if !(known || name == "kty" || is_selector(name)) {
                let rule = Rule::JwkMemberUnknown { member: name.to_owned() };
                findings.add(&path.name(name), rule);
            }
        }
        let mut whole = true;
        for (member, min, max) in kind.members {
            let rule = match self.0.get(*member) {
                None => Some(Rule::JwkMemberMissing { member }),
                Some(text) => bytes_refusal(text, *min, *max),
            };
            whole &= rule.is_none();
            findings.extend(&path.name(member), rule);
        }
        if whole && !self.is_usable(kind) {
            let key = kind.selector.map_or(kind.kty, |(_, value)| value);
            findings.add(path, Rule::KeyInvalid { key });
        }
    }

    /// True if the members, whose lengths are right, can be a key. Points of the suites that this
    /// node verifies are decoded, as for Multikeys.
    fn is_usable(&self, kind: &Kind) -> bool {
        let raw = |member: &str| codec::from_base64url(self.text(member)).unwrap_or_default();
        match (kind.kty, kind.selector.map_or("", |(_, value)| value)) {
            ("OKP", "Ed25519") | ("EC", "P-256" | "secp256k1") => self.signing_key().is_some(),
            ("OKP", "X25519") => x25519_is_usable(&raw("x")),
            ("RSA", _) => {
                let (n, e) = (raw("n"), raw("e"));
                let no_leading_zero = |number: &[u8]| number.first() != Some(&0);
                let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
                let top_bit = n.first().is_some_and(|byte| byte & 0x80 != 0);
                top_bit && odd(&n) && no_leading_zero(&e) && odd(&e) && e != [1]
            }
            _ => true,
        }
    }
}

fn bytes_refusal(text: &str, min: usize, max: usize) -> Option<Rule> {
    let Some(bytes) = codec::from_base64url(text) else { return Some(Rule::JwkEncoding) };
    let actual = bytes.len();
    (!(min..=max).contains(&actual)).then_some(Rule::KeyLength { actual, min, max })
}
