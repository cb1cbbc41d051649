//! Records issuers' own tokens: prepared, signed, uploaded, refused, and served.

use ed25519_dalek::Signer as _;
use registry_core::codec::{base64url, from_base64url};
use serde_json::{Value, json};

use super::book::{Asked, Book};
use super::sweep::sweep;
use super::world::{AUTHORITY, ISSUER, ROTATED, World, key};
use crate::common::client::with_members;

const FORMS: [&str; 4] = ["vc", "vc+jwt", "statuslist+jwt", "statuslist+cwt"];

/// Assembles a token as docs/protocol/status.md tells clients to do.
fn assembled(prepared: &Value) -> Vec<u8> {
    let bytes =
        |name: &str| from_base64url(prepared[name].as_str().expect("a text")).expect("base64url");
    let unsigned = bytes("unsigned");
    let signature = key(ISSUER).sign(&bytes("message")).to_bytes();
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

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("status_tokens");
    let list = world.id("revocation");
    let good = json!({
        "list": list,
        "form": "statuslist+jwt",
        "method": format!("{}#key-1", world.dids[ISSUER]),
        "ttlMs": 30_000,
        "expiresIn": 600,
    });
    sweep(&mut book, &world, "status_prepareToken", good.clone()).await;
    preparations(&mut book, &world, &good).await;
    for form in FORMS {
        let params = with_members(good.clone(), json!({ "form": form }));
        let prepared =
            book.call(&world.server, &format!("as {form}"), "status_prepareToken", params).await;
        let token = assembled(&prepared["result"]);
        let upload = json!({ "list": list, "version": 2, "token": base64url(&token) });
        uploads(&mut book, &world, form, &upload, &token).await;
        served(&mut book, &world, form, &prepared["result"]["issued"]).await;
    }
    book
}

async fn preparations(book: &mut Book, world: &World, good: &Value) {
    let url = |number: usize, name: &str| format!("{}#{name}", world.dids[number]);
    for (what, members) in [
        ("for a list with its own URI", json!({ "list": world.id("refresh") })),
        ("for a list of two bits", json!({ "list": world.id("message") })),
        ("for a list that has ended", json!({ "list": world.id("ended") })),
        ("by a method that asserts nothing", json!({ "method": url(ISSUER, "idle") })),
        ("by a method that is not there", json!({ "method": url(ISSUER, "none") })),
        ("by a method of another", json!({ "method": url(AUTHORITY, "key-1") })),
        ("by a method of a third", json!({ "method": url(ROTATED, "key-1") })),
        ("by no URL", json!({ "method": "#key-1" })),
        ("for no time", json!({ "expiresIn": 0 })),
        ("for too long", json!({ "expiresIn": 86_401 })),
        ("with a life of copies of nothing", json!({ "ttlMs": 0 })),
        ("with a life of copies too long", json!({ "ttlMs": 86_400_001 })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, "status_prepareToken", params).await;
    }
    let positions = json!([good["list"], "vc", good["method"]]);
    book.call(&world.server, "by position", "status_prepareToken", positions).await;
}

/// Uploads a valid token and variations with a wrong version, list or content.
async fn uploads(book: &mut Book, world: &World, form: &str, upload: &Value, token: &[u8]) {
    let (server, method) = (&world.server, "status_uploadToken");
    let mut forged = token.to_vec();
    let place = forged.len() - 7;
    forged[place] ^= 1;
    for (what, members) in [
        ("of another version", json!({ "version": 1 })),
        ("of a version to come", json!({ "version": 3 })),
        ("of another list", json!({ "list": world.id("suspension") })),
        ("forged", json!({ "token": base64url(&forged) })),
        ("cut", json!({ "token": base64url(&token[..token.len() / 2]) })),
    ] {
        let params = with_members(upload.clone(), members);
        book.call(server, &format!("{form} {what}"), method, params).await;
    }
    if form == "vc" {
        sweep(book, world, method, upload.clone()).await;
    } else {
        book.call(server, &format!("{form} good"), method, upload.clone()).await;
    }
}

/// Records the token that is served once the issuer has signed, and the ledger's own view.
async fn served(book: &mut Book, world: &World, form: &str, issued: &Value) {
    let path = format!("/status-lists/{}", world.id("revocation"));
    let accept = format!("application/{form}");
    let issued = issued.as_str().expect("a time");
    for (what, path) in [
        ("of its issuer", path.clone()),
        ("of the ledger", format!("{path}?view=ledger")),
        ("of its issuer, at a time", format!("{path}?timestamp={issued}")),
    ] {
        let headers = [("accept", accept.as_str())];
        let asked = Asked { admin: false, method: "GET", path: &path, headers: &headers, body: "" };
        book.ask(&world.server, &format!("as {form}, the token {what}"), asked).await;
    }
}
