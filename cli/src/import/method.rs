//! Converts verification methods of all ages to Multikey or JsonWebKey.

use data_encoding::HEXLOWER_PERMISSIVE;
use registry_core::codec;
use registry_core::did::document::{Jwk, KeyCodec, KeyMaterial, Multikey, VerificationMethod};
use registry_core::id::Fragment;
use registry_core::limits::KEY_BYTES_MAX;
use registry_core::time::TimeMs;
use serde_json::{Map, Value};

use super::{ImportRule, Importer, join};

const KEY_FORMS: [&str; 4] =
    ["publicKeyMultibase", "publicKeyJwk", "publicKeyBase58", "publicKeyHex"];
const OTHER_MEMBERS: [&str; 6] = ["id", "type", "controller", "validFrom", "expires", "revoked"];

/// Keys that a method type may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A Multikey of any key type.
    AnyMultikey,
    /// A JWK of any key type.
    AnyJwk,
    /// An RSA key as a JWK.
    Rsa,
    /// A key of one type, in any form.
    One(KeyCodec),
}

/// Returns the keys of a method type of the W3C specifications or of the older security
/// vocabularies; `None` if the type is unknown.
fn holds(method_type: &str) -> Option<Holds> {
    Some(match method_type {
        "Multikey" => Holds::AnyMultikey,
        "JsonWebKey" | "JsonWebKey2020" => Holds::AnyJwk,
        "RsaVerificationKey2018" => Holds::Rsa,
        "Ed25519VerificationKey2018" | "Ed25519VerificationKey2020" => {
            Holds::One(KeyCodec::Ed25519)
        }
        "X25519KeyAgreementKey2018" | "X25519KeyAgreementKey2019" | "X25519KeyAgreementKey2020" => {
            Holds::One(KeyCodec::X25519)
        }
        "EcdsaSecp256k1VerificationKey2019" | "Secp256k1VerificationKey2018" => {
            Holds::One(KeyCodec::Secp256k1)
        }
        "EcdsaSecp256r1VerificationKey2019" | "P256Key2021" => Holds::One(KeyCodec::P256),
        "P384Key2021" => Holds::One(KeyCodec::P384),
        "P521Key2021" => Holds::One(KeyCodec::P521),
        "Bls12381G1Key2020" => Holds::One(KeyCodec::Bls12381G1),
        "Bls12381G2Key2020" => Holds::One(KeyCodec::Bls12381G2),
        _ => return None,
    })
}

/// Returns the `kty` and `crv` of a JWK of this key type. Further pairs are names that drafts gave
/// to the curve.
fn jwk_curves(codec: KeyCodec) -> &'static [(&'static str, &'static str)] {
    match codec {
        KeyCodec::Ed25519 => &[("OKP", "Ed25519")],
        KeyCodec::X25519 => &[("OKP", "X25519")],
        KeyCodec::P256 => &[("EC", "P-256")],
        KeyCodec::P384 => &[("EC", "P-384")],
        KeyCodec::P521 => &[("EC", "P-521")],
        KeyCodec::Secp256k1 => &[("EC", "secp256k1")],
        KeyCodec::Bls12381G1 => &[("EC", "BLS12381_G1"), ("OKP", "Bls12381G1")],
        KeyCodec::Bls12381G2 => &[("EC", "BLS12381_G2"), ("OKP", "Bls12381G2")],
        _ => &[],
    }
}

impl Importer {
    /// Imports a method. Returns its fragment, also if the method itself is refused.
    pub(super) fn method(&mut self, path: &str, method: &Value) -> Option<Fragment> {
        let Some(members) = method.as_object() else {
            self.refuse(path, ImportRule::WrongType { expected: "an object or a reference" });
            return None;
        };
        for name in members.keys().map(String::as_str) {
            if !KEY_FORMS.contains(&name) && !OTHER_MEMBERS.contains(&name) {
                self.refuse_member(path, name);
            }
        }
        self.controller(&format!("{path}/controller"), members.get("controller"));
        let id = self.required_text(path, "id", members);
        let fragment = id.and_then(|id| self.fragment(&format!("{path}/id"), id));
        let [valid_from, expires, revoked] =
            ["validFrom", "expires", "revoked"].map(|name| self.time(path, name, members));
        let key = self.key(path, members);
        let id = fragment.clone().or_else(|| self.stand_in());
        match (key, id) {
            (Some((form, material)), Some(id)) => {
                let method = VerificationMethod { id, material, valid_from, expires, revoked };
                self.add_method(path, form, method);
            }
            _ => self.refused_methods.extend(fragment.clone()),
        }
        fragment
    }

    /// Adds a method unless the same one is there already, since some documents embed a method
    /// several times.
    fn add_method(&mut self, path: &str, form: &str, method: VerificationMethod) {
        if self.document.verification_method.contains(&method) {
            self.note(path, "left out; the same method is there already");
            return;
        }
        let stored = format!("/verificationMethod/{}", self.document.verification_method.len());
        let stored_form = match &method.material {
            KeyMaterial::Multikey(_) => "publicKeyMultibase",
            KeyMaterial::JsonWebKey(_) => "publicKeyJwk",
        };
        self.origins.record(format!("{stored}/{stored_form}"), &format!("{path}/{form}"));
        self.origins.record(stored, path);
        self.document.verification_method.push(method);
    }

    fn time(&mut self, path: &str, name: &str, members: &Map<String, Value>) -> Option<TimeMs> {
        let path = format!("{path}/{name}");
        let text = self.text(&path, members.get(name)?)?;
        let time = TimeMs::from_text(text);
        if time.is_none() {
            self.refuse(&path, ImportRule::Time);
        }
        time
    }

    /// Reads the key of a method. Returns it with the name of the member that holds it.
    fn key(
        &mut self,
        path: &str,
        members: &Map<String, Value>,
    ) -> Option<(&'static str, KeyMaterial)> {
        let method_type = self.required_text(path, "type", members)?;
        let mut forms = KEY_FORMS.iter().filter_map(|form| Some((*form, members.get(*form)?)));
        let first = forms.next();
        let others = forms.count();
        let Some(holds) = holds(method_type) else {
            let method_type = method_type.to_owned();
            self.refuse(&format!("{path}/type"), ImportRule::MethodType { method_type });
            return None;
        };
        let Some((form, value)) = first else {
            if !members.keys().any(|name| name.starts_with("publicKey")) {
                self.refuse(path, ImportRule::KeyMissing);
            }
            return None;
        };
        if others > 0 {
            self.refuse(path, ImportRule::KeyAmbiguous);
            return None;
        }
        let key_path = format!("{path}/{form}");
        let material = if form == "publicKeyJwk" {
            let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
            self.jwk(&key_path, value, id)?
        } else {
            let text = self.text(&key_path, value)?;
            match read_key(form, text, holds) {
                Ok(key) => KeyMaterial::Multikey(key),
                Err(rule) => {
                    self.refuse(&key_path, rule);
                    return None;
                }
            }
        };
        if let Err(expected) = matches(holds, &material) {
            let method_type = method_type.to_owned();
            self.refuse(&key_path, ImportRule::KeyMismatch { method_type, expected });
            return None;
        }
        Some((form, material))
    }

    /// Reads a JWK. A BLS12-381 point becomes a Multikey, since no specification of its JWK is
    /// final.
    fn jwk(&mut self, path: &str, value: &Value, id: &str) -> Option<KeyMaterial> {
        let Some(members) = value.as_object() else {
            self.refuse(path, ImportRule::WrongType { expected: "a JWK" });
            return None;
        };
        let mut jwk = Jwk::default();
        for (name, value) in members {
            let member_path = join(path, name);
            let Some(text) = self.text(&member_path, value) else { continue };
            // A `kid` that repeats the fragment adds nothing, because the fragment is kept.
            if name == "kid" && (text == id || id.split_once('#').is_some_and(|(_, f)| f == text)) {
                self.note(&member_path, "left out; it is the method's id");
                continue;
            }
            jwk.0.insert(name.clone(), text.to_owned());
        }
        if members.values().any(|value| !value.is_string()) {
            return None;
        }
        for codec in [KeyCodec::Bls12381G1, KeyCodec::Bls12381G2] {
            if let Some(point) = bls_point(&jwk, codec) {
                return Some(KeyMaterial::Multikey(Multikey::new(codec, &point)));
            }
        }
        Some(KeyMaterial::JsonWebKey(jwk))
    }

    pub(super) fn required_text<'v>(
        &mut self,
        path: &str,
        name: &'static str,
        members: &'v Map<String, Value>,
    ) -> Option<&'v str> {
        let Some(value) = members.get(name) else {
            self.refuse(path, ImportRule::MemberMissing { name });
            return None;
        };
        self.text(&format!("{path}/{name}"), value)
    }
}

/// Returns the compressed point of a JWK that has only `kty`, `crv` and `x`.
fn bls_point(jwk: &Jwk, codec: KeyCodec) -> Option<Vec<u8>> {
    let is_of_codec = jwk_curves(codec).iter().any(|curve| curve_of(jwk) == *curve);
    let point = codec::from_base64url(jwk.0.get("x")?)?;
    (is_of_codec && jwk.0.len() == 3).then_some(point)
}

fn curve_of(jwk: &Jwk) -> (&str, &str) {
    let text = |name: &str| jwk.0.get(name).map_or("", String::as_str);
    (text("kty"), text("crv"))
}

/// Reads a key that is a single string.
fn read_key(form: &str, text: &str, holds: Holds) -> Result<Multikey, ImportRule> {
    if form == "publicKeyMultibase" {
        let expected = "multibase, z and base58btc or u and base64url";
        let key = Multikey::from_text(text).ok_or(ImportRule::KeyEncoding { expected })?;
        return if matches!(holds, Holds::AnyMultikey | Holds::One(_)) {
            Ok(key)
        } else {
            Err(ImportRule::KeyForm)
        };
    }
    let Holds::One(codec) = holds else { return Err(ImportRule::KeyForm) };
    let raw = if form == "publicKeyBase58" {
        // The length is limited first, because decoding Base58 takes time quadratic in it.
        let short = text.len() <= KEY_BYTES_MAX * 2;
        short.then(|| bs58::decode(text).into_vec().ok()).flatten()
    } else {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
    };
    let expected = if form == "publicKeyBase58" { "base58btc" } else { "hex" };
    let raw = raw.ok_or(ImportRule::KeyEncoding { expected })?;
    Ok(Multikey::new(codec, &compressed(codec, raw)))
}

/// Compresses a point. Old methods hold points of P-256 and secp256k1 uncompressed, while a
/// Multikey is compressed.
fn compressed(codec: KeyCodec, raw: Vec<u8>) -> Vec<u8> {
    let is_ecdsa = matches!(codec, KeyCodec::P256 | KeyCodec::Secp256k1);
    let (Some((4, coordinates)), true) = (raw.split_first(), is_ecdsa && raw.len() == 65) else {
        return raw;
    };
    let (x, y) = coordinates.split_at(32);
    let (kty, crv) = jwk_curves(codec).first().copied().unwrap_or_default();
    let (x, y) = (codec::base64url(x), codec::base64url(y));
    let members = [("kty", kty), ("crv", crv), ("x", &x), ("y", &y)];
    let jwk = Jwk(members.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    jwk.signing_key().map_or(raw, |key| key.raw().to_vec())
}

/// Checks that the key is of a type that the method type may hold. The error is the name of the
/// expected type. A Multikey of unknown type passes here, because the registry's own rules refuse
/// it.
fn matches(holds: Holds, material: &KeyMaterial) -> Result<(), &'static str> {
    let (expected, fits) = match (holds, material) {
        (Holds::One(codec), KeyMaterial::Multikey(key)) => {
            (codec.name(), key.codec().is_none_or(|actual| actual == codec))
        }
        (Holds::One(codec), KeyMaterial::JsonWebKey(jwk)) => {
            (codec.name(), jwk_curves(codec).iter().any(|curve| curve_of(jwk) == *curve))
        }
        (Holds::Rsa, KeyMaterial::JsonWebKey(jwk)) => ("RSA", curve_of(jwk).0 == "RSA"),
        (Holds::Rsa, KeyMaterial::Multikey(_)) => ("RSA", false),
        (Holds::AnyMultikey, material) => {
            ("Multikey", matches!(material, KeyMaterial::Multikey(_)))
        }
        (Holds::AnyJwk, _) => ("JWK", true),
    };
    if fits { Ok(()) } else { Err(expected) }
}
