//! Tests of status lists over HTTP: what a verifier of either standard gets, now and for past
//! times.

use crate::common::client::{Answer, Server, config};
use crate::common::lists::Issuer;
use ed25519_dalek::SigningKey;
use http::{Method, StatusCode};
use registry_core::codec::from_base64url;
use registry_core::crypto::{PublicKey, Suite};
use rpc::view::bits::entry;
use rpc::view::token::Token;
use rpc::view::{Form, Published};
use serde_json::{Value, json};

const GENESIS_S: u64 = 1_700_000_000;
const FORMS: [Form; 4] = [Form::Credential, Form::CredentialJwt, Form::TokenJwt, Form::TokenCwt];

/// Returns the node's publishing key, of which tests use the public part.
fn key() -> PublicKey {
    let secret = SigningKey::from_bytes(&[201; 32]);
    PublicKey::new(Suite::Ed25519, secret.verifying_key().as_bytes()).expect("32 bytes")
}

/// Checks the signature of an answer and returns what a verifier reads in it.
fn read(answer: &Answer) -> Published {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = Token::parse(&answer.body).expect("a status list");
    assert_eq!(answer.header("content-type"), token.form().media_type());
    token.verify(&key()).expect("signed by the node");
    token.published(None).expect("well formed")
}

impl Issuer {
    fn w3c(&self) -> String {
        format!("/status-lists/{}", self.list)
    }

    fn ietf(&self) -> String {
        format!("/token-status-lists/{}", self.list)
    }
}

#[tokio::test]
async fn each_form_shows_the_list_and_names_its_signer() {
    let issuer = Issuer::with("revocation", 200).await;
    issuer.set(&[3, 199], 1).await;
    let did = issuer.server.ledger.network_did().to_string();
    let base = issuer.server.url();
    for form in FORMS {
        let answer = issuer.server.get_as(&issuer.w3c(), form.media_type()).await;
        let published = read(&answer);
        let path = match form {
            Form::Credential | Form::CredentialJwt => issuer.w3c(),
            Form::TokenJwt | Form::TokenCwt => issuer.ietf(),
        };
        assert_eq!(published.uri, Some(format!("{base}{path}")), "{form:?}");
        for index in 0..200 {
            let expected = u8::from(index == 3 || index == 199);
            assert_eq!(entry(&published.array, 1, index), Some(expected), "{form:?} {index}");
        }
        assert_eq!(published.ttl_ms, Some(60_000));
        let life = published.expires_ms.zip(published.issued_ms).map(|(end, begin)| end - begin);
        assert_eq!(life, Some(600_000), "{form:?}");
        assert_eq!(answer.header("idem-ledger-version"), "2");
        assert_eq!(answer.header("x-ledger-height"), "3");
        assert_eq!(answer.header("vary"), "accept, accept-encoding");
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let token = Token::parse(&answer.body).expect("a status list");
        assert_eq!(token.method(), Some(format!("{did}#node-1").as_str()));
    }
    let credential = issuer.server.get(&issuer.w3c()).await.json();
    assert_eq!(credential["issuer"], did);
    assert_eq!(credential["proof"]["cryptosuite"], "eddsa-jcs-2022");
}

#[tokio::test]
async fn accept_chooses_among_the_forms_of_a_route() {
    let issuer = Issuer::with("suspension", 8).await;
    let (w3c, ietf) = (issuer.w3c(), issuer.ietf());
    for (path, accept, form) in [
        (&w3c, "", Some(Form::Credential)),
        (&w3c, "*/*", Some(Form::Credential)),
        (&w3c, "application/json", Some(Form::Credential)),
        (&w3c, "application/vc+jwt;q=0.9, application/vc;q=0.5", Some(Form::CredentialJwt)),
        (&w3c, "text/html, application/statuslist+cwt", Some(Form::TokenCwt)),
        (&w3c, "text/html", None),
        (&ietf, "", Some(Form::TokenJwt)),
        (&ietf, "application/statuslist+cwt, application/statuslist+jwt", Some(Form::TokenCwt)),
        (&ietf, "application/vc", None),
        (&ietf, "application/json", None),
    ] {
        let answer = issuer.server.get_as(path, accept).await;
        let expected = form.map_or("application/problem+json", Form::media_type);
        assert_eq!(answer.header("content-type"), expected, "{path} {accept}");
        let status = if form.is_some() { StatusCode::OK } else { StatusCode::NOT_ACCEPTABLE };
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_past_view_covers_the_time_asked_for_and_never_changes() {
    let issuer = Issuer::with("suspension", 64).await;
    // Version 1 is of second 3, version 2 of second 4.5, and version 3 of second 6.
    issuer.set(&[7], 1).await;
    issuer.set(&[7], 0).await;
    let ask = async |second: u64| {
        let path = format!("{}?time={}", issuer.ietf(), GENESIS_S + second);
        issuer.server.get(&path).await
    };
    for (second, version, value) in
        [(3, "1", 0), (4, "1", 0), (5, "2", 1), (6, "3", 0), (20, "3", 0)]
    {
        let answer = ask(second).await;
        let published = read(&answer);
        assert_eq!(answer.header("idem-ledger-version"), version, "{second}");
        assert_eq!(entry(&published.array, 2, 7), Some(value * 2), "{second}");
        let time_ms = Some((GENESIS_S + second) * 1_000);
        assert!(published.issued_ms <= time_ms && time_ms < published.expires_ms, "{second}");
        let immutable = answer.header("cache-control").ends_with(", immutable");
        assert_eq!((immutable, published.ttl_ms.is_none()), (version != "3", version != "3"));
    }
    let (first, again) = (ask(4).await, ask(3).await);
    assert_eq!((&first.body, first.header("etag")), (&again.body, again.header("etag")));
    for (second, status) in [(2, 404), (31, 200), (32, 400)] {
        assert_eq!(ask(second).await.status, status, "{second}");
    }
    let path = format!("{}?timestamp=2023-11-14T22:13:25.999Z", issuer.w3c());
    let credential = issuer.server.get(&path).await.json();
    assert_eq!(credential["validFrom"], "2023-11-14T22:13:24.500Z");
    assert_eq!(credential["validUntil"], "2023-11-14T22:13:26.000Z");
}

#[tokio::test]
async fn equal_tags_are_equal_bytes_and_save_the_body() {
    let issuer = Issuer::with("revocation", 64).await;
    let first = issuer.server.get(&issuer.ietf()).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("\"1-slj-") && tag.len() == 24, "{tag}");
    for tags in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let headers = [("if-none-match", tags.as_str())];
        let answer = issuer.server.request(Method::GET, &issuer.ietf(), &headers).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!(answer.header("etag"), tag);
        assert_eq!(answer.header("idem-ledger-version"), "1");
    }
    let head = issuer.server.request(Method::HEAD, &issuer.ietf(), &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (StatusCode::OK, 0, &tag[..]));
    assert_eq!(head.header("content-length"), first.body.len().to_string());
    let cwt = issuer.server.get_as(&issuer.ietf(), "application/statuslist+cwt").await;
    assert_ne!(cwt.header("etag"), tag);
    issuer.set(&[1], 1).await;
    let path = format!("{}?minHeight=3", issuer.ietf());
    let headers = [("if-none-match", tag.as_str())];
    let changed = issuer.server.request(Method::GET, &path, &headers).await;
    assert_eq!((changed.status, changed.header("idem-ledger-version")), (StatusCode::OK, "2"));
}

#[tokio::test]
async fn a_list_is_shown_anew_at_most_every_five_seconds() {
    let issuer = Issuer::with("revocation", 64).await;
    let version = async |path: &str| {
        let answer = issuer.server.get(path).await;
        answer.header("idem-ledger-version").to_owned()
    };
    let path = issuer.ietf();
    assert_eq!(version(&path).await, "1");
    issuer.set(&[1], 1).await;
    assert_eq!(version(&path).await, "1", "1.5 s later");
    issuer.set(&[2], 1).await;
    // The route of the other standard serves the same version.
    assert_eq!(version(&issuer.w3c()).await, "1", "3 s later");
    assert_eq!(version(&format!("{path}?minHeight=2")).await, "3", "who asks for it gets it");
    issuer.set(&[3], 1).await;
    assert_eq!(version(&path).await, "3");
    issuer.server.ledger.commit_after(5_000);
    assert_eq!(version(&path).await, "4");
}

#[tokio::test]
async fn texts_are_coded_and_bytes_are_not() {
    let issuer = Issuer::with("revocation", 20_000).await;
    let scattered: Vec<u64> = (0..4_000).map(|index| index * index % 19_997).collect();
    issuer.set(&scattered, 1).await;
    for form in FORMS {
        let plain = issuer.server.get_as(&issuer.w3c(), form.media_type()).await;
        let published = read(&plain);
        for coding in ["gzip", "br"] {
            let headers = [("accept", form.media_type()), ("accept-encoding", coding)];
            let coded = issuer.server.request(Method::GET, &issuer.w3c(), &headers).await;
            if form == Form::TokenCwt {
                assert_eq!((coded.header("content-encoding"), &coded.body), ("", &plain.body));
                continue;
            }
            assert_eq!(coded.header("content-encoding"), coding);
            assert_ne!(coded.header("etag"), plain.header("etag"));
            let (less, all) = (coded.body.len(), plain.body.len());
            println!("{form:?} {coding}: {less} of {all} bytes");
            assert!(less * 10 < all * 9, "{form:?} {coding}: {less} of {all}");
            let decoded = decoded(coding, &coded.body);
            assert_eq!(decoded, plain.body);
        }
        assert!(published.length() >= 20_000);
    }
}

fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut decoded = Vec::new();
    let read = match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded),
        _ => brotli::Decompressor::new(bytes, 4_096).read_to_end(&mut decoded),
    };
    read.expect("well coded");
    decoded
}

#[tokio::test]
async fn failures_are_problems_with_the_type_of_the_standard() {
    let issuer = Issuer::with("revocation", 64).await;
    let absent = "a".repeat(32);
    for (path, status, detail) in [
        (format!("/status-lists/{absent}"), 404, "is not registered"),
        ("/status-lists/nonsense".to_owned(), 404, "32 characters"),
        (format!("{}?timestamp=yesterday", issuer.w3c()), 400, "RFC 3339"),
        (format!("{}?timestamp=2023-11-14T22:13:20Z", issuer.w3c()), 404, "was not registered"),
        (format!("{}?timestamp=2024-11-14T22:13:20Z", issuer.w3c()), 400, "in the future"),
        (format!("{}?time=1", issuer.w3c()), 400, "no parameter here"),
        (format!("{}?view=issuer", issuer.w3c()), 400, "ledger"),
        (format!("{}?view=ledger&view=ledger", issuer.w3c()), 400, "twice"),
        (format!("{}?minHeight=x", issuer.w3c()), 400, "a height"),
        (format!("/token-status-lists/{absent}"), 404, "is not registered"),
        (format!("{}?time=-1", issuer.ietf()), 400, "Unix seconds"),
        (format!("{}?time=18446744073709551615", issuer.ietf()), 400, "Unix seconds"),
        (format!("{}?timestamp=2023-11-14T22:13:23Z", issuer.ietf()), 400, "no parameter here"),
    ] {
        let answer = issuer.server.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("cache-control"), "no-store");
        let problem = answer.json();
        let expected = match path.starts_with("/status-lists/") {
            true => "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR",
            false => "about:blank",
        };
        assert_eq!(problem["type"], expected, "{path}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(detail)), "{problem}");
    }
    let ledger = format!("{}?view=ledger", issuer.w3c());
    assert_eq!(issuer.server.get(&ledger).await.status, 200);
}

#[tokio::test]
async fn a_node_that_may_not_publish_says_why() {
    for (seed, words) in [(None, "has no publishing key"), (Some(9), "does not list")] {
        let issuer = Issuer::with("revocation", 64).await;
        issuer.server.ledger.set_view_key(seed);
        for path in [issuer.w3c(), issuer.ietf()] {
            let answer = issuer.server.get(&path).await;
            assert_eq!(answer.status, 503);
            assert_eq!(answer.header("retry-after"), "1");
            assert!(answer.text().contains(words), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_list_is_published_under_one_name_at_every_node() {
    let mut config = config();
    config.network_url = Some("https://registry.example".parse().expect("a URL"));
    let issuer = Issuer::on(Server::with(config).await, "revocation", 64).await;
    let published = read(&issuer.server.get(&issuer.ietf()).await);
    assert_eq!(published.uri, Some(format!("https://registry.example{}", issuer.ietf())));
    let own = json!({
        "author": issuer.did, "purpose": "refresh", "length": 8, "uri": "https://a.example/list",
    });
    let created = issuer.server.act_status("Create", own, &issuer.person.control()).await;
    let list = created["list"].as_str().expect("a list");
    for path in [format!("/status-lists/{list}"), format!("/token-status-lists/{list}")] {
        let published = read(&issuer.server.get(&path).await);
        assert_eq!(published.uri.as_deref(), Some("https://a.example/list"));
    }
}

#[tokio::test]
async fn the_lists_of_an_issuer_are_named_in_one_place() {
    let issuer = Issuer::with("revocation", 64).await;
    let (base, did) = (issuer.server.url(), issuer.did.as_str());
    for uri in [None, Some("https://a.example/list")] {
        let create = json!({ "author": did, "purpose": "refresh", "length": 8, "uri": uri });
        issuer.server.act_status("Create", create, &issuer.person.control()).await;
    }
    let token = issuer.server.get(&issuer.ietf()).await.text();
    let claims = token.split('.').nth(1).and_then(from_base64url).expect("claims");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let path = format!("/token-status-lists/aggregation/{did}");
    assert_eq!(claims["status_list"]["aggregation_uri"], format!("{base}{path}"));
    let answer = issuer.server.get(&path).await;
    let all: Vec<String> =
        serde_json::from_value(answer.json()["status_lists"].clone()).expect("URIs");
    assert_eq!(all.len(), 3);
    assert!(all.contains(&format!("{base}{}", issuer.ietf())));
    assert!(all.contains(&"https://a.example/list".to_owned()));
    let first = all.iter().find_map(|uri| Some(uri.rsplit_once("/token-status-lists/")?.1));
    let rest = issuer.server.get(&format!("{path}?after={}", first.expect("an id"))).await.json();
    assert!(rest["status_lists"].as_array().is_some_and(|rest| rest.len() < 3));
    let stranger = format!("/token-status-lists/aggregation/{}", did.replace(":local:", ":else:"));
    for (path, status) in
        [(stranger, 404), (format!("{path}x"), 404), (format!("{path}?after=x"), 400)]
    {
        assert_eq!(issuer.server.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_list_out_of_force_is_shown_with_the_bounds_that_it_has() {
    let server = Server::start().await;
    let issuer = Issuer::on(server, "revocation", 8).await;
    let times = [
        ("2033-01-01T00:00:00Z", None, Some((1_988_150_400, 1_988_151_000))),
        ("2023-01-01T00:00:00Z", Some("2023-11-14T22:13:20Z"), Some((GENESIS_S, GENESIS_S))),
        ("2023-01-01T00:00:00Z", Some("2023-11-14T22:15:20Z"), None),
    ];
    for (from, until, expected) in times {
        let create = json!({
            "author": issuer.did, "purpose": "refresh", "length": 8, "validFrom": from,
            "validUntil": until,
        });
        let created = issuer.server.act_status("Create", create, &issuer.person.control()).await;
        let path = format!("/token-status-lists/{}", created["list"].as_str().expect("a list"));
        let published = read(&issuer.server.get(&path).await);
        let window = published.issued_ms.zip(published.expires_ms);
        match expected {
            Some((begin, end)) => assert_eq!(window, Some((begin * 1_000, end * 1_000)), "{from}"),
            // The list is in force. The view ends with the list, before the node's own limit.
            None => {
                assert_eq!(published.expires_ms, Some((GENESIS_S + 120) * 1_000));
                assert!(published.issued_ms < published.expires_ms);
            }
        }
    }
}
