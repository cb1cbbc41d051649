//! Tests of issuers' own tokens: prepared, signed, uploaded, and served byte for byte.

use crate::common::GENESIS_MS;
use crate::common::client::{Answer, Server, config};
use crate::common::lists::Issuer;
use crate::common::people::{Person, public};
use ed25519_dalek::{Signer as _, SigningKey};
use http::{Method, StatusCode};
use registry_core::codec::{base64url, from_base64url};
use rpc::view::Form;
use rpc::view::bits::entry;
use rpc::view::token::Token;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn p256() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar")
}

fn p256_multikey() -> String {
    let point = p256().verifying_key().to_sec1_point(true);
    let key =
        registry_core::crypto::PublicKey::new(registry_core::crypto::Suite::P256, point.as_bytes());
    key.expect("33 bytes").to_string()
}

/// Assembles a token as docs/protocol/status.md tells clients to do.
fn assembled(prepared: &Value, sign: impl Fn(&[u8]) -> [u8; 64]) -> Vec<u8> {
    let bytes =
        |name: &str| from_base64url(prepared[name].as_str().expect("a text")).expect("base64url");
    let (unsigned, signature) = (bytes("unsigned"), sign(&bytes("message")));
    match prepared["form"].as_str().expect("a form") {
        "vc" => {
            let mut document: Value = serde_json::from_slice(&unsigned).expect("JSON");
            let value = format!("z{}", bs58::encode(signature).into_string());
            document["proof"]["proofValue"] = json!(value);
            document.to_string().into_bytes()
        }
        "statuslist+cwt" => [&unsigned[..], &signature].concat(),
        _ => [&unsigned[..], b".", base64url(&signature).as_bytes()].concat(),
    }
}

fn ed25519(key: &SigningKey) -> impl Fn(&[u8]) -> [u8; 64] {
    |message| key.sign(message).to_bytes()
}

impl Issuer {
    async fn prepare(&self, form: Form, members: Value) -> Value {
        let params = self.token_params(form, members);
        self.server.call("status_prepareToken", params).await.expect("prepared")
    }

    fn token_params(&self, form: Form, members: Value) -> Value {
        let method = format!("{}#key-1", self.did);
        let mut params = json!({ "list": self.list, "form": form.name(), "method": method });
        for (name, value) in members.as_object().expect("an object") {
            params[name] = value.clone();
        }
        params
    }

    /// Returns a token of the newest version, signed with the issuer's first method.
    async fn token(&self, form: Form, members: Value) -> Vec<u8> {
        assembled(&self.prepare(form, members).await, ed25519(&self.person.control()))
    }

    fn upload_params(&self, version: u64, token: &[u8]) -> Value {
        json!({ "list": self.list, "version": version, "token": base64url(token) })
    }

    async fn upload(&self, version: u64, token: &[u8]) -> Value {
        let params = self.upload_params(version, token);
        self.server.call("status_uploadToken", params).await.expect("uploaded")
    }

    async fn upload_refusal(&self, version: u64, token: &[u8]) -> (i32, String) {
        self.server.refusal("status_uploadToken", self.upload_params(version, token)).await
    }

    async fn view(&self, form: Form, query: &str) -> Answer {
        let path = format!("/status-lists/{}{query}", self.list);
        self.server.get_as(&path, form.media_type()).await
    }

    /// Returns a signed JWT whose header and claims differ from the prepared ones by `change`.
    async fn forged(
        &self,
        form: Form,
        key: &SigningKey,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> Vec<u8> {
        let prepared = self.prepare(form, json!({})).await;
        let unsigned = from_base64url(prepared["unsigned"].as_str().expect("a text"));
        let unsigned = String::from_utf8(unsigned.expect("base64url")).expect("text");
        let (header, claims) = unsigned.split_once('.').expect("a dot");
        let [mut header, mut claims] = [header, claims].map(|part| {
            serde_json::from_slice::<Value>(&from_base64url(part).expect("base64url"))
                .expect("JSON")
        });
        change(&mut header, &mut claims);
        let [header, claims] = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
        let message = format!("{header}.{claims}");
        let signature = base64url(&key.sign(message.as_bytes()).to_bytes());
        format!("{message}.{signature}").into_bytes()
    }
}

fn version(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("idem-ledger-version")
}

#[tokio::test]
async fn what_the_issuer_signs_is_served_byte_for_byte() {
    let issuer = Issuer::with("suspension", 300).await;
    issuer.set(&[3, 299], 1).await;
    for form in Form::ALL {
        let own = issuer.view(form, "").await;
        let prepared = issuer.prepare(form, json!({ "ttlMs": 30_000, "expiresIn": 90 })).await;
        assert_eq!(prepared["version"], 2);
        assert_eq!(prepared["algorithm"], "EdDSA");
        let token = assembled(&prepared, ed25519(&issuer.person.control()));
        let uploaded = issuer.upload(2, &token).await;
        let expected = json!({
            "list": issuer.list, "version": 2, "form": form.name(),
            "issued": prepared["issued"], "expires": prepared["expires"],
        });
        assert_eq!(uploaded, expected);
        let served = issuer.view(form, "").await;
        assert_eq!((served.status, &served.body), (StatusCode::OK, &token), "{form:?}");
        assert_eq!(served.header("content-type"), form.media_type());
        assert_eq!(served.header("idem-ledger-version"), "2");
        assert_eq!(served.header("cache-control"), "public, max-age=30", "its ttl");
        assert_ne!(served.header("etag"), own.header("etag"));
        let parsed = Token::parse(&served.body).expect("a token");
        assert_eq!(parsed.method(), Some(format!("{}#key-1", issuer.did).as_str()));
        parsed.verify(&public(&issuer.person.control())).expect("the issuer's");
        let published = parsed.published(None).expect("well formed");
        let value = if published.bits == 1 { 1 } else { 2 };
        assert_eq!(entry(&published.array, published.bits, 299), Some(value));
        let ledger = issuer.view(form, "?view=ledger").await;
        assert_eq!((&ledger.body, ledger.header("etag")), (&own.body, own.header("etag")));
        let headers = [("accept", form.media_type()), ("if-none-match", served.header("etag"))];
        let path = format!("/status-lists/{}", issuer.list);
        let unchanged = issuer.server.request(Method::GET, &path, &headers).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    }
    // White space around a JWT, as editors add it, is not part of the token.
    let token = issuer.token(Form::TokenJwt, json!({})).await;
    issuer.upload(2, &[&token[..], b"\n"].concat()).await;
    assert_eq!(issuer.view(Form::TokenJwt, "").await.body, token);
    // The other route serves the same token.
    let path = format!("/token-status-lists/{}", issuer.list);
    assert_eq!(issuer.server.get(&path).await.body, issuer.view(Form::TokenJwt, "").await.body);
}

#[tokio::test]
async fn an_issuer_may_sign_by_p256_but_for_the_data_integrity_proof() {
    let issuer = Issuer::with("revocation", 64).await;
    let mut document = issuer.person.document_json();
    let method = json!({ "id": "hsm", "publicKeyMultibase": p256_multikey() });
    document["verificationMethod"].as_array_mut().expect("a list").push(method);
    document["assertionMethod"] = json!(["key-1", "hsm"]);
    let update = json!({ "did": issuer.did, "document": document });
    issuer.server.act("Update", update, &issuer.person.control()).await;
    let method = json!({ "method": format!("{}#hsm", issuer.did) });
    let sign = |message: &[u8]| -> [u8; 64] {
        use p256::ecdsa::signature::Signer as _;
        let signature: p256::ecdsa::Signature = p256().sign(message);
        signature.to_bytes().into()
    };
    for form in [Form::CredentialJwt, Form::TokenJwt, Form::TokenCwt] {
        let prepared = issuer.prepare(form, method.clone()).await;
        assert_eq!(prepared["algorithm"], "ES256");
        let token = assembled(&prepared, sign);
        issuer.upload(1, &token).await;
        assert_eq!(issuer.view(form, "").await.body, token, "{form:?}");
    }
    let params = issuer.token_params(Form::Credential, method);
    let refusal = issuer.server.refusal("status_prepareToken", params).await;
    assert_eq!(refusal, (3109, "TOKEN_ALGORITHM".to_owned()));
}

#[tokio::test]
async fn the_newest_token_is_served_until_it_ends_and_shows_which_version_it_is() {
    let issuer = Issuer::with("suspension", 64).await;
    let form = Form::TokenJwt;
    // The node's time for tokens is 25 s after its newest block, here second 28 after genesis.
    let first = issuer.token(form, json!({ "expiresIn": 40 })).await;
    issuer.upload(1, &first).await;
    issuer.set(&[5], 1).await;
    let served = issuer.view(form, "").await;
    assert_eq!((version(&served), &served.body), ("1", &first), "the ledger is at version 2");
    assert_eq!(version(&issuer.view(form, "?view=ledger").await), "2");
    assert_eq!(version(&issuer.view(Form::TokenCwt, "").await), "2", "no token of this form");
    let second = issuer.token(form, json!({ "expiresIn": 40 })).await;
    issuer.upload(2, &second).await;
    let served = issuer.view(form, "").await;
    assert_eq!((version(&served), &served.body), ("2", &second));
    // A second token of the same version, issued later.
    issuer.server.ledger.commit_after(10_000);
    let again = issuer.token(form, json!({ "expiresIn": 40 })).await;
    issuer.upload(2, &again).await;
    assert_eq!(issuer.view(form, "").await.body, again);
    issuer.upload(2, &second).await;
    assert_eq!(issuer.view(form, "").await.body, again, "an older one changes nothing");
    issuer.server.ledger.commit_after(40_000);
    let own = issuer.view(form, "").await;
    assert_eq!((version(&own), &own.body), ("2", &issuer.view(form, "?view=ledger").await.body));
}

#[tokio::test]
async fn a_past_time_is_answered_by_the_token_that_covers_it() {
    let issuer = Issuer::with("suspension", 64).await;
    let form = Form::TokenJwt;
    let first = issuer.token(form, json!({ "expiresIn": 4 })).await;
    issuer.upload(1, &first).await;
    // Version 1 is the newest from second 3 to 30. Its token is valid from second 28 to 32.
    issuer.server.ledger.hold();
    let set = issuer.params(json!({ "entries": [5], "value": 1 }));
    let prepared = issuer.server.call("status_prepareSet", set).await.expect("prepared");
    let envelope = crate::common::client::signed(&prepared, &issuer.person.control());
    let params = json!({ "envelope": base64url(&envelope.bytes()) });
    issuer.server.call("ledger_submit", params).await.expect("admitted");
    issuer.server.ledger.commit_after(27_000);
    let ask = async |second: u64, more: &str| {
        let at_s = GENESIS_MS / 1_000 + second;
        let path = format!("/token-status-lists/{}?time={at_s}{more}", issuer.list);
        issuer.server.get(&path).await
    };
    for (second, shown, by_issuer) in
        [(27, "1", false), (28, "1", true), (29, "1", true), (30, "2", false), (32, "2", false)]
    {
        let answer = ask(second, "").await;
        assert_eq!((version(&answer), answer.body == first), (shown, by_issuer), "{second}");
        let immutable = answer.header("cache-control").ends_with(", immutable");
        assert_eq!(immutable, shown == "1", "{second}");
        let ledger = ask(second, "&view=ledger").await;
        assert_eq!((version(&ledger), ledger.body == first), (shown, false), "{second}");
    }
}

fn zlib(bytes: &[u8]) -> Value {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    json!(base64url(&encoder.finish().expect("memory")))
}

fn gzip(bytes: &[u8]) -> Value {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    json!(format!("u{}", base64url(&encoder.finish().expect("memory"))))
}

type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;

/// Returns tokens with one fault each: code and name of the refusal, form, signer, and change.
fn faults(issuer: &Issuer, stranger: &str) -> Vec<(i32, &'static str, Form, Person, Change)> {
    let (own, other) = (issuer.person, Person::new(2));
    let (jwt, vc) = (Form::TokenJwt, Form::CredentialJwt);
    let kid = |url: String| -> Change { Box::new(move |header, _| header["kid"] = json!(url)) };
    let lst = |bytes: Vec<u8>| -> Change {
        Box::new(move |_, claims| claims["status_list"]["lst"] = zlib(&bytes))
    };
    let subject = |name: &'static str, value: Value| -> Change {
        Box::new(move |_, claims| claims["credentialSubject"][name] = value)
    };
    let claim = |name: &'static str, value: Value| -> Change {
        Box::new(move |_, claims| claims[name] = value)
    };
    // The node's time for tokens if the newest block has second 6.
    let now_s = GENESIS_MS / 1_000 + 31;
    let bomb = vec![0; (2 << 20) + 1];
    let idle = format!("{}#idle", issuer.did);
    vec![
        (3103, "TOKEN_MALFORMED", jwt, own, claim("status_list", json!([]))),
        (3105, "TOKEN_GZIP_BOMB", vc, own, subject("encodedList", gzip(&bomb))),
        (3107, "TOKEN_ZLIB_BOMB", jwt, own, lst(bomb.clone())),
        (3108, "TOKEN_TOO_SHORT", jwt, own, lst(vec![8])),
        (3110, "TOKEN_SIGNATURE", jwt, other, Box::new(|_, _| ())),
        (3111, "TOKEN_SUBJECT", jwt, own, claim("sub", json!("https://a.example/list"))),
        (3112, "TOKEN_PURPOSE", vc, own, subject("statusPurpose", json!("suspension"))),
        (
            3113,
            "TOKEN_WIDTH",
            jwt,
            own,
            Box::new(|_, claims| {
                claims["status_list"] = json!({ "bits": 2, "lst": zlib(&[0; 16]) });
            }),
        ),
        (3114, "TOKEN_ENTRY", jwt, own, lst([vec![8, 1], vec![0; 6]].concat())),
        (3118, "TOKEN_LIFETIME", jwt, own, claim("exp", json!(now_s + 24 * 3_600 + 1))),
        (
            3119,
            "TOKEN_EXPIRED",
            jwt,
            own,
            Box::new(move |_, claims| {
                (claims["iat"], claims["exp"]) = (json!(now_s - 60), json!(now_s));
            }),
        ),
        (3120, "TOKEN_FUTURE", jwt, own, claim("iat", json!(now_s + 60))),
        (3121, "TOKEN_ISSUER", jwt, other, kid(format!("{stranger}#key-1"))),
        (3121, "TOKEN_ISSUER", jwt, own, kid("#key-1".to_owned())),
        (3121, "TOKEN_ISSUER", jwt, own, claim("iss", json!(stranger))),
        (3121, "TOKEN_ISSUER", vc, own, claim("issuer", json!(stranger))),
        (3122, "TOKEN_METHOD", jwt, own, kid(idle)),
        (3122, "TOKEN_METHOD", jwt, own, kid(format!("{}#gone", issuer.did))),
    ]
}

#[tokio::test]
async fn a_token_that_is_not_the_issuers_word_on_the_ledger_changes_nothing() {
    let server = Server::start().await;
    let stranger = server.register(Person::new(2)).await;
    let issuer = Issuer::on(server, "revocation", 64).await;
    let older = issuer.token(Form::TokenJwt, json!({})).await;
    issuer.set(&[3], 1).await;
    let good = issuer.token(Form::TokenJwt, json!({})).await;
    issuer.upload(2, &good).await;
    let good_vc = issuer.token(Form::CredentialJwt, json!({})).await;
    issuer.upload(2, &good_vc).await;
    let unchanged = async |what: &str| {
        assert_eq!(issuer.view(Form::TokenJwt, "").await.body, good, "{what}");
        assert_eq!(issuer.view(Form::CredentialJwt, "").await.body, good_vc, "{what}");
    };
    for (code, name, form, person, change) in faults(&issuer, &stranger) {
        let token = issuer.forged(form, &person.control(), change).await;
        assert_eq!(issuer.upload_refusal(2, &token).await, (code, name.to_owned()));
        unchanged(name).await;
    }
    let outdated = (3123, "TOKEN_OUTDATED".to_owned());
    assert_eq!(issuer.upload_refusal(1, &older).await, outdated);
    assert_eq!(issuer.upload_refusal(2, &older).await, (3114, "TOKEN_ENTRY".to_owned()));
    assert_eq!(issuer.upload_refusal(1, &good).await, outdated);
    assert_eq!(issuer.upload_refusal(9, &good).await.1, "STATUS_NOT_FOUND");
    assert_eq!(issuer.upload_refusal(2, b"token").await, (3102, "TOKEN_FORM".to_owned()));
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    assert_eq!(issuer.upload_refusal(2, &large).await, (3101, "TOKEN_TOO_LARGE".to_owned()));
    unchanged("the rest").await;
    let error = issuer.server.call("status_uploadToken", issuer.upload_params(2, &older)).await;
    let error = error.expect_err("refused");
    assert_eq!(error.message(), "TOKEN_ENTRY: entry 3 is 0 in the token and 1 on the ledger");
    let data: Value = serde_json::from_str(error.data().expect("data").get()).expect("JSON");
    assert_eq!(data["hint"], "make the token of the entries of that version");
    assert!(data["docs"].as_str().is_some_and(|docs| docs.ends_with("#reading-a-view")));
}

#[tokio::test]
async fn a_version_that_was_replaced_is_taken_for_a_minute() {
    for (gap_ms, taken) in [(35_000, true), (35_001, false)] {
        let issuer = Issuer::with("revocation", 64).await;
        let late = issuer.token(Form::TokenJwt, json!({})).await;
        issuer.set(&[3], 1).await;
        // The node's time for tokens is 25 s after this block.
        issuer.server.ledger.commit_after(gap_ms);
        match taken {
            true => assert_eq!(issuer.upload(1, &late).await["version"], 1),
            false => assert_eq!(issuer.upload_refusal(1, &late).await.1, "TOKEN_OUTDATED"),
        }
    }
}

#[tokio::test]
async fn a_method_must_be_the_issuers_and_valid() {
    let issuer = Issuer::with("revocation", 64).await;
    let token = issuer.token(Form::TokenJwt, json!({})).await;
    let stranger = issuer.server.register(Person::new(2)).await;
    let refusal = async |members: Value| {
        let params = issuer.token_params(Form::TokenJwt, members);
        issuer.server.refusal("status_prepareToken", params).await.1
    };
    assert_eq!(refusal(json!({ "method": format!("{stranger}#key-1") })).await, "TOKEN_ISSUER");
    let idle = format!("{}#idle", issuer.did);
    assert_eq!(refusal(json!({ "method": idle })).await, "TOKEN_METHOD");
    for members in [
        json!({ "method": "#key-1" }),
        json!({ "form": "jwt" }),
        json!({ "expiresIn": 0 }),
        json!({ "expiresIn": 86_401 }),
        json!({ "ttlMs": 0 }),
    ] {
        assert_eq!(refusal(members).await, "INVALID_PARAMS");
    }
    // If a method expires, no token is valid longer than the method.
    let mut document = issuer.person.document_json();
    document["verificationMethod"][0]["expires"] = json!("2023-11-14T22:14:10Z");
    let update = json!({ "did": issuer.did, "document": document });
    issuer.server.act("Update", update, &issuer.person.control()).await;
    let prepared = issuer.prepare(Form::TokenJwt, json!({})).await;
    assert_eq!(prepared["expires"], "2023-11-14T22:14:10.000Z");
    issuer.server.ledger.commit_after(60_000);
    assert_eq!(refusal(json!({})).await, "TOKEN_METHOD");
    assert_eq!(issuer.upload_refusal(1, &token).await.1, "TOKEN_METHOD");
}

/// Uses the largest list, 2^23 bits of random values, so that answer and upload are as large as
/// possible.
#[tokio::test]
async fn the_largest_list_can_be_prepared_uploaded_and_served() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let create = json!({ "author": did, "purpose": "message", "length": 1 << 20, "bits": 8 });
    let person = Person::new(1);
    let created = server.act_status("Create", create, &person.control()).await;
    let list = created["list"].as_str().expect("a list").to_owned();
    let issuer = Issuer { server, person, did, list };
    let mut state = 1u64;
    let values: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    for value in 1..=255u8 {
        let places = values.iter().enumerate().filter(|(_, other)| **other == value);
        let entries: Vec<usize> = places.map(|(index, _)| index).collect();
        issuer.server.ledger.hold();
        let set = issuer.params(json!({ "entries": entries, "value": value }));
        let prepared = issuer.server.call("status_prepareSet", set).await.expect("prepared");
        let envelope = crate::common::client::signed(&prepared, &issuer.person.control());
        let params = json!({ "envelope": base64url(&envelope.bytes()) });
        issuer.server.call("ledger_submit", params).await.expect("admitted");
    }
    issuer.server.ledger.commit();
    for form in Form::ALL {
        let token = issuer.token(form, json!({})).await;
        println!("{form:?}: {} bytes", token.len());
        assert!(token.len() > 1 << 20);
        issuer.upload(2, &token).await;
        assert_eq!(issuer.view(form, "").await.body, token, "{form:?}");
    }
}

#[tokio::test]
async fn large_requests_take_turns_and_are_uploads() {
    let server = Server::start().await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        4 * 1024 * 1024
    );
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(server.running.public).await.expect("connected");
        stream.write_all(head.as_bytes()).await.expect("sent");
        held.push(stream);
    }
    // A place is taken once the server has read the head of a request.
    let status = async || {
        let mut stream = TcpStream::connect(server.running.public).await.expect("connected");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.expect("answered");
        String::from_utf8(start.to_vec()).expect("text")
    };
    let ninth = tokio::time::timeout(std::time::Duration::from_secs(5), status()).await;
    assert_eq!(ninth.expect("no place is free"), "HTTP/1.1 503");
    drop(held);
    let mut other = json!({ "jsonrpc": "2.0", "id": 1, "method": "ledger_submit" });
    other["params"] = json!({ "envelope": "A".repeat(300_000) });
    let answer = server.post(&other.to_string()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], -32007);
}

#[tokio::test]
async fn no_view_outlives_the_key_that_signs_it() {
    let issuer = Issuer::on(Server::with(config()).await, "revocation", 64).await;
    issuer.server.ledger.set_view_key(Some(202));
    // The key is valid until second 60 after genesis, and the node's time for views is second 28.
    for form in Form::ALL {
        let answer = issuer.view(form, "").await;
        let token = Token::parse(&answer.body).expect("a token");
        let expires_ms = token.published(None).expect("well formed").expires_ms;
        assert_eq!(expires_ms, Some(GENESIS_MS + 60_000), "{form:?}");
        assert_eq!(answer.header("cache-control"), "public, max-age=32");
    }
    // The block has second 35, so the node's time for views is second 60, when the key is no longer
    // valid.
    issuer.server.ledger.commit_after(32_000);
    for form in Form::ALL {
        let answer = issuer.view(form, "").await;
        assert_eq!(answer.status, 503, "{form:?}");
        assert!(answer.text().contains("was valid until"), "{}", answer.text());
    }
    let token = issuer.token(Form::TokenJwt, json!({})).await;
    issuer.upload(1, &token).await;
    assert_eq!(issuer.view(Form::TokenJwt, "").await.body, token, "the issuer's own is served");
}
