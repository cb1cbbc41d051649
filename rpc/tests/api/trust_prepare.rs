//! Tests of operations on rights, from their preparation to their effect.

use crate::common::client::with_members;
use crate::common::rights::Registry;
use serde_json::{Value, json};

#[tokio::test]
async fn preparing_says_what_it_is_about_who_signs_and_what_it_does() {
    let registry = Registry::seeded().await;
    let (write, read) = (registry.right(0, 3, "degrees/*"), registry.right(0, 1, "degrees/*"));
    let [authority, accreditor, other] = [0, 1, 3].map(|number| registry.dids[number].as_str());
    let two = with_members(write.clone(), json!({ "maxDepth": 2 }));
    for (action, params, words) in [
        ("Grant", two, format!("Grants {other} the right to issue on degrees/*, with 2 grants")),
        (
            "Change",
            read.clone(),
            format!("Replaces the conditions of {accreditor}'s right to issue"),
        ),
        ("Suspend", read.clone(), format!("Suspends {accreditor}'s right to issue on degrees/*")),
        ("Resume", read.clone(), format!("Resumes {accreditor}'s right to issue on degrees/*")),
        ("Revoke", read, format!("Revokes {accreditor}'s right to issue on degrees/*, and all")),
        ("Recognise", write.clone(), format!("Recognises {other} to issue on degrees/*")),
        ("Derecognise", write, format!("Recognises {other} no more to issue on degrees/*")),
    ] {
        let prepared = registry.act(0, action, params.clone()).await;
        let explanation = prepared["explanation"].as_str().expect("text");
        assert!(explanation.starts_with(&words), "{action}: {explanation}");
        assert!(explanation.contains(&format!("signatures of {authority}")), "{explanation}");
        for name in ["authority", "entity", "action", "resource"] {
            assert_eq!(prepared["right"][name], params[name], "{action}");
        }
        let signers = prepared["signatures"].as_array().expect("requests").iter();
        let signers: Vec<_> = signers.map(|one| (&one["role"], &one["threshold"])).collect();
        assert_eq!(signers, [(&json!("control"), &json!(1))], "{action}");
        assert_eq!(params["authority"], authority);
    }
}

#[tokio::test]
async fn the_author_is_the_authority_where_none_is_named() {
    let registry = Registry::with(2).await;
    let right = json!({ "entity": registry.dids[1], "action": "issue", "resource": "a" });
    for action in ["Grant", "Change", "Suspend", "Resume", "Revoke", "Recognise", "Derecognise"] {
        let prepared = registry.act(0, action, right.clone()).await;
        assert_eq!(prepared["right"]["authority"], json!(registry.dids[0]), "{action}");
    }
}

#[tokio::test]
async fn an_entity_of_another_method_holds_a_right() {
    let registry = Registry::with(1).await;
    for entity in ["did:web:issuer.example", "https://issuer.example/", "did:key:z6Mk"] {
        let right = json!({ "entity": entity, "action": "issue", "resource": "a/*" });
        registry.act(0, "Grant", right.clone()).await;
        let asked = json!({ "authority": registry.dids[0], "resource": "a/b" });
        let answer = registry.ask("authorization", with_members(right, asked)).await;
        assert_eq!(answer["authorized"], true, "{entity}");
    }
}

async fn parent_of(registry: &Registry, right: &Value) -> Value {
    let chain = registry.ask("chain", right.clone()).await;
    chain["chain"].as_array().expect("a chain").last().expect("a link")["parent"].clone()
}

/// Returns the right of 1 from authority 0 as grants beneath it name it.
async fn parent(registry: &Registry, resource: &str) -> Value {
    let asked = json!({ "authority": registry.dids[0], "entity": registry.dids[1] });
    let listed = registry.ask("list", asked).await;
    let mut rights = listed["rights"].as_array().expect("rights").iter();
    let right = rights.find(|right| right["resource"] == resource).expect("a right");
    let made = &right["grants"][0]["operation"];
    json!({ "resource": resource, "grantor": registry.dids[0], "made": made })
}

#[tokio::test]
async fn the_parent_found_is_the_most_specific_that_allows_the_grant() {
    let registry = Registry::with(3).await;
    let to_grant_on = json!({ "maxDepth": 1, "assurance": "high" });
    for (resource, conditions) in [
        ("*", to_grant_on.clone()),
        ("degrees/*", json!({ "maxDepth": 1 })),
        ("degrees/master", json!({})),
    ] {
        registry.act(0, "Grant", with_members(registry.right(0, 1, resource), conditions)).await;
    }
    for (resource, assurance, found) in [
        ("degrees/bachelor", None, "degrees/*"),
        ("degrees/doctor", Some("low"), "*"),
        ("degrees/master", None, "degrees/*"),
        ("degrees/*", None, "degrees/*"),
        ("licences/a", None, "*"),
    ] {
        let right = registry.right(0, 2, resource);
        let conditions = assurance.map_or(json!({}), |level| json!({ "assurance": level }));
        registry.act(1, "Grant", with_members(right.clone(), conditions)).await;
        let expected = parent(&registry, found).await;
        assert_eq!(parent_of(&registry, &right).await, expected, "{resource}");
    }
    let named = json!({ "parent": { "resource": "*", "grantor": registry.dids[0] } });
    let right = registry.right(0, 2, "degrees/magister");
    registry.act(1, "Grant", with_members(right.clone(), named.clone())).await;
    assert_eq!(parent_of(&registry, &right).await, parent(&registry, "*").await);
}

/// Author, action, right, further members, and name and field of the expected refusal.
type Refusal<'a> = (usize, &'a str, Value, Value, &'a str, &'a str);

async fn assert_refused(registry: &Registry, refusals: &[Refusal<'_>]) {
    for (author, action, right, members, name, field) in refusals {
        let params = with_members(registry.by(*author, right.clone()), members.clone());
        let found = registry.refusal(&format!("prepare{action}"), params.clone()).await;
        assert_eq!(found, ((*name).to_owned(), (*field).to_owned()), "{action} {params}");
    }
}

#[tokio::test]
async fn preparing_refuses_names_and_conditions_out_of_form() {
    let registry = Registry::seeded().await;
    let authority = registry.dids[0].as_str();
    let new = || registry.right(0, 3, "degrees/a");
    let held = || registry.right(0, 1, "degrees/*");
    let parent = json!({ "parent": { "resource": "degrees/*", "grantor": authority } });
    let elsewhere =
        with_members(parent.clone(), json!({ "authority": authority.replace("local", "other") }));
    let backwards = json!({
        "validFrom": "2024-01-01T00:00:00Z", "validUntil": "2023-01-01T00:00:00Z",
    });
    let absent = json!({ "author": authority.replace(&authority[15..20], "aaaaa") });
    let network = json!({ "author": registry.server.ledger.network_did() });
    assert_refused(
        &registry,
        &[
            (0, "Grant", new(), json!({ "action": "is sue" }), "INVALID_PARAMS", "action"),
            (0, "Grant", new(), json!({ "resource": "a*" }), "INVALID_PARAMS", "resource"),
            (0, "Grant", new(), json!({ "entity": "mailto:a@b.c" }), "INVALID_PARAMS", "entity"),
            (0, "Grant", new(), json!({ "assurance": "some" }), "INVALID_PARAMS", "assurance"),
            (0, "Grant", new(), json!({ "depth": 1 }), "INVALID_PARAMS", "depth"),
            (0, "Change", held(), parent.clone(), "TRUST_PARENT", "parent"),
            (1, "Grant", new(), elsewhere, "NETWORK_MISMATCH", "key/authority"),
            (0, "Grant", new(), parent, "TRUST_PARENT", "parent"),
            (0, "Grant", new(), json!({ "maxDepth": 0 }), "TRUST_CONDITIONS", "max_depth"),
            (0, "Grant", new(), json!({ "maxDepth": 8 }), "TRUST_CONDITIONS", "max_depth"),
            (0, "Grant", new(), json!({ "terms": "ftp://a.b/" }), "TRUST_CONDITIONS", "terms"),
            (0, "Grant", new(), backwards.clone(), "TRUST_CONDITIONS", "valid_until"),
            (0, "Change", held(), backwards.clone(), "TRUST_CONDITIONS", "valid_until"),
            (0, "Recognise", new(), backwards, "TRUST_CONDITIONS", "valid_until"),
            (1, "Recognise", new(), json!({}), "AUTHOR_MISMATCH", "author"),
            (0, "Grant", new(), absent, "DID_NOT_FOUND", "author"),
            (0, "Grant", new(), network, "DID_NOT_FOUND", "author"),
        ],
    )
    .await;
}

#[tokio::test]
async fn preparing_refuses_at_once_what_the_records_do_not_allow() {
    let registry = Registry::seeded().await;
    let beneath = || registry.right(0, 3, "degrees/a");
    let held = || registry.right(0, 1, "degrees/*");
    let none = || json!({});
    let named = |resource: &str, grantor: usize| {
        let grantor = &registry.dids[grantor];
        json!({ "parent": { "resource": resource, "grantor": grantor } })
    };
    let longer = json!({ "validUntil": "2034-01-01T00:00:00Z" });
    let issued = || registry.right(0, 2, "degrees/bachelor");
    let other = || registry.right(0, 3, "licences/a");
    let to_the_root = registry.right(0, 0, "degrees/a");
    let high = json!({ "assurance": "high" });
    let beyond = "TRUST_BEYOND_PARENT";
    assert_refused(
        &registry,
        &[
            (1, "Grant", other(), none(), "TRUST_PARENT_NOT_FOUND", "parent"),
            (3, "Grant", beneath(), none(), "TRUST_PARENT_NOT_FOUND", "parent"),
            (1, "Grant", beneath(), named("degrees/a", 0), "TRUST_PARENT_NOT_FOUND", "parent"),
            (1, "Grant", beneath(), named("degrees/*", 2), "TRUST_PARENT_NOT_FOUND", "parent"),
            (1, "Grant", other(), named("degrees/*", 0), beyond, "key/resource"),
            (1, "Grant", beneath(), high.clone(), beyond, "assurance"),
            (1, "Grant", beneath(), longer, beyond, "valid_until"),
            (1, "Change", issued(), high, beyond, "assurance"),
            (1, "Grant", beneath(), json!({ "maxDepth": 1 }), "TRUST_DEPTH", "max_depth"),
            (
                2,
                "Grant",
                registry.right(0, 3, "degrees/bachelor"),
                none(),
                "TRUST_DEPTH",
                "max_depth",
            ),
            (1, "Grant", to_the_root, none(), "TRUST_CYCLE", "key/entity"),
            (1, "Grant", registry.right(0, 1, "degrees/a"), none(), "TRUST_CYCLE", "key/entity"),
            (0, "Grant", held(), none(), "TRUST_EXISTS", "key"),
            (1, "Grant", issued(), none(), "TRUST_EXISTS", "key"),
            (0, "Suspend", issued(), none(), "TRUST_NOT_FOUND", "key"),
            (0, "Revoke", beneath(), none(), "TRUST_NOT_FOUND", "key"),
            (0, "Change", beneath(), none(), "TRUST_NOT_FOUND", "key"),
            (0, "Resume", held(), none(), "TRUST_STATUS", "key"),
            (0, "Derecognise", held(), none(), "TRUST_NOT_FOUND", "key"),
        ],
    )
    .await;
    registry.act(0, "Suspend", held()).await;
    registry.act(1, "Revoke", issued()).await;
    registry.act(0, "Recognise", other()).await;
    registry.act(0, "Derecognise", other()).await;
    assert_refused(
        &registry,
        &[
            (1, "Grant", beneath(), none(), "TRUST_PARENT_NOT_LIVE", "parent"),
            (1, "Resume", issued(), none(), "TRUST_STATUS", "key"),
            (1, "Change", issued(), none(), "TRUST_STATUS", "key"),
            (0, "Derecognise", other(), none(), "TRUST_STATUS", "key"),
        ],
    )
    .await;
    registry.act(0, "Resume", held()).await;
    registry.deactivate(0).await;
    assert_refused(
        &registry,
        &[
            (1, "Grant", beneath(), none(), "TRUST_PARENT_NOT_LIVE", "parent"),
            (0, "Revoke", held(), none(), "DID_DEACTIVATED", "author"),
        ],
    )
    .await;
}
