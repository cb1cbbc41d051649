//! Tests of `idem agent` as scripts call it: a delegation signed by both parties, a delegation
//! below it, and their suspension and revocation.

use registry_tests::cluster::Localnet;
use serde_json::Value;

use super::trust::Party;

/// Returns true if the agent may answer mail, and the principal that is responsible for it.
fn verify(network: &Localnet, agent: &str, resource: &str) -> (bool, Option<String>) {
    let asked = ["agent", "verify", agent, "--action", "reply", "--resource", resource];
    let answer = network.done(0, &asked);
    let principal = answer["principal"].as_str().map(str::to_owned);
    (answer["permitted"] == true, principal)
}

fn delegate(principal: &Party<'_>, agent: &Party<'_>, more: &[&str]) -> (i32, Value, String) {
    let keys = ["--keys", &principal.keys, "--cosigner-keys", &agent.keys];
    let to = ["agent", "delegate", &agent.did, "--valid-until", "2033-01-01T00:00:00Z"];
    let what = ["--action", "reply"];
    principal.network.idem(0, &[&to[..], &keys, &what, more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_act_for_their_principals_until_they_are_stopped() {
    let network = Localnet::start(1, 0).await;
    let [owner, agent, helper] =
        ["owner.json", "agent.json", "helper.json"].map(|name| Party::new(&network, name));
    let (code, made, errors) =
        delegate(&owner, &agent, &["--resource", "mail/*", "--max-depth", "1"]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(made["agent"], agent.did.as_str());
    let (code, _, errors) = delegate(&agent, &helper, &["--resource", "mail/inbox"]);
    assert_eq!(code, 0, "{errors}");
    let by_owner = Some(owner.did.clone());
    assert_eq!(verify(&network, &helper.did, "mail/inbox"), (true, by_owner.clone()));
    assert_eq!(verify(&network, &helper.did, "mail/sent"), (false, by_owner.clone()));

    let (code, _, errors) = delegate(&agent, &helper, &["--resource", "letters/*"]);
    assert_ne!(code, 0);
    assert!(errors.contains("AGENT_BEYOND_PRINCIPAL"), "{errors}");

    let stop = ["agent", "suspend", &agent.did, "--keys", &owner.keys];
    network.done(0, &stop);
    assert_eq!(verify(&network, &helper.did, "mail/inbox"), (false, by_owner.clone()));
    network.done(0, &["agent", "resume", &agent.did, "--keys", &owner.keys]);
    assert_eq!(verify(&network, &helper.did, "mail/inbox"), (true, by_owner));

    network.done(0, &["agent", "revoke", &helper.did, "--keys", &helper.keys]);
    let shown = network.done(0, &["agent", "show", &helper.did]);
    assert_eq!((&shown["status"], &shown["by"]), (&"revoked".into(), &helper.did.as_str().into()));
    assert!(!verify(&network, &helper.did, "mail/inbox").0);
}
