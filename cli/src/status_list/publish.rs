//! `idem status-list publish`: sign an issuer's own token and upload it to a node.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use registry_core::codec::Bytes;
use registry_core::id::{Did, Fragment, ListId, MethodUrl};
use rpc::limits::STATUS_TOKEN_BYTES_MAX;
use rpc::view::token::Token;
use rpc::view::{Form, ViewError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read::Known;
use crate::client::{Client, given, object};
use crate::context::Context;
use crate::did::{SignerArgs, Subject, Writer};
use crate::exit::Failure;
use crate::file::read_input;

#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The list
    list: ListId,
    #[command(flatten)]
    signing: Option<SigningArgs>,
    /// A token that is signed already, in place of --keys; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "method"])]
    token: Option<PathBuf>,
    /// The version of the list that the token shows [default: the newest]
    #[arg(long, value_name = "N", requires = "token", conflicts_with_all = ["keys", "method"])]
    version_id: Option<u64>,
}

/// Options for signing a token. Clap includes flattened arguments in a group only if it names them,
/// so the group names `method`.
#[derive(Debug, Args)]
#[group(arg = "method")]
struct SigningArgs {
    #[command(flatten)]
    signer: SignerArgs,
    /// Issuer's method that signs, under assertionMethod: key-1 or its whole DID URL
    #[arg(long, value_name = "ID")]
    method: MethodName,
    /// Form of the token: statuslist+jwt, statuslist+cwt, vc+jwt, or vc (Ed25519 only)
    #[arg(long, value_name = "FORM", default_value = "statuslist+jwt", value_parser = form)]
    form: Form,
    /// Seconds after which the token expires, at most a day [default: an hour]
    #[arg(long, value_name = "S")]
    expires_in: Option<u64>,
    /// Milliseconds for which verifiers may use a copy [default: a minute]
    #[arg(long, value_name = "MS")]
    ttl_ms: Option<u64>,
}

/// A verification method, named by its fragment or by its DID URL.
#[derive(Debug, Clone)]
struct MethodName {
    did: Option<Did>,
    fragment: Fragment,
}

impl FromStr for MethodName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("did:") {
            let url: MethodUrl = text.parse().map_err(|error| format!("{error}"))?;
            return Ok(Self { did: Some(url.did), fragment: url.fragment });
        }
        let fragment = text.strip_prefix('#').unwrap_or(text);
        let fragment = fragment.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { did: None, fragment })
    }
}

/// The members of the answer of `status_prepareToken` that are needed here.
#[derive(Debug, Deserialize)]
struct Prepared {
    version: u64,
    unsigned: Bytes,
}

/// A token that a node serves, with the members that scripts rely on.
#[derive(Debug, Serialize, Deserialize)]
struct Uploaded {
    list: ListId,
    version: u64,
    form: Form,
    issued: String,
    expires: String,
}

pub(super) async fn run(args: PublishArgs, context: &Context) -> Result<(), Failure> {
    let PublishArgs { list, signing, token, version_id } = args;
    let client = context.client()?;
    let (version, token) = match (signing, token) {
        (Some(signing), None) => sign(&list, signing, context).await?,
        (_, Some(file)) => {
            let limit = u64::try_from(STATUS_TOKEN_BYTES_MAX).unwrap_or(u64::MAX);
            let token = read_input(&file, limit)?;
            let version = match version_id {
                Some(version) => version,
                None => Known::load(&client, &list).await?.version,
            };
            (version, token)
        }
        (None, None) => {
            let remedy = "give --keys FILE and --method ID, or --token FILE";
            return Err(Failure::usage_with("there is nothing to publish", remedy));
        }
    };
    let uploaded = upload(&client, &list, version, token).await?;
    let Uploaded { version, form, expires, .. } = &uploaded;
    let human =
        format!("list       {list}\nversion    {version}\nform       {}\nexpires    {expires}", {
            form.name()
        });
    context.print(&uploaded, human)
}

async fn upload(
    client: &Client,
    list: &ListId,
    version: u64,
    token: Vec<u8>,
) -> Result<Uploaded, Failure> {
    let params = json!({ "list": list, "version": version, "token": Bytes(token) });
    client.call("status_uploadToken", object(params)).await
}

/// Makes a token of the newest version of the list and returns both.
///
/// The message that is signed is derived here from the prepared token, and must be a status list in
/// the form and by the method that were asked for. A node therefore cannot obtain a signature over
/// anything else.
async fn sign(
    list: &ListId,
    signing: SigningArgs,
    context: &Context,
) -> Result<(u64, Vec<u8>), Failure> {
    const METHOD: &str = "status_prepareToken";
    let SigningArgs { signer, method, form, expires_in, ttl_ms } = signing;
    check_options(&signer)?;
    let mut writer = Writer::open(context, &signer).await?;
    let did = match method.did {
        Some(did) => did,
        None => Known::load(writer.client(), list).await?.issuer,
    };
    let Subject { state, .. } = Subject::load(&mut writer, Some(did.clone())).await?;
    let url = MethodUrl { did, fragment: method.fragment };
    let key = state.document.method(&url.fragment).and_then(|method| method.signing_key());
    let key = key.ok_or_else(|| Failure::usage(format!("{url} is no method that signs")))?;
    let remedy = "give the file that holds it with --keys";
    let secret = writer.secret(&key).ok_or_else(|| {
        Failure::usage_with(format!("the secret of {url} is in none of the key files"), remedy)
    })?;
    let params = given(json!({
        "list": list, "form": form, "method": url, "ttlMs": ttl_ms, "expiresIn": expires_in,
    }));
    let Prepared { version, unsigned } = writer.client().call(METHOD, params).await?;
    let wrong = |error: ViewError| writer.client().unreadable(METHOD, error);
    let draft = form.assemble(&unsigned.0, &[0; 64]).map_err(wrong)?;
    let draft = Token::parse(&draft).map_err(wrong)?;
    if draft.form() != form || draft.method() != Some(url.to_string().as_str()) {
        return Err(writer.client().unreadable(METHOD, "a token that was not asked for"));
    }
    let signature = secret.sign_token(draft.message());
    let token = form.assemble(&unsigned.0, &signature).map_err(wrong)?;
    Token::parse(&token).and_then(|token| token.verify(&key)).map_err(wrong)?;
    Ok((version, token))
}

/// Fails if an option is given that only operations take, since a token is not an operation.
fn check_options(signer: &SignerArgs) -> Result<(), Failure> {
    let given = [
        ("--until", signer.has_until()),
        ("--endorser", signer.endorser().is_some()),
        ("--by-control", signer.has_by_control()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => {
            let message = format!("{option} is for operations only, and a token is not one");
            let remedy = "leave it out; --expires-in sets how long the token is valid";
            Err(Failure::usage_with(message, remedy))
        }
        None => Ok(()),
    }
}

fn form(name: &str) -> Result<Form, String> {
    let names = Form::ALL.map(Form::name).join(", ");
    Form::from_name(name).ok_or_else(|| format!("{name:?} must be one of {names}"))
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    fn parsed(arguments: &[&str]) -> Option<PublishArgs> {
        let list = "a".repeat(32);
        let command = PublishArgs::augment_args(clap::Command::new("publish"));
        let all = ["publish", &list].into_iter().chain(arguments.iter().copied());
        let matches = command.try_get_matches_from(all).ok()?;
        Some(PublishArgs::from_arg_matches(&matches).expect("it matches"))
    }

    #[test]
    fn options_that_only_operations_have_are_refused() {
        let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
        let checked = |more: &[&str]| {
            let args = parsed(&[&["--keys", "k", "--method", "key-1"], more].concat());
            check_options(&args.expect("parsed").signing.expect("keys").signer)
        };
        assert!(checked(&[]).is_ok());
        for more in [&["--until", "2h"][..], &["--endorser", did], &["--by-control"]] {
            let refused = checked(more).expect_err("refused").to_string();
            assert!(refused.starts_with(&format!("{} is for operations", more[0])), "{refused}");
        }
    }

    #[test]
    fn keys_or_a_token_are_given_and_not_both() {
        let parse = |arguments: &[&str]| {
            let args = parsed(arguments)?;
            Some((args.signing.is_some(), args.token.is_some()))
        };
        assert_eq!(parse(&["--keys", "k", "--method", "key-1"]), Some((true, false)));
        assert_eq!(parse(&["--token", "t"]), Some((false, true)));
        assert_eq!(parse(&["--token", "t", "--version-id", "3"]), Some((false, true)));
        for wrong in [
            &[][..],
            &["--keys", "k"],
            &["--method", "key-1"],
            &["--version-id", "3"],
            &["--token", "t", "--keys", "k"],
            &["--token", "t", "--method", "key-1"],
            &["--keys", "k", "--method", "key-1", "--version-id", "3"],
            &["--keys", "k", "--method", "key-1", "--form", "jwt"],
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_method_is_named_by_its_fragment_or_its_url() {
        let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
        for text in ["key-1", "#key-1", &format!("{did}#key-1")] {
            let method: MethodName = text.parse().expect("a name");
            assert_eq!(method.fragment.as_str(), "key-1");
            assert_eq!(method.did.is_some(), text.starts_with("did:"));
        }
        for wrong in ["", "#", did, "did:web:x#key-1", "key 1"] {
            assert!(wrong.parse::<MethodName>().is_err(), "{wrong:?}");
        }
    }
}
