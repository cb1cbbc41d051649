//! Marked keys: the options that list them, and the command that prints them.

use std::path::{Path, PathBuf};

use clap::Args;
use registry_core::did::document::{Jwk, KeyIdentity, KeyMaterial, Multikey};
use registry_core::did::{DidState, DidValue, Document, Mark, Marks};
use registry_core::id::{Did, Fragment};
use registry_core::time::TimeMs;
use serde::Deserialize;
use serde_json::json;

use super::Failure;
use crate::client::{Client, given};
use crate::context::Context;
use crate::file::read_text;
use crate::limits::DOCUMENT_FILE_BYTES_MAX;
use crate::time::time_ms;

/// Marked keys are keys whose signatures do not count from a time on, whatever the document says.
#[derive(Debug, Default, Args)]
pub(super) struct MarksArgs {
    /// Mark a key as revoked as of a time, beside the keys that are marked; KEY is a multikey, a
    /// file with a JWK, or #fragment of the present document; TIME is RFC 3339 in whole seconds;
    /// may be repeated
    #[arg(long, value_name = "KEY=TIME", value_parser = mark, help_heading = "Marked keys")]
    mark: Vec<(String, u64)>,
    /// The list that replaces the marked keys, as `idem did marks` prints it
    #[arg(long, value_name = "FILE", help_heading = "Marked keys")]
    marks: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MarksCommand {
    /// The DID
    #[arg(value_name = "DID")]
    did: Did,
    /// Print the list for the owner to sign after a theft of the control set at this time, RFC 3339
    /// in whole seconds: the keys that were marked before, and each key that documents of this time
    /// and later have added, marked as of this time
    #[arg(long, value_name = "TIME", value_parser = time_ms)]
    stolen_since: Option<u64>,
}

fn mark(text: &str) -> Result<(String, u64), String> {
    let (key, time) = text.rsplit_once('=').ok_or_else(|| format!("{text:?} must be KEY=TIME"))?;
    Ok((key.to_owned(), time_ms(time)?))
}

impl MarksArgs {
    /// True if an option is given.
    pub(super) fn is_given(&self) -> bool {
        self.marks.is_some() || !self.mark.is_empty()
    }

    /// Returns the list that the operation sets; `None` if it keeps the present one.
    pub(super) fn list(&self, present: &DidState) -> Result<Option<Marks>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        let mut list = match &self.marks {
            Some(path) => read(path)?,
            None => present.marks.clone(),
        };
        for (text, time) in &self.mark {
            let key = key(text, &present.document)?;
            Mark::of(&key, TimeMs(*time)).into_iter().for_each(|mark| list.add(mark));
        }
        list.check("marks").map_err(|refusal| Failure::known(&refusal))?;
        Ok(Some(list))
    }
}

fn read(path: &Path) -> Result<Marks, Failure> {
    let text = read_text(path, DOCUMENT_FILE_BYTES_MAX)?;
    let marks: Marks = serde_json::from_str(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::usage_with(message, "give a list as `idem did marks` prints it; [] for none")
    })?;
    Ok(marks.ordered())
}

/// Finds the key that a text names.
fn key(text: &str, document: &Document) -> Result<KeyMaterial, Failure> {
    let key = if let Some(fragment) = text.strip_prefix('#') {
        let fragment: Option<Fragment> = fragment.parse().ok();
        let method = fragment.and_then(|fragment| document.method(&fragment));
        method.map(|method| method.material.clone())
    } else if let Some(key) = Multikey::from_text(text) {
        Some(KeyMaterial::Multikey(key))
    } else {
        let jwk = read_text(Path::new(text), DOCUMENT_FILE_BYTES_MAX)?;
        serde_json::from_str::<Jwk>(&jwk).ok().map(KeyMaterial::JsonWebKey)
    };
    key.filter(|key| !key.identities().is_empty()).ok_or_else(|| {
        let remedy = "give a multikey, a file with a public JWK, or #fragment of the document";
        Failure::usage_with(format!("--mark {text}: no key is found"), remedy)
    })
}

/// Prints marked keys as `--marks` reads them.
pub(super) async fn run(args: MarksCommand, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let marks = match args.stolen_since {
        Some(since) => after_theft(&client, &args.did, TimeMs(since)).await?,
        None => {
            let entry = client.record(&args.did).await?;
            let value = entry.value().map_err(|error| Failure::usage(error.to_string()))?;
            match value {
                DidValue::Active(state) => state.marks,
                DidValue::Deactivated => Marks::default(),
            }
        }
    };
    context.print_value(&json!(marks))
}

/// A page of `did_history`.
#[derive(Deserialize)]
struct Page {
    versions: Vec<Version>,
    next: Option<u64>,
}

/// A version of a DID's record, as `did_history` gives it.
#[derive(Deserialize)]
struct Version {
    time: TimeMs,
    value: DidValue,
}

/// Returns the marks of the version before the theft, with each key marked that was not in the
/// document of that version and is in a later one.
async fn after_theft(client: &Client, did: &Did, since: TimeMs) -> Result<Marks, Failure> {
    let (mut later, mut cursor) = (Vec::new(), None);
    loop {
        let params = given(json!({ "did": did, "limit": 100, "cursor": cursor }));
        let page: Page = client.call("did_history", params).await?;
        for Version { time, value } in page.versions {
            let DidValue::Active(state) = value else { continue };
            if time < since {
                return Ok(disowned(*state, &later, since));
            }
            later.push(state.document);
        }
        cursor = page.next;
        if cursor.is_none() {
            let message = format!("{did} was registered at {since} or later");
            return Err(Failure::usage_with(message, "name a time after its first version"));
        }
    }
}

fn disowned(before: DidState, later: &[Document], since: TimeMs) -> Marks {
    let keys = |document: &Document| -> Vec<KeyIdentity> {
        let methods = document.verification_method.iter();
        methods.flat_map(|method| method.material.identities()).collect()
    };
    let owned = keys(&before.document);
    let added = later.iter().flat_map(keys).filter(|key| !owned.contains(key));
    before.marks.with(added.map(|key| Mark { key, revoked: since }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";

    #[test]
    fn a_key_is_named_by_multikey_fragment_or_file() {
        let document = json!({ "verificationMethod": [{ "id": "a", "publicKeyMultibase": KEY }] });
        let document: Document = serde_json::from_value(document).expect("a document");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key=1.json");
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519",
            "x": "lJZrfAjkBXdfjebMHEUI9usidAPhAlssitLXR3OYxbI" });
        std::fs::write(&file, jwk.to_string()).expect("written");
        let file = file.display().to_string();
        let of = |text: &str| key(text, &document).map(|key| key.identities());
        let expected = Multikey::from_text(KEY).map(KeyMaterial::Multikey);
        let expected = expected.expect("a key").identities();
        for text in [KEY, "#a", &file] {
            assert_eq!(of(text).expect(text), expected);
        }
        for wrong in ["#b", "z", "u_AEA", "no-such-file"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert_eq!(mark(&format!("{file}=2026-04-15T00:00:00Z")).expect("a mark").0, file);
        assert!(mark(KEY).is_err() && mark(&format!("{KEY}=today")).is_err());
    }

    /// Time of a version, and the keys of its document with the times of their revocation.
    type Shown<'s> = (&'s str, &'s [(&'s str, Option<&'s str>)]);

    fn page(versions: &[Shown<'_>]) -> Page {
        let version = |(time, methods): &Shown<'_>| {
            let methods: Vec<_> = methods
                .iter()
                .enumerate()
                .map(|(place, (key, revoked))| {
                    let mut method =
                        json!({ "id": format!("m{place}"), "publicKeyMultibase": key });
                    if let Some(revoked) = revoked {
                        method["revoked"] = json!(revoked);
                    }
                    method
                })
                .collect();
            let document: Document =
                serde_json::from_value(json!({ "verificationMethod": methods })).expect("one");
            let next = json!({ "threshold": 1, "commitments": [] });
            let sets = json!({ "control": { "threshold": 1, "members": [] }, "next": next });
            let marks = Marks::of(&document);
            let active = json!({ "sets": sets, "document": document, "marks": marks });
            json!({ "time": time, "version": 1, "value": { "active": active } })
        };
        let versions: Vec<_> = versions.iter().map(version).collect();
        serde_json::from_value(json!({ "versions": versions })).expect("a page")
    }

    #[test]
    fn after_a_theft_the_list_is_that_of_before_with_the_keys_that_came_since() {
        const THIEF: &str = "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
        const OLD: &str = "z6LSfut7z9fcG6GwysRmCaYnjbgZxuBoyviWSVAzWinTVzUq";
        let (old, since) = ("2026-01-01T00:00:00Z", "2026-04-15T00:00:00Z");
        let page = page(&[
            ("2026-04-15T00:00:02.000Z", &[(KEY, Some("1970-01-01T00:00:00Z"))]),
            ("2026-04-15T00:00:00.000Z", &[(KEY, None), (THIEF, None)]),
            ("2026-04-14T23:59:59.999Z", &[(KEY, None), (OLD, Some(old))]),
        ]);
        let (mut before, mut later) = (None, Vec::new());
        let since_ms = TimeMs::from_text(since).expect("a time");
        for Version { time, value } in page.versions {
            let DidValue::Active(state) = value else { panic!("active") };
            match time < since_ms {
                true => before = Some(*state),
                false => later.push(state.document),
            }
        }
        let list = disowned(before.expect("a version"), &later, since_ms);
        let shown = serde_json::to_value(&list).expect("JSON");
        let mut shown = shown.as_array().expect("marks").clone();
        shown.sort_by_key(|mark| mark["revoked"].to_string());
        let of = |key: &str, time: &str| json!({ "key": key, "revoked": time });
        let thief = KeyIdentity::of_multikey(&Multikey::from_text(THIEF).expect("a key"));
        let thief = thief.expect("a point").to_string();
        assert_eq!(shown, [of(OLD, old), of(&thief, since)]);
    }
}
