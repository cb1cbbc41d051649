//! Tests of ToIP TRQP v2.0: valid and invalid queries, their answers, and how clients find the two
//! routes.

use crate::common::client::{Server, config, with_members};
use crate::common::rights::{Registry, query_of};
use http::{Method, Request};
use serde_json::{Value, json};

const ROUTES: [&str; 2] = ["/authorization", "/recognition"];

/// Returns a query about the seeded issuer with a context.
fn query(registry: &Registry, context: Value) -> Value {
    let query = query_of(&registry.right(0, 2, "degrees/bachelor"));
    with_members(query, json!({ "context": context }))
}

#[tokio::test]
async fn an_authorization_has_the_standards_members_and_ours() {
    let registry = Registry::seeded().await;
    let query = query_of(&registry.right(0, 2, "degrees/bachelor"));
    let answer = registry.query("/authorization", &query).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let [authority, issuer] = [0, 2].map(|number| registry.dids[number].as_str());
    let message = format!(
        "{issuer} may issue on degrees/bachelor: granted under {authority} by a chain of 2 grants"
    );
    let verdict = json!({
        "authorized": true, "time_evaluated": "2023-11-14T22:13:29.000Z", "message": message,
        "status": "active", "validUntil": "2033-11-14T00:00:00.000Z", "assurance": "low",
        "evaluationBasis": "current_state",
    });
    assert_eq!(answer.json(), with_members(query, verdict));
}

#[tokio::test]
async fn a_recognition_has_the_standards_members_and_ours() {
    let registry = Registry::seeded().await;
    registry.act(0, "Recognise", registry.right(0, 1, "*")).await;
    registry.act(0, "Derecognise", registry.right(0, 1, "*")).await;
    let query = query_of(&registry.right(0, 1, "degrees/bachelor"));
    let [authority, other] = [0, 1].map(|number| registry.dids[number].as_str());
    let what = format!("{other} to issue on degrees/bachelor");
    let now = registry.query("/recognition", &query).await;
    let verdict = json!({
        "recognized": false, "time_evaluated": "2023-11-14T22:13:32.000Z", "status": "revoked",
        "revokedAt": "2023-11-14T22:13:32.000Z", "evaluationBasis": "current_state",
        "message": format!("{authority} does not recognise {what}: revoked"),
    });
    assert_eq!((now.status.as_u16(), now.json()), (200, with_members(query.clone(), verdict)));
    let context = json!({ "context": { "time": "2023-11-14T22:13:30.5Z" } });
    let query = with_members(query, context);
    let then = registry.query("/recognition", &query).await;
    let verdict = json!({
        "recognized": true, "time_requested": "2023-11-14T22:13:30.5Z",
        "time_evaluated": "2023-11-14T22:13:32.000Z", "status": "active",
        "evaluationBasis": "historical_state",
        "message": format!("{authority} recognises {what}: active"),
    });
    assert_eq!(then.json(), with_members(query, verdict));
}

#[tokio::test]
async fn a_query_that_lacks_something_is_told_what() {
    let registry = Registry::seeded().await;
    let whole = query_of(&registry.right(0, 2, "degrees/bachelor"));
    let mut cases = Vec::new();
    for name in ["entity_id", "authority_id", "action", "resource"] {
        let mut without = whole.clone();
        without.as_object_mut().expect("an object").remove(name);
        cases.push((without.to_string(), name.to_owned()));
        for wrong in [json!(null), json!(1), json!(["a"]), json!({})] {
            cases.push((
                with_members(whole.clone(), json!({ name: wrong })).to_string(),
                name.to_owned(),
            ));
        }
    }
    for wrong in [json!(null), json!("now"), json!([])] {
        let query = with_members(whole.clone(), json!({ "context": wrong }));
        cases.push((query.to_string(), "context must be an object".to_owned()));
    }
    for wrong in [
        json!(1),
        json!(null),
        json!("yesterday"),
        json!(" "),
        json!("2023-11-14"),
        json!("2023-11-14T22:13:29"),
        json!("2023-11-14 22:13:29Z"),
        json!("2023-11-14T22:13:29+00:00"),
        json!("2023-11-14T23:13:29+01:00"),
        json!("2023-02-30T22:13:29Z"),
        json!("1700000000000"),
        // In the future: no block is overdue at that time.
        json!("2030-01-01T00:00:00Z"),
    ] {
        cases.push((
            query(&registry, json!({ "time": wrong })).to_string(),
            "context.time".to_owned(),
        ));
    }
    for text in ["", "{", "[]", "null", "\"text\"", "entity_id=a", "{\"entity_id\":\"\u{0}\"}"] {
        cases.push((text.to_owned(), "JSON object".to_owned()));
    }
    for route in ROUTES {
        for (body, named) in &cases {
            let answer = registry.server.send(false, Request::post(route), body).await;
            assert_eq!(answer.status, 400, "{body}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{body}");
            let problem = answer.json();
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(detail.contains(named), "{body}: {detail}");
            assert_eq!(
                (&problem["status"], &problem["title"]),
                (&json!(400), &json!("Bad Request"))
            );
            assert!(problem["type"].is_string());
        }
    }
}

#[tokio::test]
async fn a_context_comes_back_without_what_nobody_knows() {
    let registry = Registry::seeded().await;
    let then = "2023-11-14T22:13:29Z";
    for (context, echoed) in [
        (json!({}), json!({})),
        (json!({ "time": "" }), json!({ "time": "" })),
        (json!({ "time": then }), json!({ "time": then })),
        (
            json!({ "locator": "a", "ecosystem": "\u{e9}", "list": [1], "no": null, "deep": {} }),
            json!({ "locator": "a", "ecosystem": "\u{e9}" }),
        ),
        (json!({ "locator": 1 }), json!({})),
    ] {
        for route in ROUTES {
            let answer = registry.query(route, &query(&registry, context.clone())).await;
            assert_eq!(answer.status, 200, "{context}");
            assert!(answer.body.is_ascii());
            assert_eq!(answer.json()["context"], echoed, "{context}");
        }
    }
    let extra = with_members(query(&registry, json!({})), json!({ "unknown": { "member": 1 } }));
    let answer = registry.query("/authorization", &extra).await;
    assert_eq!((answer.status.as_u16(), answer.json().get("unknown")), (200, None));
}

#[tokio::test]
async fn the_time_asked_for_and_that_of_the_answer_stand_where_they_belong() {
    let registry = Registry::seeded().await;
    registry.act(1, "Revoke", registry.right(0, 2, "degrees/bachelor")).await;
    for (time, authorized) in [
        ("2023-11-14T22:13:28.999Z", false),
        ("2023-11-14T22:13:29Z", true),
        // These times are finer than the ledger's milliseconds.
        ("2023-11-14T22:13:30.499999Z", true),
        ("2023-11-14T22:13:30.499999999Z", true),
        ("2023-11-14T22:13:30.500000Z", false),
        // After the newest block, but no block is overdue yet.
        ("2023-11-14T22:13:31Z", false),
        ("2023-11-14T22:13:21.5Z", false),
    ] {
        let query = query(&registry, json!({ "time": time }));
        let answer = registry.query("/authorization", &query).await.json();
        assert_eq!(answer["authorized"], authorized, "{time}");
        assert_eq!(answer["time_requested"], time, "as it was provided");
        assert_eq!(answer["time_evaluated"], "2023-11-14T22:13:30.500Z");
        let past = time < "2023-11-14T22:13:30.5";
        let basis = if past { "historical_state" } else { "current_state" };
        assert_eq!(answer["evaluationBasis"], basis, "{time}");
    }
    let early = query(&registry, json!({ "time": "2023-11-14T22:13:21.499Z" }));
    let answer = registry.query("/authorization", &early).await;
    assert_eq!(answer.status, 404, "nobody was the authority then");
    for context in [json!({}), json!({ "time": "" })] {
        let answer = registry.query("/authorization", &query(&registry, context)).await.json();
        assert_eq!(answer.get("time_requested"), None);
        assert_eq!(answer["evaluationBasis"], "current_state");
    }
}

#[tokio::test]
async fn only_an_authority_can_be_unknown() {
    let registry = Registry::seeded().await;
    let known = query_of(&registry.right(0, 3, "degrees/bachelor"));
    for route in ROUTES {
        for authority in [
            "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            &registry.dids[0].replace("local", "other"),
            "did:web:a.example",
            "",
        ] {
            let query = with_members(known.clone(), json!({ "authority_id": authority }));
            let answer = registry.query(route, &query).await;
            assert_eq!(answer.status, 404, "{authority}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
            assert!(detail.starts_with("authority_id: "), "{detail}");
        }
        for odd in [
            json!({ "entity_id": "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }),
            json!({ "entity_id": "nobody" }),
            json!({ "action": "" }),
            json!({ "resource": "a b" }),
            json!({ "authority_id": registry.server.ledger.network_did() }),
        ] {
            let query = with_members(known.clone(), odd);
            let answer = registry.query(route, &query).await;
            assert_eq!(answer.status, 200, "{query}");
            let body = answer.json();
            assert!(body.get("authorized").or(body.get("recognized")) == Some(&json!(false)));
            for (name, value) in query.as_object().expect("an object") {
                assert_eq!(&body[name], value);
            }
        }
    }
}

#[tokio::test]
async fn each_answer_has_its_headers() {
    let registry = Registry::seeded().await;
    let good = query(&registry, json!({})).to_string();
    let unknown = json!({ "entity_id": "", "authority_id": "", "action": "", "resource": "" });
    let large = format!("{good}{}", " ".repeat(256 * 1024));
    for route in ROUTES {
        for (body, status) in
            [(&good, 200), (&"{}".to_owned(), 400), (&unknown.to_string(), 404), (&large, 413)]
        {
            let request = Request::post(route).header("x-request-id", "5f0c \u{7e}");
            let answer = registry.server.send(false, request, body).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("x-request-id"), "5f0c ~", "{status}");
            assert_eq!(answer.header("link"), "</.well-known/trqp>; rel=\"service-desc\"");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let height = if status == 200 { "6" } else { "" };
            assert_eq!(answer.header("x-ledger-height"), height);
        }
    }
    for (id, echoed) in [(&"a".repeat(128), true), (&"a".repeat(129), false)] {
        let request = Request::post("/authorization").header("x-request-id", id);
        let answer = registry.server.send(false, request, &good).await;
        assert_eq!(answer.header("x-request-id"), if echoed { id } else { "" });
    }
    let plain = registry.server.send(false, Request::post("/authorization"), &good).await;
    assert_eq!((plain.status.as_u16(), plain.headers.get("x-request-id")), (200, None));
}

#[tokio::test]
async fn queries_are_posts_from_anywhere() {
    let server = Server::start().await;
    for route in ROUTES {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let answer = server.request(method, route, &[]).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
        }
        let preflight = [
            ("origin", "https://verifier.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-request-id"),
        ];
        let answer = server.request(Method::OPTIONS, route, &preflight).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert_eq!(answer.header("access-control-allow-headers"), "*");
        let answer = server.request(Method::GET, "/livez", &[preflight[0]]).await;
        let exposed = answer.header("access-control-expose-headers").to_owned();
        assert!(exposed.contains("x-request-id") && exposed.contains("link"), "{exposed}");
    }
}

#[tokio::test]
async fn a_document_says_where_to_ask() {
    let mut config = config();
    for (public_url, base) in [(None, ""), (Some("https://node.example/"), "https://node.example")]
    {
        config.public_url = public_url.map(|url| url.parse().expect("a URL"));
        let answer = Server::with(config.clone()).await.get("/.well-known/trqp").await;
        assert_eq!(answer.header("content-type"), "application/json");
        let expected = json!({
            "protocol": "https://trustoverip.org/trqp/v2", "version": "2.0", "network": "local",
            "authorization": format!("{base}/authorization"),
            "recognition": format!("{base}/recognition"),
        });
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    }
}
