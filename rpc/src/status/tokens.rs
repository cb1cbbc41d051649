//! Tokens of its own that an issuer makes for its lists: preparation of what it signs, and the
//! check of what it uploads (docs/protocol/status.md, "Issuers' own tokens").

use std::sync::Arc;

use registry_core::codec::Bytes;
use registry_core::crypto::PublicKey;
use registry_core::did::document::VerificationMethod;
use registry_core::id::{ListId, MethodUrl};
use registry_core::status::StatusList;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::list::FoundList;
use super::make::{Source, ViewMaker};
use super::work::Workers;
use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::{
    STATUS_BUILDS_MAX, STATUS_TOKEN_DELAY_MS_MAX, STATUS_TOKEN_LIFE_MS_DEFAULT,
    STATUS_TOKEN_LIFE_MS_MAX, STATUS_TTL_MS,
};
use crate::reads::Selector;
use crate::service::{Head, KeptToken};
use crate::view::token::Token;
use crate::view::unsigned::{Method, Unsigned, algorithm};
use crate::view::{Form, List, Standard, ViewError, Window, accept};

/// Parameters of `status_prepareToken`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PrepareToken {
    list: ListId,
    form: Form,
    /// Verification method that the issuer's document lists under `assertionMethod`.
    method: MethodUrl,
    #[serde(default)]
    ttl_ms: Option<u64>,
    /// Life of the token in seconds.
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Answer of `status_prepareToken`: a token without its signature.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PreparedToken {
    list: ListId,
    version: u64,
    form: Form,
    method: MethodUrl,
    /// JOSE name of the signature algorithm, also for a CWT.
    algorithm: &'static str,
    /// Bytes that the issuer signs.
    message: Bytes,
    /// Token to which the signature is added.
    unsigned: Bytes,
    issued: String,
    expires: String,
}

/// Parameters of `status_uploadToken`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadToken {
    list: ListId,
    version: u64,
    token: Bytes,
}

/// Answer of `status_uploadToken`: a token that the node now keeps.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UploadedToken {
    list: ListId,
    version: u64,
    form: Form,
    issued: String,
    expires: String,
}

/// A list, and the verification methods by which its issuer may sign a token now.
struct Asserting {
    list: StatusList,
    methods: Vec<VerificationMethod>,
}

impl Asserting {
    /// Finds the method with this URL and its key. Fails with `TOKEN_ISSUER` if the method is not
    /// the issuer's, and with `TOKEN_METHOD` if it may not sign.
    fn method(&self, url: &str) -> Result<(&VerificationMethod, PublicKey), ViewError> {
        let issuer = &self.list.issuer;
        let named = url.parse().ok().filter(|named: &MethodUrl| named.did == *issuer);
        let MethodUrl { fragment, .. } = named.ok_or_else(|| {
            let (expected, actual) = (issuer.to_string(), url.to_owned());
            ViewError::Issuer { expected, actual }
        })?;
        let refused = |reason| ViewError::Method { method: url.to_owned(), reason };
        let method = self.methods.iter().find(|method| method.id == fragment);
        let reason = "is not under assertionMethod of its document, or not valid now";
        let method = method.ok_or_else(|| refused(reason))?;
        let key = method.signing_key().ok_or_else(|| refused("has a key that signs nothing"))?;
        Ok((method, key))
    }
}

/// Prepares tokens for issuers to sign, and accepts signed ones.
pub(crate) struct IssuerTokens {
    maker: Arc<ViewMaker>,
    /// Workers that check uploaded tokens.
    checks: Workers,
}

impl IssuerTokens {
    pub(crate) fn new(maker: Arc<ViewMaker>) -> Self {
        Self { maker, checks: Workers::new(STATUS_BUILDS_MAX) }
    }

    /// Returns the methods by which the issuer of `list` may assert at the time of `head`.
    fn asserting(&self, list: StatusList, head: &Head) -> Result<Asserting, ApiError> {
        let (_, state) = self.maker.reads.active(&list.issuer, head, "list")?;
        let document = &state.document;
        let methods = document.assertion_method.iter().filter_map(|id| document.method(id));
        let valid = methods.filter(|method| method.is_valid_at(head.time_ms));
        Ok(Asserting { methods: valid.cloned().collect(), list })
    }

    /// Answers `status_prepareToken`.
    pub(crate) async fn prepare_token(
        &self,
        params: PrepareToken,
    ) -> Result<PreparedToken, ApiError> {
        let PrepareToken { list: id, form, method, ttl_ms, expires_in } = params;
        let (life_s, most_s) =
            (STATUS_TOKEN_LIFE_MS_DEFAULT / 1_000, STATUS_TOKEN_LIFE_MS_MAX / 1_000);
        let life_ms = bounded("expiresIn", expires_in.unwrap_or(life_s), most_s)? * 1_000;
        let ttl_ms = bounded("ttlMs", ttl_ms.unwrap_or(STATUS_TTL_MS), STATUS_TOKEN_LIFE_MS_MAX)?;
        let reads = &self.maker.reads;
        let FoundList { entry, list, moment } =
            FoundList::find(reads, &id, Selector::Head, None).await?;
        let head = moment.head;
        let time_ms = reads.signing_time_ms(&head)?;
        let asserting = self.asserting(list, &head)?;
        let url = method.to_string();
        let (found, key) = asserting.method(&url)?;
        // Verifiers accept the token only as long as its key is valid.
        let end_ms = [found.expires, found.revoked].into_iter().flatten().map(|end| end.0).min();
        let list = asserting.list;
        let window = Window::current(time_ms, life_ms).ending_by(end_ms);
        let window = window.within(&List::without_array(&list));
        accept::check_times(window.from_ms(), window.until_ms(), time_ms)?;
        let (version, suite) = (entry.record.version, key.suite());
        let algorithm = algorithm(suite)?;
        let standard = form.standard();
        let named = self.maker.uris.named(&id, &list, standard);
        let source = Source { entry, list: list.clone(), time_ms, past: false };
        let entries = self.maker.kept_entries(&id, version, standard, &source).await?;
        let prepare = move || {
            let issuer = list.issuer.to_string();
            let method = Method { issuer: &issuer, url: &url, suite };
            let publication = named.publication(window, Some(ttl_ms));
            Ok(form.unsigned(&List::without_array(&list), &entries, &publication, &method)?)
        };
        let Unsigned { message, bytes } = self.maker.workers(false).run(prepare).await?;
        let (issued, expires) = (millis(window.from_ms()), millis(window.until_ms()));
        let (message, unsigned) = (Bytes(message), Bytes(bytes));
        let list = id;
        Ok(PreparedToken {
            list,
            version,
            form,
            method,
            algorithm,
            message,
            unsigned,
            issued,
            expires,
        })
    }

    /// Answers `status_uploadToken`.
    pub(crate) async fn upload_token(
        &self,
        params: UploadToken,
    ) -> Result<UploadedToken, ApiError> {
        let UploadToken { list: id, version, token: Bytes(token) } = params;
        let reads = &self.maker.reads;
        let newest = FoundList::find(reads, &id, Selector::Head, None).await?;
        let head = newest.moment.head;
        let time_ms = reads.signing_time_ms(&head)?;
        let found = FoundList::at(reads, &id, newest.moment.number(version))?;
        self.check_version(&id, &found, newest.entry.record.version, time_ms)?;
        let FoundList { entry, list, .. } = found;
        let uris = self.maker.uris.of(&id, list.uri.as_deref());
        let asserting = self.asserting(list, &head)?;
        let node = Arc::clone(&reads.node);
        let keep = move || {
            let parsed = Token::parse(&token)?;
            let token = match parsed.form() {
                Form::CredentialJwt | Form::TokenJwt => token.trim_ascii(),
                Form::Credential | Form::TokenCwt => &token,
            };
            let uri = match parsed.form().standard() {
                Standard::W3c => &uris.w3c,
                Standard::Ietf => &uris.ietf,
            };
            let array = node.status_array(&entry)?;
            let list = List::of(&asserting.list, &array);
            let (window, ttl_ms) = check(&parsed, &asserting, &list, (uri, time_ms))?;
            let mut digest = [0; 8];
            digest.copy_from_slice(&Sha256::digest(token)[..8]);
            let kept = KeptToken {
                list: id,
                form: parsed.form(),
                version,
                issued_ms: window.from_ms(),
                expires_ms: window.until_ms(),
                ttl_ms,
                digest,
            };
            node.keep_token(kept, token)?;
            Ok(kept)
        };
        let KeptToken { form, issued_ms, expires_ms, .. } = self.checks.run(keep).await?;
        let (issued, expires) = (millis(issued_ms), millis(expires_ms));
        Ok(UploadedToken { list: id, version, form, issued, expires })
    }

    /// Fails with `TOKEN_OUTDATED` if the node keeps a token of a newer version, or if the version
    /// was replaced more than [`STATUS_TOKEN_DELAY_MS_MAX`] ago. Otherwise anyone could upload an
    /// older token that is still valid, to hide what has changed since.
    fn check_version(
        &self,
        id: &ListId,
        found: &FoundList,
        newest: u64,
        time_ms: u64,
    ) -> Result<(), ApiError> {
        let (reads, version) = (&self.maker.reads, found.entry.record.version);
        let served = reads.node.tokens(id).into_iter().map(|token| token.version).max();
        let replaced = found
            .successor(reads)?
            .filter(|next| time_ms.saturating_sub(next.time) > STATUS_TOKEN_DELAY_MS_MAX);
        match (served, replaced) {
            (Some(newest), _) if newest > version => {
                Err(ViewError::Outdated { version, newest }.into())
            }
            (_, Some(_)) => Err(ViewError::Outdated { version, newest }.into()),
            _ => Ok(()),
        }
    }
}

/// Checks the signature and the content of a token. Returns its window and its time to live in
/// milliseconds.
fn check(
    token: &Token,
    asserting: &Asserting,
    list: &List<'_>,
    (uri, time_ms): (&str, u64),
) -> Result<(Window, Option<u64>), ViewError> {
    let (_, key) = asserting.method(token.method().unwrap_or_default())?;
    token.verify(&key)?;
    let published = token.published(Some(list.bits))?;
    let issuer = asserting.list.issuer.to_string();
    // W3C requires the issuer in a credential. In an IETF token it is optional.
    let named = published.issuer.as_deref();
    if named != Some(&issuer) && (named.is_some() || token.form().standard() == Standard::W3c) {
        let actual = named.unwrap_or_default().to_owned();
        return Err(ViewError::Issuer { expected: issuer, actual });
    }
    let window = accept::check(&published, list, uri, time_ms)?;
    Ok((window, published.ttl_ms))
}

fn bounded(name: &str, value: u64, most: u64) -> Result<u64, ApiError> {
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    Err(ApiError::params(name, format!("{name} {value} must be 1 to {most}")))
}
