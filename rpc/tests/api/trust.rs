//! Tests of questions to the trust registry: rights, recognitions, chains, reasons and listings.

use crate::common::client::with_members;
use crate::common::rights::Registry;
use serde_json::{Value, json};

const QUESTIONS: [&str; 4] = ["authorization", "recognition", "chain", "explain"];

fn at(params: &Value, seconds: &str) -> Value {
    with_members(params.clone(), json!({ "at": format!("2023-11-14T22:13:{seconds}Z") }))
}

#[tokio::test]
async fn a_right_is_answered_now_and_then() {
    let registry = Registry::seeded().await;
    let right = registry.right(0, 2, "degrees/bachelor");
    let live = json!({
        "authorized": true, "status": "active", "validUntil": "2033-11-14T00:00:00.000Z",
        "assurance": "low", "height": 6, "time": "2023-11-14T22:13:29.000Z",
    });
    assert_eq!(
        registry.ask("authorization", right.clone()).await,
        with_members(right.clone(), live)
    );
    let above = registry.right(0, 1, "degrees/*");
    registry.act(0, "Suspend", above.clone()).await;
    registry.act(0, "Resume", above).await;
    registry.act(1, "Revoke", right.clone()).await;
    for (seconds, status, suspended_at, revoked_at) in [
        ("21.500", "unknown", "", ""),
        ("28.999", "unknown", "", ""),
        ("29.000", "active", "", ""),
        ("30.499", "active", "", ""),
        ("30.500", "suspended", "30.500", ""),
        ("31.999", "suspended", "30.500", ""),
        ("32.000", "active", "", ""),
        ("33.499", "active", "", ""),
        ("33.500", "revoked", "", "33.500"),
    ] {
        let answer = registry.ask("authorization", at(&right, seconds)).await;
        assert_eq!(answer["authorized"], status == "active", "{seconds}");
        assert_eq!(answer["status"], status, "{seconds}");
        assert_eq!(answer["height"], 9);
        assert_eq!(answer["time"], format!("2023-11-14T22:13:{seconds}Z"));
        for (member, since) in [("suspendedAt", suspended_at), ("revokedAt", revoked_at)] {
            let expected = (!since.is_empty()).then(|| json!(format!("2023-11-14T22:13:{since}Z")));
            assert_eq!(answer.get(member), expected.as_ref(), "{seconds} {member}");
        }
    }
    let now = registry.ask("authorization", right.clone()).await;
    assert_eq!((&now["status"], &now["authorized"]), (&json!("revoked"), &json!(false)));
    let late = with_members(right.clone(), json!({ "at": "2030-01-01T00:00:00Z" }));
    assert_eq!(registry.refusal("authorization", late).await.0, "FUTURE_TIME");
    let ahead = with_members(right, json!({ "minHeight": 9 }));
    assert_eq!(registry.ask("authorization", ahead).await["height"], 9);
}

#[tokio::test]
async fn a_least_assurance_is_found_in_any_chain() {
    let registry = Registry::seeded().await;
    let right = registry.right(0, 2, "degrees/bachelor");
    let least = |level: &str| with_members(right.clone(), json!({ "minimumAssurance": level }));
    for (level, status) in [("low", "active"), ("substantial", "insufficient")] {
        let answer = registry.ask("authorization", least(level)).await;
        assert_eq!(answer["status"], status, "{answer}");
        assert_eq!(answer["authorized"], status == "active");
        assert_eq!(answer["assurance"], "low");
    }
    let answer = registry.ask("explain", least("substantial")).await;
    let finding = answer["steps"][1]["finding"].as_str().expect("a finding");
    assert!(finding.ends_with("states assurance low, substantial is required"), "{finding}");
    assert_eq!(answer["mender"], json!(registry.dids[1]));
    let sure = json!({ "assurance": "substantial" });
    registry.act(0, "Grant", with_members(right.clone(), sure)).await;
    for (level, authorized) in [("low", true), ("substantial", true), ("high", false)] {
        let answer = registry.ask("authorization", least(level)).await;
        assert_eq!(answer["authorized"], authorized, "{level}: by the authority itself");
    }
    let refused = registry.server.call("trust_recognition", least("low")).await;
    assert!(refused.expect_err("refused").message().contains("minimumAssurance"));
    let refused = registry.server.call("trust_authorization", least("some")).await;
    assert!(refused.expect_err("refused").message().contains("some"));
}

#[tokio::test]
async fn a_window_begins_and_ends() {
    let registry = Registry::with(2).await;
    let right = registry.right(0, 1, "a");
    let window = json!({
        "validFrom": "2023-11-14T22:13:30Z", "validUntil": "2023-11-14T22:13:40Z",
        "assurance": "high", "terms": "https://terms.example/1",
    });
    registry.act(0, "Grant", with_members(right.clone(), window)).await;
    registry.server.ledger.commit_after(60_000);
    for (seconds, status) in [
        ("24.499", "unknown"),
        ("24.500", "pending"),
        ("29.999", "pending"),
        ("30.000", "active"),
        ("39.999", "active"),
        ("40.000", "expired"),
    ] {
        let answer = registry.ask("authorization", at(&right, seconds)).await;
        assert_eq!(answer["status"], status, "{seconds}");
        assert_eq!(answer["authorized"], status == "active", "{seconds}");
        let assurance = (status != "unknown").then(|| json!("high"));
        assert_eq!(answer.get("assurance"), assurance.as_ref());
    }
    let longer = json!({ "validUntil": "2023-11-14T22:15:00Z" });
    registry.act(0, "Change", with_members(right.clone(), longer)).await;
    let changed = registry.ask("authorization", right.clone()).await;
    assert_eq!((&changed["status"], changed.get("validFrom")), (&json!("active"), None));
    assert_eq!(registry.ask("authorization", at(&right, "40.000")).await["status"], "expired");
}

#[tokio::test]
async fn a_chain_is_shown_from_the_authority_down() {
    let registry = Registry::seeded().await;
    let right = registry.right(0, 2, "degrees/bachelor");
    let answer = registry.ask("chain", right.clone()).await;
    let [authority, accreditor, issuer, _] = [0, 1, 2, 3].map(|number| &registry.dids[number]);
    let [above, beneath] = [0, 1].map(|link| answer["chain"][link]["operation"].clone());
    assert!(above.is_string() && beneath.is_string() && above != beneath, "{answer}");
    assert_eq!(
        answer["chain"],
        json!([
            {
                "authority": authority, "action": "issue", "resource": "degrees/*",
                "entity": accreditor, "version": 1, "grantor": authority, "status": "active",
                "since": "2023-11-14T22:13:27.500Z", "granted": "2023-11-14T22:13:27.500Z",
                "validUntil": "2033-11-14T00:00:00.000Z", "assurance": "substantial",
                "mayDelegate": true, "maxDepth": 1, "operation": above,
            },
            {
                "authority": authority, "action": "issue", "resource": "degrees/bachelor",
                "entity": issuer, "version": 1, "grantor": accreditor, "operation": beneath,
                "parent": { "resource": "degrees/*", "grantor": authority, "made": above },
                "status": "active",
                "since": "2023-11-14T22:13:29.000Z", "granted": "2023-11-14T22:13:29.000Z",
                "assurance": "low", "mayDelegate": false, "maxDepth": 0,
            },
        ])
    );
    assert_eq!((&answer["authorized"], &answer["status"]), (&json!(true), &json!("active")));
    registry.act(0, "Revoke", registry.right(0, 1, "degrees/*")).await;
    let broken = registry.ask("chain", right.clone()).await;
    assert_eq!((&broken["authorized"], &broken["status"]), (&json!(false), &json!("revoked")));
    let shown = broken["chain"].as_array().expect("a chain").iter();
    let shown: Vec<_> = shown.map(|link| (&link["status"], &link["version"])).collect();
    assert_eq!(shown, [(&json!("revoked"), &json!(2)), (&json!("active"), &json!(1))]);
    let before = registry.ask("chain", at(&right, "28.999")).await;
    assert_eq!((&before["chain"], &before["status"]), (&json!([]), &json!("unknown")));
}

#[tokio::test]
async fn an_explanation_names_the_first_broken_link_and_who_can_mend_it() {
    let registry = Registry::seeded().await;
    let [authority, accreditor, issuer, stranger] =
        [0, 1, 2, 3].map(|number| registry.dids[number].as_str());
    let right = registry.right(0, 2, "degrees/bachelor");
    let live = registry.ask("explain", right.clone()).await;
    let words =
        format!("{issuer} may issue on degrees/bachelor: granted under {authority} by a chain");
    assert!(live["explanation"].as_str().is_some_and(|text| text.starts_with(&words)), "{live}");
    assert_eq!(live.get("mender"), None);
    assert_eq!(
        live["steps"],
        json!([
            { "grantor": authority, "entity": accreditor, "ok": true,
                "finding": format!("{authority} granted issue on degrees/*") },
            { "grantor": accreditor, "entity": issuer, "ok": true,
                "finding": format!("{accreditor} granted issue on degrees/bachelor") },
        ])
    );
    registry.act(0, "Suspend", registry.right(0, 1, "degrees/*")).await;
    let suspended = registry.ask("explain", right.clone()).await;
    let finding = format!(
        "the grant of {accreditor} on degrees/* by {authority} is suspended since \
         2023-11-14T22:13:30.500Z"
    );
    let step =
        json!({ "grantor": authority, "entity": accreditor, "finding": finding, "ok": false });
    assert_eq!(suspended["steps"], json!([step]), "what lies beneath is left out");
    assert_eq!(
        (&suspended["mender"], &suspended["authorized"]),
        (&json!(authority), &json!(false))
    );
    registry.act(0, "Resume", registry.right(0, 1, "degrees/*")).await;
    let nothing = registry.ask("explain", registry.right(0, 3, "degrees/bachelor")).await;
    let words = format!("{authority} has granted {stranger} no right to issue on degrees/bachelor");
    assert_eq!(nothing["explanation"], words);
    assert_eq!((&nothing["mender"], &nothing["steps"]), (&json!(authority), &json!([])));
    registry.deactivate(2).await;
    let gone = registry.ask("explain", right.clone()).await;
    let oks = gone["steps"].as_array().expect("steps").iter().map(|step| &step["ok"]);
    assert_eq!(oks.collect::<Vec<_>>(), [true, false]);
    assert_eq!((gone.get("mender"), &gone["status"]), (None, &json!("revoked")), "nobody can");
    assert_eq!(gone["revokedAt"], "2023-11-14T22:13:33.500Z");
    registry.deactivate(0).await;
    let headless = registry.ask("explain", right.clone()).await;
    let explanation = headless["explanation"].as_str().expect("text");
    assert!(explanation.contains("the authority is deactivated since"), "{explanation}");
    assert_eq!((headless.get("mender"), &headless["status"]), (None, &json!("revoked")));
    let early = registry.refusal("explain", at(&right, "20.000")).await;
    assert_eq!(early, ("DID_NOT_FOUND".to_owned(), "authority".to_owned()), "not registered then");
}

#[tokio::test]
async fn an_accreditor_answers_for_what_it_granted_under_another_root() {
    let registry = Registry::seeded().await;
    let own = registry.right(0, 3, "degrees/master");
    registry.act(0, "Grant", own.clone()).await;
    let ask = |authority, entity, resource| {
        registry.ask("chain", registry.right(authority, entity, resource))
    };
    let beneath = ask(1, 2, "degrees/bachelor").await;
    assert_eq!(
        (&beneath["authorized"], &beneath["authority"]),
        (&json!(true), &json!(registry.dids[1]))
    );
    assert_eq!(beneath["chain"][0]["authority"], json!(registry.dids[0]));
    assert_eq!(beneath["chain"].as_array().map(Vec::len), Some(2));
    for (authority, entity, resource) in [
        // The root's own grant does not pass through the accreditor.
        (1, 3, "degrees/master"),
        // The accreditor did not grant its accreditation itself.
        (1, 1, "degrees/*"),
        // A right that the accreditor holds is not a right of the issuer.
        (1, 2, "degrees/master"),
        // The issuer has granted nothing.
        (2, 2, "degrees/bachelor"),
    ] {
        let answer = ask(authority, entity, resource).await;
        assert_eq!((&answer["authorized"], &answer["status"]), (&json!(false), &json!("unknown")));
    }
    registry.act(0, "Suspend", registry.right(0, 1, "degrees/*")).await;
    let suspended = registry.ask("explain", registry.right(1, 2, "degrees/bachelor")).await;
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(suspended["mender"], json!(registry.dids[0]));
    let then = at(&registry.right(1, 2, "degrees/bachelor"), "31.999");
    assert_eq!(registry.ask("authorization", then).await["authorized"], true);
    // A grant of the asked authority itself takes precedence.
    let again = registry.right(1, 2, "degrees/bachelor");
    registry.act(1, "Grant", again.clone()).await;
    let chain = registry.ask("chain", again).await;
    assert_eq!(
        (&chain["authorized"], &chain["chain"][0]["grantor"]),
        (&json!(true), &json!(registry.dids[1]))
    );
}

#[tokio::test]
async fn a_recognition_is_answered_now_and_then() {
    let registry = Registry::with(2).await;
    let [authority, other] = [0, 1].map(|number| &registry.dids[number]);
    let right = registry.right(0, 1, "degrees/*");
    let until = json!({ "validUntil": "2023-11-14T22:13:40Z" });
    registry.act(0, "Recognise", with_members(right.clone(), until)).await;
    let asked = registry.right(0, 1, "degrees/bachelor");
    let expected = json!({
        "authority": authority, "entity": other, "action": "issue",
        "resource": "degrees/bachelor", "recognized": true, "status": "active",
        "validUntil": "2023-11-14T22:13:40.000Z", "height": 3, "time": "2023-11-14T22:13:24.500Z",
    });
    assert_eq!(registry.ask("recognition", asked.clone()).await, expected);
    // A recognition does not authorise.
    assert_eq!(registry.ask("authorization", asked.clone()).await["authorized"], false);
    registry.server.ledger.commit_after(60_000);
    let ended = registry.ask("recognition", asked.clone()).await;
    assert_eq!((&ended["recognized"], &ended["status"]), (&json!(false), &json!("expired")));
    registry.act(0, "Recognise", right.clone()).await;
    assert_eq!(registry.ask("recognition", asked.clone()).await["recognized"], true);
    registry.act(0, "Derecognise", right).await;
    let withdrawn = registry.ask("recognition", asked.clone()).await;
    assert_eq!(
        (&withdrawn["recognized"], &withdrawn["status"]),
        (&json!(false), &json!("revoked"))
    );
    assert_eq!(withdrawn["revokedAt"], "2023-11-14T22:14:27.500Z");
    for (seconds, status) in [("24.499", "unknown"), ("24.500", "active"), ("40.000", "expired")] {
        let answer = registry.ask("recognition", at(&asked, seconds)).await;
        assert_eq!(answer["status"], status, "{seconds}");
        assert_eq!(answer["recognized"], status == "active", "{seconds}");
    }
    registry.deactivate(1).await;
    let then = registry.ask("recognition", at(&asked, "24.500")).await;
    assert_eq!(then["recognized"], true, "a deactivation says nothing about before");
}

#[tokio::test]
async fn an_authority_that_nobody_registered_is_an_error_and_a_name_that_nobody_has_is_none() {
    let registry = Registry::seeded().await;
    let right = registry.right(0, 2, "degrees/bachelor");
    let local = "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let elsewhere = registry.dids[0].replace("local", "other");
    for method in QUESTIONS {
        for authority in [local, elsewhere.as_str(), "did:web:a.example", "an authority", ""] {
            let params = with_members(right.clone(), json!({ "authority": authority }));
            let refused = registry.refusal(method, params).await;
            let expected = ("DID_NOT_FOUND".to_owned(), "authority".to_owned());
            assert_eq!(refused, expected, "{method} {authority:?}");
        }
        for odd in [
            json!({ "entity": "a name" }),
            json!({ "entity": "" }),
            json!({ "action": "to issue" }),
            json!({ "resource": "a\u{e9} b" }),
            json!({ "resource": "degrees/*/bachelor" }),
            json!({ "resource": "1/2/3/4/5/6/7" }),
        ] {
            let params = with_members(right.clone(), odd);
            let answer = registry.ask(method, params.clone()).await;
            let verdict = if method == "recognition" { "recognized" } else { "authorized" };
            assert_eq!((&answer[verdict], &answer["status"]), (&json!(false), &json!("unknown")));
            for name in ["authority", "entity", "action", "resource"] {
                assert_eq!(answer[name], params[name], "{method}");
            }
            assert_eq!(answer.get("mender"), None, "nobody can grant such a right");
        }
        for wrong in [json!({ "entity": 1 }), json!({ "at": "now" }), json!({ "asOf": 1 })] {
            let params = with_members(right.clone(), wrong);
            assert_eq!(registry.refusal(method, params).await.0, "INVALID_PARAMS", "{method}");
        }
    }
}

#[tokio::test]
async fn the_network_itself_is_known_and_has_granted_nothing() {
    let registry = Registry::seeded().await;
    let network = json!({ "authority": registry.server.ledger.network_did() });
    let params = with_members(registry.right(0, 2, "degrees/bachelor"), network);
    for method in QUESTIONS {
        let answer = registry.ask(method, params.clone()).await;
        assert_eq!(answer["status"], "unknown", "{method}");
        assert_eq!(answer.get("mender"), None, "no operation speaks for it");
    }
    assert_eq!(registry.ask("authorization", params.clone()).await["authorized"], false);
    assert_eq!(registry.ask("recognition", params).await["recognized"], false);
}

fn resources(page: &Value) -> Vec<String> {
    let rights = page["rights"].as_array().expect("rights").iter();
    let mut found: Vec<String> =
        rights.map(|right| right["resource"].as_str().expect("a resource").to_owned()).collect();
    found.sort();
    found
}

/// Returns a registry with the seeded rights, a right to write, one under another authority, and a
/// recognition.
async fn listed() -> Registry {
    let registry = Registry::seeded().await;
    let write = json!({ "action": "write" });
    registry.act(0, "Grant", with_members(registry.right(0, 2, "b"), write)).await;
    registry.act(3, "Grant", registry.right(3, 2, "c")).await;
    let terms = json!({ "terms": "https://terms.example/" });
    registry.act(0, "Recognise", with_members(registry.right(0, 3, "d"), terms)).await;
    registry
}

#[tokio::test]
async fn rights_are_listed_by_authority_entity_and_action() {
    let registry = listed().await;
    let [authority, issuer, other] = [0, 2, 3].map(|number| &registry.dids[number]);
    let network = registry.server.ledger.network_did();
    for (params, expected) in [
        (json!({ "authority": authority }), &["b", "d", "degrees/*", "degrees/bachelor"][..]),
        (
            json!({ "authority": authority, "action": "issue" }),
            &["d", "degrees/*", "degrees/bachelor"],
        ),
        (json!({ "authority": authority, "action": "iss" }), &[]),
        (json!({ "entity": issuer }), &["b", "c", "degrees/bachelor"]),
        (json!({ "entity": issuer, "authority": authority }), &["b", "degrees/bachelor"]),
        (json!({ "entity": issuer, "authority": authority, "action": "write" }), &["b"]),
        (json!({ "entity": "did:web:a.example" }), &[]),
        (json!({ "authority": network }), &[]),
    ] {
        let page = registry.ask("list", params.clone()).await;
        assert_eq!(resources(&page), expected, "{params}");
        assert_eq!((&page["height"], page.get("next")), (&json!(9), None));
    }
    let page = registry.ask("list", json!({ "authority": other })).await;
    let right = with_members(
        registry.right(3, 2, "c"),
        json!({
            "version": 1, "record": page["rights"][0]["record"],
            "grants": [{
                "grantor": other, "status": "active", "mayDelegate": false, "maxDepth": 0,
                "since": "2023-11-14T22:13:32.000Z", "granted": "2023-11-14T22:13:32.000Z",
                "operation": page["rights"][0]["grants"][0]["operation"],
            }],
        }),
    );
    assert_eq!(page["rights"], json!([right]));
    let page = registry.ask("list", json!({ "entity": other, "authority": authority })).await;
    let recognition = json!({
        "status": "active", "since": "2023-11-14T22:13:33.500Z", "terms": "https://terms.example/",
        "recognised": "2023-11-14T22:13:33.500Z",
        "operation": page["rights"][0]["recognition"]["operation"],
    });
    assert_eq!(page["rights"][0]["recognition"], recognition);
    registry.act(0, "Derecognise", registry.right(0, 3, "d")).await;
    let page = registry.ask("list", json!({ "entity": other, "authority": authority })).await;
    assert_eq!(page["rights"][0]["recognition"]["status"], "withdrawn");
    for (params, name) in [
        (json!({}), "INVALID_PARAMS"),
        (json!({ "action": "issue" }), "INVALID_PARAMS"),
        (json!({ "entity": issuer, "action": "issue" }), "INVALID_PARAMS"),
        (json!({ "authority": authority, "limit": 0 }), "INVALID_PARAMS"),
        (json!({ "authority": authority, "limit": 101 }), "INVALID_PARAMS"),
        (json!({ "authority": "did:web:a.example" }), "INVALID_PARAMS"),
        (json!({ "authority": authority.replace("local", "other") }), "DID_NOT_FOUND"),
        (json!({ "authority": authority, "at": "2030-01-01T00:00:00Z" }), "FUTURE_TIME"),
    ] {
        assert_eq!(registry.refusal("list", params.clone()).await.0, name, "{params}");
    }
}

#[tokio::test]
async fn a_listing_goes_on_page_by_page_and_into_the_past() {
    let registry = listed().await;
    let authority = json!({ "authority": registry.dids[0] });
    for limit in 1..=5 {
        let (mut found, mut pages, mut after) = (Vec::new(), 0, Value::Null);
        loop {
            let more = json!({ "limit": limit, "after": after });
            let page = registry.ask("list", with_members(authority.clone(), more)).await;
            found.extend(resources(&page));
            pages += 1;
            match page.get("next") {
                Some(next) => after = next.clone(),
                None => break,
            }
        }
        found.sort();
        assert_eq!(found, ["b", "d", "degrees/*", "degrees/bachelor"]);
        assert_eq!(pages, 4_usize.div_ceil(limit), "no page is empty");
    }
    registry.act(0, "Revoke", registry.right(0, 1, "degrees/*")).await;
    for (seconds, expected) in [
        ("27.499", &[][..]),
        ("27.500", &["degrees/*"]),
        ("30.500", &["b", "degrees/*", "degrees/bachelor"]),
    ] {
        let page = registry.ask("list", at(&authority, seconds)).await;
        assert_eq!(resources(&page), expected, "{seconds}");
        assert_eq!(page["time"], format!("2023-11-14T22:13:{seconds}Z"));
        let mut rights = page["rights"].as_array().expect("rights").iter();
        assert!(rights.all(|right| right["grants"][0]["status"] == "active"), "as it was then");
    }
}
