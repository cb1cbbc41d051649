//! Vectors of grants: parents, cycles, depth, attenuation and the room in a record.

use registry_core::code::Code;
use registry_core::limits::TRUST_ENDED_KEPT_MS;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation};
use registry_core::trust::{Assurance, Conditions, Parent};

use super::{
    DEGREE, FIELD, PARTIES, Parties, accreditation, accredited, licence, next, of, registered,
    then, with_body, with_issuer,
};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::status::seal_by_method;
use crate::support::trust::{
    Party, change_of, depth, grant, parent, revoke, right, suspend, trust_operation,
};

fn until(time_ms: u64) -> Conditions {
    Conditions { valid_until: Some(time_ms), ..depth(1) }
}

fn from(time_ms: u64) -> Conditions {
    Conditions { valid_from: Some(time_ms), ..depth(1) }
}

fn assured(assurance: Assurance) -> Conditions {
    Conditions { assurance: Some(assurance), ..depth(1) }
}

/// Returns a ledger with a chain of `count` grants that starts at the authority, and the last party
/// of the chain. Each grant allows as much depth as it can.
fn long_chain(count: u8) -> (Ledger, Party) {
    let mut ledger = registered();
    let mut last = PARTIES.authority.clone();
    let mut above: Option<Parent> = None;
    for place in 1..=count {
        let party = Party::new(100 + 3 * place);
        let conditions = if place < 8 { depth(8 - place) } else { Conditions::default() };
        let granted = last.signs(&ledger, grant(&of(FIELD, &party), above.take(), conditions));
        ledger.after(1_000, &[party.create.clone(), granted]);
        above = parent(FIELD, &last.did);
        last = party;
    }
    (ledger, last)
}

pub(super) fn add(all: &mut Catalogue) {
    add_granted(all);
    add_entities(all);
    add_room(all);
    add_room_after_the_end(all);
    add_parents(all);
    add_live(all);
    add_cycles(all);
    add_depths(all);
    add_resources(all);
    add_beyond(all);
}

fn add_granted(all: &mut Catalogue) {
    let Parties { authority, body, other, .. } = &*PARTIES;
    let empty = registered();
    let rule = "An authority grants a right.";
    let at = next(&empty, authority, accreditation(body, depth(1)));
    all.applied_at("trust_grant_by_authority", rule, &at);
    let ledger = with_body(depth(1));
    let rule = "Who is accredited grants on.";
    let at = next(&ledger, body, licence(Conditions::default()));
    all.applied_at("trust_grant_by_accredited", rule, &at);
    let rule = "A grant counts for the operations after it in the block.";
    let accredits = authority.signs(&empty, accreditation(body, depth(1)));
    let after = empty.with(std::slice::from_ref(&accredits));
    let licences = body.signs(&after, licence(Conditions::default()));
    let at = At::new(&empty, 1_000, licences).following(accredits);
    all.applied_at("trust_grant_in_the_block_of_its_parent", rule, &at);
    let rule = "A suspension counts for the operations after it in the block.";
    let suspends = authority.signs(&ledger, suspend(&of(FIELD, body)));
    let at = next(&ledger, body, licence(Conditions::default())).following(suspends);
    let code = Code::TrustParentNotLive;
    all.refused_at("trust_grant_in_the_block_of_a_suspension", rule, code, &at);
    let mut two = with_issuer(depth(1), Conditions::default());
    then(&mut two, authority, accreditation(other, depth(1)));
    let rule = "Several parties grant the same right, each for itself.";
    let at = next(&two, other, licence(Conditions::default()));
    all.applied_at("trust_grant_by_second_grantor", rule, &at);
    let at = next(&two, authority, grant(&of(DEGREE, &PARTIES.issuer), None, depth(1)));
    all.applied_at("trust_grant_by_authority_beside_others", rule, &at);
    let rule = "The parent named limits, though another would allow more.";
    let second = of("degrees/law", body);
    then(&mut two, other, grant(&second, accredited(), Conditions::default()));
    let law = of("degrees/law", &PARTIES.issuer);
    let from = |above| next(&two, body, grant(&law, above, Conditions::default()));
    let flat = parent("degrees/law", &other.did);
    all.refused_at("trust_grant_from_the_flat_parent", rule, Code::TrustDepth, &from(flat));
    all.applied_at("trust_grant_from_the_deep_parent", rule, &from(accredited()));
    let start = registered().head.time;
    let ended = with_issuer(depth(1), Conditions { max_depth: None, ..until(start + 3_000) });
    let rule = "A grant that has ended is granted anew.";
    let at = next(&ended, body, licence(Conditions::default()));
    all.applied_at("trust_grant_after_its_end", rule, &at);
    let lasting = with_issuer(depth(1), Conditions { max_depth: None, ..until(start + 3_001) });
    let rule = "A grant that ends with the next millisecond has not ended.";
    let at = next(&lasting, body, licence(Conditions::default()));
    all.refused_at("trust_grant_before_its_end", rule, Code::TrustExists, &at);
}

fn add_entities(all: &mut Catalogue) {
    let ledger = registered();
    let rule = "An entity is a URI: of another method, another network or the web.";
    let elsewhere = PARTIES.issuer.id().replace(":local:", ":other:");
    for (name, entity) in [
        ("did_web", "did:web:university.example"),
        ("other_network", elsewhere.as_str()),
        ("web", "https://university.example/issuer"),
        ("uuid", "urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    ] {
        let key = right(&PARTIES.authority.did, DEGREE, entity);
        let at = next(&ledger, &PARTIES.authority, grant(&key, None, Conditions::default()));
        all.applied_at(&format!("trust_grant_to_{name}"), rule, &at);
    }
    let rule = "A resource is a path or an https URL, with up to 6 segments.";
    for (name, resource) in [
        ("a_url", "https://types.example/degree"),
        ("a_url_of_6_segments", "https://2/3/4/5/6"),
        ("all_urls", "https://*"),
        ("dots_in_a_name", "v1.0/..degree"),
    ] {
        let key = right(&PARTIES.authority.did, resource, &PARTIES.issuer.id());
        let at = next(&ledger, &PARTIES.authority, grant(&key, None, Conditions::default()));
        all.applied_at(&format!("trust_grant_on_{name}"), rule, &at);
    }
    let unknown = Party::new(90);
    let rule = "An entity need not be registered.";
    let at = next(&ledger, &PARTIES.authority, accreditation(&unknown, Conditions::default()));
    all.applied_at("trust_grant_to_unregistered", rule, &at);
}

/// Returns a ledger with four accredited bodies, and these bodies. The first three have granted the
/// degree to the issuer.
fn crowded() -> (Ledger, [Party; 4]) {
    crowded_until([None; 4])
}

/// Returns such a ledger in which these accreditations end at some time.
fn crowded_until(ends: [Option<u64>; 4]) -> (Ledger, [Party; 4]) {
    let bodies = [50, 53, 56, 59].map(Party::new);
    let mut ledger = registered();
    ledger.after(1_000, &bodies.each_ref().map(|body| body.create.clone()));
    let mut ends = ends.into_iter();
    let accreditations = bodies.each_ref().map(|body| {
        let conditions = Conditions { valid_until: ends.next().flatten(), ..depth(1) };
        PARTIES.authority.signs(&ledger, accreditation(body, conditions))
    });
    ledger.after(1_000, &accreditations);
    for body in &bodies[..3] {
        then(&mut ledger, body, licence(Conditions::default()));
    }
    (ledger, bodies)
}

fn add_room(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let (ledger, bodies) = crowded();
    let fourth = || licence(Conditions::default());
    let rule = "Three others than the authority grant a right at most.";
    let at = next(&ledger, &bodies[3], fourth());
    all.refused_at("trust_grant_by_fourth_body", rule, Code::TrustFull, &at);
    let rule = "The authority has room of its own.";
    let at = next(&ledger, &PARTIES.authority, grant(&key, None, Conditions::default()));
    all.applied_at("trust_grant_by_authority_beside_three", rule, &at);
    let mut suspended = ledger.clone();
    then(&mut suspended, &bodies[0], suspend(&key));
    let rule = "A suspended grant makes no room.";
    let at = next(&suspended, &bodies[3], fourth());
    all.refused_at("trust_grant_by_fourth_body_beside_suspended", rule, Code::TrustFull, &at);
    let mut revoked = ledger.clone();
    then(&mut revoked, &bodies[2], revoke(&key));
    then(&mut revoked, &bodies[1], revoke(&key));
    let rule = "The first revoked grant makes room.";
    let at = next(&revoked, &bodies[3], fourth());
    all.applied_at("trust_grant_in_place_of_revoked", rule, &at);
    let rule = "Who revoked its own grant takes its own place again.";
    let at = next(&revoked, &bodies[2], fourth());
    all.applied_at("trust_grant_in_place_of_own", rule, &at);
    let mut expelled = ledger.clone();
    then(&mut expelled, &PARTIES.authority, suspend(&of(FIELD, &bodies[1])));
    let rule = "A grant whose chain may be resumed makes no room.";
    let at = next(&expelled, &bodies[3], fourth());
    all.refused_at("trust_grant_by_fourth_beside_suspended_body", rule, Code::TrustFull, &at);
    then(&mut expelled, &PARTIES.authority, revoke(&of(FIELD, &bodies[1])));
    let rule = "A grant of a body that is no longer accredited makes room.";
    let at = next(&expelled, &bodies[3], fourth());
    all.applied_at("trust_grant_in_place_of_expelled_body", rule, &at);
    let mut gone = ledger;
    let deactivates = bodies[0].deactivating(&gone);
    gone.after(1_000, &[deactivates]);
    let rule = "A grant of a deactivated body makes room.";
    let at = next(&gone, &bodies[3], fourth());
    all.applied_at("trust_grant_in_place_of_deactivated_body", rule, &at);
}

/// Returns the case in which the fourth body grants the degree at a block time.
fn fourth(ledger: &Ledger, at_ms: u64) -> At<'_> {
    let (party, action) = (Party::new(59), licence(Conditions::default()));
    let operation = trust_operation(ledger, &party.did, action);
    let operation = Operation { until: Some(at_ms + 60_000), ..operation };
    At::new(ledger, at_ms - ledger.head.time, seal_by_method(&operation, party.key))
}

fn add_room_after_the_end(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let start = registered().head.time;
    let end = start + 60_000;
    let free = end + TRUST_ENDED_KEPT_MS;
    let (ledger, bodies) = crowded_until([None, Some(end), None, None]);
    let rule = "A grant keeps its place for 30 days after its chain has ended.";
    let at = fourth(&ledger, free - 1);
    all.refused_at("trust_grant_before_an_ended_body_gives_way", rule, Code::TrustFull, &at);
    let rule = "A grant of a body whose accreditation ended 30 days ago makes room.";
    let at = fourth(&ledger, free);
    all.applied_at("trust_grant_in_place_of_ended_body", rule, &at);
    let mut suspended = ledger.clone();
    then(&mut suspended, &bodies[1], suspend(&key));
    let rule = "What ended 30 days ago makes room, though it is suspended.";
    let at = fourth(&suspended, free);
    all.applied_at("trust_grant_in_place_of_ended_and_suspended", rule, &at);
    let mut revoked = ledger;
    then(&mut revoked, &bodies[2], revoke(&key));
    let rule = "What is revoked makes room before what has ended.";
    let at = fourth(&revoked, free);
    all.applied_at("trust_grant_in_place_of_revoked_beside_ended", rule, &at);
    let (ledger, _) = crowded_until([Some(end + 1), Some(end), Some(end + 2), None]);
    let rule = "What ended first makes room first.";
    let at = fourth(&ledger, free + 2);
    all.applied_at("trust_grant_in_place_of_the_first_to_end", rule, &at);
    let (mut own, bodies) = crowded();
    let ends = Conditions { valid_until: Some(end), ..Conditions::default() };
    then(&mut own, &bodies[2], change_of(&key, ends));
    let rule = "A grant that itself ended 30 days ago makes room.";
    let at = fourth(&own, free);
    all.applied_at("trust_grant_in_place_of_ended_grant", rule, &at);
    let (mut late, bodies) = crowded();
    then(&mut late, &PARTIES.authority, change_of(&of(FIELD, &bodies[1]), until(start)));
    let rule = "A window that is set after its own end ends when it is set.";
    let at = fourth(&late, late.head.time + TRUST_ENDED_KEPT_MS - 1);
    all.refused_at("trust_grant_before_a_late_end_gives_way", rule, Code::TrustFull, &at);
    let at = fourth(&late, late.head.time + TRUST_ENDED_KEPT_MS);
    all.applied_at("trust_grant_in_place_of_late_end", rule, &at);
}

fn add_parents(all: &mut Catalogue) {
    let Parties { authority, body, other, issuer, stranger } = &*PARTIES;
    let ledger = with_body(depth(1));
    let code = Code::TrustParentNotFound;
    let mut refused = |name: &str, rule: &str, party: &Party, above: Option<Parent>| {
        let action = grant(&of(DEGREE, issuer), above, Conditions::default());
        let at = next(&ledger, party, action);
        all.refused_at(&format!("trust_parent_{name}"), rule, code, &at);
    };
    let rule = "Only who holds a right grants it on.";
    refused("of_stranger", rule, stranger, accredited());
    let rule = "The parent is one that the grantor named granted.";
    refused("by_other_grantor", rule, body, parent(FIELD, &other.did));
    refused("by_itself", rule, body, parent(FIELD, &body.did));
    let mut elsewhere = authority.did.clone();
    elsewhere.network = "other".parse().expect("a name");
    refused("by_grantor_elsewhere", rule, body, parent(FIELD, &elsewhere));
    let rule = "The parent is of the resource named.";
    refused("of_other_resource", rule, body, parent(DEGREE, &authority.did));
    let rule = "The parent is of the same authority.";
    let under = |above| grant(&right(&other.did, DEGREE, &issuer.id()), above, depth(1));
    let at = next(&ledger, body, under(accredited()));
    all.refused_at("trust_parent_of_other_authority", rule, code, &at);
    let rule = "The parent is of the same action.";
    let mut key: TrustKey = of(DEGREE, issuer);
    key.action = "verify".parse().expect("an action");
    let at = next(&ledger, body, grant(&key, accredited(), Conditions::default()));
    all.refused_at("trust_parent_of_other_action", rule, code, &at);
}

fn add_live(all: &mut Catalogue) {
    let Parties { authority, body, other, issuer, .. } = &*PARTIES;
    let (code, key) = (Code::TrustParentNotLive, of(FIELD, body));
    let rule = "The chain above is live at block time.";
    let licences = |ledger: &Ledger| body.signs(ledger, licence(Conditions::default()));
    for (name, step) in [("suspended", suspend(&key)), ("revoked", revoke(&key))] {
        let mut ledger = with_body(depth(1));
        then(&mut ledger, authority, step);
        let at = At::new(&ledger, 1_000, licences(&ledger));
        all.refused_at(&format!("trust_parent_{name}"), rule, code, &at);
    }
    let mut deactivated = with_body(depth(1));
    let deactivates = authority.deactivating(&deactivated);
    deactivated.after(1_000, &[deactivates]);
    let at = At::new(&deactivated, 1_000, licences(&deactivated));
    all.refused_at("trust_parent_of_deactivated_authority", rule, code, &at);
    let at_ms = registered().head.time + 10_000;
    let mut window = |name: &str, conditions: Conditions, good: bool| {
        let ledger = with_body(conditions);
        let at = At::new(&ledger, at_ms - ledger.head.time, licences(&ledger));
        let name = format!("trust_parent_{name}");
        match good {
            true => all.applied_at(&name, rule, &at),
            false => all.refused_at(&name, rule, code, &at),
        }
    };
    window("from_now", from(at_ms), true);
    window("from_the_next_millisecond", from(at_ms + 1), false);
    window("in_its_last_millisecond", until(at_ms + 1), true);
    window("until_now", until(at_ms), false);
    // The authority accredits a body, which accredits another body, which grants the degree.
    let mut deep = with_body(depth(2));
    then(&mut deep, body, grant(&of(FIELD, other), accredited(), depth(1)));
    let last = || grant(&of(DEGREE, issuer), parent(FIELD, &body.did), Conditions::default());
    let rule = "Every link above is live.";
    let mut above = |name: &str, steps: &[Action]| {
        let mut ledger = deep.clone();
        for step in steps {
            then(&mut ledger, authority, step.clone());
        }
        let at = next(&ledger, other, last());
        all.refused_at(&format!("trust_chain_{name}"), rule, code, &at);
    };
    above("suspended_above_parent", &[suspend(&key)]);
    above("granted_anew_above_parent", &[revoke(&key), accreditation(body, depth(2))]);
    above("made_too_deep_above_parent", &[change_of(&key, Conditions::default())]);
    let mut ended = deep.clone();
    let deactivates = body.deactivating(&ended);
    ended.after(1_000, &[deactivates]);
    let at = next(&ended, other, last());
    all.refused_at("trust_chain_deactivated_above_parent", rule, code, &at);
    let rule = "A grant beneath two others.";
    all.applied_at("trust_grant_of_depth_3", rule, &next(&deep, other, last()));
}

fn add_cycles(all: &mut Catalogue) {
    let Parties { authority, body, other, .. } = &*PARTIES;
    let code = Code::TrustCycle;
    let rule = "Nobody stands above itself.";
    let mut ledger = with_body(depth(7));
    then(&mut ledger, body, grant(&of(FIELD, other), accredited(), depth(6)));
    let from_body = || parent(FIELD, &body.did);
    for (name, party, entity, above) in [
        ("to_itself_by_authority", authority, authority, None),
        ("to_itself", body, body, accredited()),
        ("to_the_authority", body, authority, accredited()),
        ("to_the_grantor_above", other, body, from_body()),
        ("to_itself_beneath", other, other, from_body()),
        ("to_the_authority_above", other, authority, from_body()),
    ] {
        let at = next(&ledger, party, grant(&of(DEGREE, entity), above, Conditions::default()));
        all.refused_at(&format!("trust_cycle_{name}"), rule, code, &at);
    }
}

fn add_depths(all: &mut Catalogue) {
    let Parties { body, issuer, .. } = &*PARTIES;
    let code = Code::TrustDepth;
    let rule = "Who may not grant on does not.";
    let flat = with_body(Conditions::default());
    let at = next(&flat, body, licence(Conditions::default()));
    all.refused_at("trust_depth_none", rule, code, &at);
    let rule = "A depth counts the grants that may follow beneath the new one.";
    let ledger = with_body(depth(2));
    all.refused_at(
        "trust_depth_as_the_parents",
        rule,
        code,
        &next(&ledger, body, licence(depth(2))),
    );
    all.applied_at("trust_depth_one_less", rule, &next(&ledger, body, licence(depth(1))));
    let (seven, last) = long_chain(7);
    let above = Party::new(100 + 3 * 6);
    let eighth = grant(&of(DEGREE, issuer), parent(FIELD, &above.did), Conditions::default());
    let rule = "A chain has eight grants at most.";
    all.applied_at("trust_grant_eighth_of_chain", rule, &next(&seven, &last, eighth));
    let (eight, last) = long_chain(8);
    let above = Party::new(100 + 3 * 7);
    let ninth = grant(&of(DEGREE, issuer), parent(FIELD, &above.did), Conditions::default());
    all.refused_at("trust_grant_ninth_of_chain", rule, code, &next(&eight, &last, ninth));
    let rule = "Every grant above limits the depth, not the nearest alone.";
    let mut narrowed = with_body(depth(3));
    let other = &PARTIES.other;
    then(&mut narrowed, body, grant(&of(FIELD, other), accredited(), depth(2)));
    then(&mut narrowed, &PARTIES.authority, change_of(&of(FIELD, body), depth(2)));
    let last = grant(&of(DEGREE, issuer), parent(FIELD, &body.did), depth(1));
    all.refused_at("trust_depth_narrowed_above", rule, code, &next(&narrowed, other, last));
}

fn add_resources(all: &mut Catalogue) {
    let body = &PARTIES.body;
    let mut case = |name: &str, held: &str, given: &str, good: bool| {
        let mut ledger = registered();
        then(&mut ledger, &PARTIES.authority, grant(&of(held, body), None, depth(1)));
        let above = parent(held, &PARTIES.authority.did);
        let action = grant(&of(given, &PARTIES.issuer), above, Conditions::default());
        let at = next(&ledger, body, action);
        let rule = "A pattern covers what begins as it does up to its star, a resource itself.";
        let name = format!("trust_resource_{name}");
        match good {
            true => all.applied_at(&name, rule, &at),
            false => all.refused_at(&name, rule, Code::TrustBeyondParent, &at),
        }
    };
    case("itself", "degrees", "degrees", true);
    case("two_beneath_a_pattern", "degrees/*", "degrees/law/master", true);
    case("pattern_beneath_a_pattern", "degrees/*", "degrees/law/*", true);
    case("pattern_itself", "degrees/*", "degrees/*", true);
    case("all_beneath_all", "*", "*", true);
    case("any_beneath_all", "*", "licences/pilot", true);
    case("of_another_prefix", "degrees/*", "licences/pilot", false);
    case("of_a_longer_segment", "degrees/*", "degreesx/law", false);
    case("before_the_star", "degrees/*", "degrees", false);
    case("pattern_above_a_pattern", "degrees/law/*", "degrees/*", false);
    case("all_beneath_a_pattern", "degrees/*", "*", false);
    case("pattern_beneath_a_resource", "degrees", "degrees/*", false);
    case("beneath_a_resource", "degrees", "degrees/law", false);
}

fn add_beyond(all: &mut Catalogue) {
    let Parties { authority, body, other, issuer, .. } = &*PARTIES;
    let code = Code::TrustBeyondParent;
    let start = registered().head.time;
    let mut case = |name: &str, rule: &str, held: Conditions, given: Conditions, good: bool| {
        let ledger = with_body(Conditions { max_depth: Some(7), ..held });
        let at = next(&ledger, body, licence(given));
        let name = format!("trust_{name}");
        match good {
            true => all.applied_at(&name, rule, &at),
            false => all.refused_at(&name, rule, code, &at),
        }
    };
    let rule = "A window lies within that of the chain.";
    case("window_as_the_parents", rule, until(start + 9_000), until(start + 9_000), true);
    case("window_beyond_the_end", rule, until(start + 9_000), until(start + 9_001), false);
    case("window_begins_with_the_chain", rule, from(start), from(start), true);
    case("window_before_the_chain", rule, from(start), from(start - 1), false);
    let rule = "A grant without a window has that of the chain.";
    case("window_of_the_chain", rule, until(start + 9_000), Conditions::default(), true);
    let rule = "An assurance is at most that of the chain.";
    let [low, high] = [Assurance::Low, Assurance::High].map(assured);
    case("assurance_as_the_parents", rule, high.clone(), high.clone(), true);
    case("assurance_below_the_parents", rule, high.clone(), Conditions::default(), true);
    case("assurance_above_the_parents", rule, low.clone(), high.clone(), false);
    let (all_high, rule) = (Conditions { max_depth: Some(2), ..high }, "Every grant above limits.");
    let mut ledger = with_body(all_high.clone());
    let second = Conditions { max_depth: Some(1), ..all_high.clone() };
    then(&mut ledger, body, grant(&of(FIELD, other), accredited(), second.clone()));
    let lowered = Conditions { max_depth: Some(2), ..low };
    then(&mut ledger, authority, change_of(&of(FIELD, body), lowered));
    let high = Conditions { max_depth: None, ..second };
    let action = grant(&of(DEGREE, issuer), parent(FIELD, &body.did), high);
    all.refused_at("trust_assurance_lowered_above", rule, code, &next(&ledger, other, action));
}
