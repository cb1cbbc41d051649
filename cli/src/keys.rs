//! `idem keys`: key files of people (`--keys FILE`), and the public side of a node's keys.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use keys::{
    DidKeys, KeysError, NodeKeys, NodeRole, Roles, SecretKey, UserKeyFile, UserKeys, write_atomic,
};
use registry_core::codec::base64url;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::did::NextSet;
use registry_core::id::Did;
use serde_json::{Value, json};

use super::context::Context;
use super::did::SuiteName;
use super::exit::Failure;
use super::passphrase::PassphraseArgs;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key for a document, or for a key set of another DID, and print its public part
    New(NewArgs),
    /// Make a key for the next set of another DID, and print its commitment, which hides the key
    Commitment(CommitmentArgs),
    /// List the DIDs made with a key file, oldest first, and keys that no DID uses
    List(FileArgs),
    /// Show the keys of one DID; without --keys, the public keys of the node in HOME
    Show(ShowArgs),
    /// Write the keys of one DID as a JSON Web Key Set (RFC 7517)
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Suite of the key
    #[arg(long, value_enum, default_value_t)]
    suite: SuiteName,
}

#[derive(Debug, Args)]
pub(super) struct CommitmentArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Print the commitment of this key of the file instead of making one
    #[arg(long, value_name = "KEY", value_parser = PublicKey::from_multikey,
        conflicts_with = "suite")]
    key: Option<PublicKey>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The key file
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The DID [default: the last one made with the key file]
    #[arg(long, value_name = "DID", requires = "keys")]
    did: Option<Did>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The DID [default: the last one made with the key file]
    #[arg(long, value_name = "DID")]
    did: Option<Did>,
    /// Include the secret keys, unencrypted; needs --out
    #[arg(long, requires = "out")]
    secret: bool,
    /// New file to write, with mode 0600 [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(command: KeysCommand, context: &Context) -> Result<(), Failure> {
    match command {
        KeysCommand::New(args) => new(&args, context),
        KeysCommand::Commitment(args) => commitment(&args, context),
        KeysCommand::List(args) => list(&args, context),
        KeysCommand::Show(args) => match &args.keys {
            Some(path) => show(path, &args, context),
            None => show_node(&args, context),
        },
        KeysCommand::Export(args) => export(&args, context),
    }
}

impl FileArgs {
    fn open(&self) -> Result<UserKeyFile, Failure> {
        Ok(UserKeyFile::new(&self.keys, self.passphrase.passphrase(&self.keys)?))
    }

    fn existing(&self) -> Result<UserKeyFile, Failure> {
        Ok(UserKeyFile::new(&self.keys, self.passphrase.existing(&self.keys)?))
    }
}

fn new(args: &NewArgs, context: &Context) -> Result<(), Failure> {
    let key = SecretKey::generate(args.suite.into())?;
    let public = args.file.open()?.update(|keys| Ok::<_, KeysError>(keys.add(key)))?;
    context.print(&json!({ "publicKeyMultibase": public }), &public)
}

/// Prints the commitment to a key of the file. Only the commitment is given away, so that the key
/// stays hidden until it signs for the next set.
fn commitment(args: &CommitmentArgs, context: &Context) -> Result<(), Failure> {
    let file = &args.new.file;
    let key = match &args.key {
        Some(key) if file.existing()?.read_existing()?.find(key).is_some() => key.clone(),
        Some(key) => {
            let message = format!("{} does not hold the secret of {key}", file.keys.display());
            return Err(Failure::usage_with(message, "leave --key out to make a new key"));
        }
        None => {
            let key = SecretKey::generate(args.new.suite.into())?;
            file.open()?.update(|keys| Ok::<_, KeysError>(keys.add(key)))?
        }
    };
    let commitment = NextSet::commitment(&key);
    context.print(&json!({ "commitment": commitment }), commitment)
}

fn list(args: &FileArgs, context: &Context) -> Result<(), Failure> {
    let keys = args.existing()?.read_existing()?;
    let unused = unused(&keys);
    let state = |entry: &DidKeys| match (&entry.parts.current, &entry.pending) {
        (_, Some(pending)) => format!("operation {} open", pending.operation),
        (Some(_), None) => "committed".to_owned(),
        (None, None) => "made elsewhere".to_owned(),
    };
    let dids: Vec<Value> = keys
        .dids
        .iter()
        .map(|entry| json!({ "did": entry.did, "chain": entry.chain, "state": state(entry) }))
        .collect();
    let lines = keys.dids.iter().map(|entry| format!("{}  {}", entry.did, state(entry)));
    let unused_lines = unused.iter().map(|key| format!("{key}  unused"));
    let human: Vec<String> = lines.chain(unused_lines).collect();
    context.print(&json!({ "dids": dids, "unused": unused }), human.join("\n"))
}

/// Returns the public keys in the file that no DID of the file uses: keys made by `keys new`, and
/// keys that were rotated out.
fn unused(keys: &UserKeys) -> Vec<&PublicKey> {
    let played =
        |key: &PublicKey| keys.dids.iter().flat_map(all_parts).any(|(_, public)| public == key);
    keys.pool.iter().map(SecretKey::public).filter(|key| !played(key)).collect()
}

/// Returns all keys of a DID with the name of their part, also those of a pending operation or
/// recovery.
fn all_parts(entry: &DidKeys) -> Vec<(String, &PublicKey)> {
    let pending = entry.pending.as_ref().map(|pending| &pending.parts);
    [
        ("", entry.parts.current.as_ref()),
        ("recovering ", entry.parts.recovering.as_ref()),
        ("pending ", pending.and_then(|parts| parts.current.as_ref())),
        ("pending recovering ", pending.and_then(|parts| parts.recovering.as_ref())),
    ]
    .into_iter()
    .filter_map(|(prefix, roles)| Some((prefix, roles?)))
    .flat_map(|(prefix, roles)| {
        parts_of(roles).into_iter().map(move |(part, key)| (format!("{prefix}{part}"), key))
    })
    .collect()
}

fn parts_of(roles: &Roles) -> Vec<(String, &PublicKey)> {
    let sets = [("control", &roles.control), ("next", &roles.next), ("recovery", &roles.recovery)];
    let sets = sets
        .into_iter()
        .flat_map(|(name, keys)| keys.iter().map(move |key| (name.to_owned(), key)));
    let document = roles.document.iter().map(|(fragment, key)| (format!("#{fragment}"), key));
    sets.chain(document).collect()
}

fn show(path: &Path, args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let mut file = UserKeyFile::new(path, args.passphrase.existing(path)?);
    let keys = file.read_existing()?;
    let entry = file.author(&keys, args.did.as_ref())?;
    let lines: Vec<String> = all_parts(entry)
        .into_iter()
        .map(|(part, key)| {
            let held = if keys.find(key).is_some() { "" } else { "  (held elsewhere)" };
            format!("{part:<20} {key}{held}")
        })
        .collect();
    let human = format!("{}\n{}", entry.did, lines.join("\n"));
    context.print(entry, human)
}

fn show_node(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let home = &context.home;
    let validator = home.validator_key_file();
    let (role, passphrase) = if validator.exists() {
        (NodeRole::Validator, args.passphrase.passphrase(&validator)?)
    } else {
        (NodeRole::Follower, None)
    };
    let keys = NodeKeys::load(home, role, passphrase)?;
    let peer_id = keys.peer_id();
    let validator = keys.validator.as_ref().map(|signer| signer.key().to_string());
    let publishing = keys.publishing.as_ref().map(|signer| signer.public().to_string());
    let shown = |key: &Option<String>| key.clone().unwrap_or_else(|| "none".to_owned());
    let human = format!(
        "peer id    {peer_id}\nvalidator  {}\npublishing {}",
        shown(&validator),
        shown(&publishing)
    );
    let json = json!({ "peerId": peer_id, "validator": validator, "publishing": publishing });
    context.print(&json, human)
}

fn export(args: &ExportArgs, context: &Context) -> Result<(), Failure> {
    let mut file = args.file.existing()?;
    let keys = file.read_existing()?;
    let entry = file.author(&keys, args.did.as_ref())?;
    let mut jwks = Vec::new();
    for (part, public) in all_parts(entry) {
        let Some(secret) = keys.find(public) else { continue };
        // A key of the document is known by its DID URL. The other keys have no public id.
        let id = match part.strip_prefix('#') {
            Some(fragment) => format!("{}#{fragment}", entry.did),
            None => public.to_string(),
        };
        let mut jwk = public_jwk(public, &id);
        jwk["idem:part"] = part.into();
        if args.secret {
            jwk["d"] = base64url(secret.raw().as_slice()).into();
        }
        jwks.push(jwk);
    }
    let set = json!({ "keys": jwks });
    let pretty = zeroize::Zeroizing::new(serde_json::to_string_pretty(&set).unwrap_or_default());
    let Some(out) = &args.out else { return context.print(&set, pretty.as_str()) };
    if out.exists() {
        let message = format!("{} exists and is not overwritten", out.display());
        return Err(Failure::usage_with(message, "name a new file"));
    }
    write_atomic(out, pretty.as_bytes(), 0o600)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", out.display())))?;
    let count = jwks.len();
    let human = format!("{count} keys of {} in {}", entry.did, out.display());
    context.print(&json!({ "did": entry.did, "keys": count, "out": out }), human)
}

/// Returns the public JWK of a key (RFC 8037 for Ed25519, RFC 7518 and RFC 8812 for the others).
fn public_jwk(key: &PublicKey, id: &str) -> Value {
    let (curve, algorithm) = match key.suite() {
        Suite::Ed25519 => {
            let x = base64url(key.raw());
            return json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": x });
        }
        Suite::P256 => ("P-256", "ES256"),
        Suite::Secp256k1 => ("secp256k1", "ES256K"),
    };
    let (x, y) = coordinates(key).unwrap_or_default();
    let (x, y) = (base64url(&x), base64url(&y));
    json!({ "kty": "EC", "crv": curve, "alg": algorithm, "kid": id, "x": x, "y": y })
}

/// Returns the affine coordinates of a compressed point; `None` for Ed25519.
fn coordinates(key: &PublicKey) -> Option<(Vec<u8>, Vec<u8>)> {
    let uncompressed: Vec<u8> = match key.suite() {
        Suite::Ed25519 => return None,
        Suite::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(key.raw())
            .ok()?
            .to_sec1_point(false)
            .as_bytes()
            .to_vec(),
        Suite::Secp256k1 => k256::ecdsa::VerifyingKey::from_sec1_bytes(key.raw())
            .ok()?
            .to_sec1_point(false)
            .as_bytes()
            .to_vec(),
    };
    let (x, y) = uncompressed.get(1..)?.split_at_checked(32)?;
    Some((x.to_vec(), y.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_jwks_have_the_curve_of_the_suite() {
        // With secret scalar 1 the public key is the generator of the curve (SEC 2, section 2.4).
        let mut one = [0; 32];
        one[31] = 1;
        for (suite, curve, x) in [
            (Suite::P256, "P-256", "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"),
            (Suite::Secp256k1, "secp256k1", "eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g"),
        ] {
            let key = SecretKey::from_raw(suite, &one).expect("a key");
            let jwk = public_jwk(key.public(), "id");
            assert_eq!((&jwk["crv"], &jwk["x"]), (&curve.into(), &x.into()));
            assert_eq!(jwk["y"].as_str().map(str::len), Some(43));
            assert!(jwk.get("d").is_none());
        }
        let key = SecretKey::from_raw(Suite::Ed25519, &[1; 32]).expect("a key");
        let jwk = public_jwk(key.public(), "id");
        assert_eq!(jwk["x"].as_str(), Some(base64url(key.public().raw()).as_str()));
        assert!(jwk.get("y").is_none());
    }
}
