//! Vectors of DIDs as members of sets: which sets they may be in, how they are counted, and what
//! happens when they are deactivated.

use registry_core::code::Code;
use registry_core::did::{Document, Member, Sets};
use registry_core::id::Did;
use registry_core::operation::Action;

use crate::case_operations::{
    changing, plain_create, plain_did, plain_sets, registered, rotated_sets, rotating,
};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::{
    DELAY_MS, Key, create, did_member, did_of, ed, for_members, key_member, key_set, key_set_of,
    next_set_of, recover, recovery, reveal, rotate, seal, seal_by, seal_for_members, single,
    update,
};

pub(crate) fn add(all: &mut Catalogue) {
    add_members(all);
    add_boards(all);
    add_own(all);
    add_reach(all);
    add_completions(all);
}

fn add_members(all: &mut Catalogue) {
    let mut ledger = registered();
    let (did, missing) = (plain_did(), did_of(&create(plain_sets(), document(), 9)));
    let rule = "A member DID is registered.";
    let code = Code::MemberNotFound;
    let with = |did: &Did| key_set(1, vec![did_member(did), key_member(&ed(30))]);
    let control = Sets { control: with(&missing), ..rotated_sets() };
    let at = At::new(&ledger, 1_000, seal(&create(control, document(), 5), &[ed(30)]));
    all.refused_at("member_did_not_registered", rule, code, &at);
    let recovery = Sets { recovery: crate::support::recovery(with(&missing)), ..rotated_sets() };
    let at = At::new(&ledger, 1_000, seal(&create(recovery, document(), 5), &[ed(20)]));
    all.refused_at("recovery_member_did_not_registered", rule, code, &at);
    let rule = "A member DID signs by its own control keys.";
    let sets = Sets { control: key_set(1, vec![did_member(&did)]), ..rotated_sets() };
    let child = create(sets, document(), 5);
    let at = At::new(&ledger, 1_000, seal_for_members(&child, &[(&did, ed(10))]));
    all.applied_at("create_controlled_by_did", rule, &at);
    let at = At::new(&ledger, 1_000, seal_for_members(&child, &[(&did, ed(11))]));
    all.refused_at("create_controlled_by_did_signed_by_its_next", rule, Code::SignerNotMember, &at);
    ledger.after(1_000, &[seal_for_members(&child, &[(&did, ed(10))])]);
    let grandchild = Sets { control: with(&did_of(&child)), ..rotated_sets() };
    let rule = "A member DID does not sign by its member DIDs.";
    let grandchild = create(grandchild, document(), 6);
    let by = seal_for_members(&grandchild, &[(&did_of(&child), ed(10))]);
    let at = At::new(&ledger, 1_000, by);
    all.refused_at("member_did_of_member_did", rule, Code::SignerNotMember, &at);
    let at = At::new(&ledger, 1_000, seal_for_members(&grandchild, &[(&did, ed(10))]));
    all.refused_at("member_did_that_is_no_member", rule, Code::SignerNotMember, &at);
    let rule = "A key that signs for a member DID names it.";
    let sets = Sets { control: key_set(1, vec![did_member(&did)]), ..rotated_sets() };
    let unnamed = seal(&create(sets, document(), 8), &[ed(10)]);
    let at = At::new(&ledger, 1_000, unnamed);
    all.refused_at("member_did_not_named", rule, Code::SignerNotMember, &at);
    let rule = "A key that is a member itself signs for no DID.";
    let own = seal_for_members(&grandchild, &[(&did_of(&child), ed(30))]);
    let at = At::new(&ledger, 1_000, own);
    all.refused_at("member_key_names_a_did", rule, Code::SignerNotMember, &at);
    let rule = "The next set has no DIDs, so none is named there.";
    let next = rotating(&ledger, 2, &[ed(11)], rotated_sets());
    let next = for_members(&next, &[(&did, ed(11))]);
    all.refused("rotate_by_key_of_named_did", rule, Code::SignatureRole, &next);
    ledger.after(1_000, &[rotating(&ledger, 2, &[ed(11)], rotated_sets())]);
    let rule = "A member DID signs by the control keys that it has now.";
    let envelope = |key| {
        let action = update(Document::default());
        for_members(&changing(&ledger, &did_of(&child), 9, action, &[key]), &[(&did, key)])
    };
    let at = At::new(&ledger, 1_000, envelope(ed(20)));
    all.applied_at("member_did_signs_by_rotated_in_key", rule, &at);
    let at = At::new(&ledger, 1_000, envelope(ed(10)));
    all.refused_at("member_did_signs_by_rotated_out_key", rule, Code::SignerNotMember, &at);
    add_member_thresholds(all);
}

/// Adds two DIDs whose control sets share key 50. One needs 2 of the keys 50 and 51, the other 1 of
/// the keys 50 and 52.
fn add_member_thresholds(all: &mut Catalogue) {
    let set =
        |threshold, keys: &[Key]| Sets { control: key_set_of(threshold, keys), ..plain_sets() };
    let both = create(set(2, &[ed(50), ed(51)]), document(), 1);
    let either = create(set(1, &[ed(50), ed(52)]), document(), 2);
    let apart = create(set(1, &[ed(53)]), document(), 3);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&both, &[ed(50), ed(51)]), seal(&either, &[ed(50)])]);
    ledger.after(1_000, &[seal(&apart, &[ed(53)])]);
    let (both, either, apart) = (did_of(&both), did_of(&either), did_of(&apart));
    let child = |threshold, members: Vec<Member>, of: &[(&Did, Key)]| {
        let sets = Sets { control: key_set(threshold, members), ..rotated_sets() };
        At::new(&ledger, 1_000, seal_for_members(&create(sets, document(), 5), of))
    };
    let code = Code::ThresholdNotMet;
    let rule = "A member DID counts when its own threshold is met.";
    let one = || vec![did_member(&both)];
    let at = child(1, one(), &[(&both, ed(50)), (&both, ed(51))]);
    all.applied_at("member_did_meets_its_threshold", rule, &at);
    let at = child(1, one(), &[(&both, ed(50))]);
    all.refused_at("member_did_misses_its_threshold", rule, code, &at);
    let rule = "A signature counts for the member DID that it names.";
    let two = || vec![did_member(&both), did_member(&either)];
    let named = [(&both, ed(50)), (&both, ed(51)), (&either, ed(52))];
    all.applied_at("member_dids_by_distinct_keys", rule, &child(2, two(), &named));
    let at = child(2, two(), &[(&either, ed(50)), (&both, ed(51)), (&either, ed(52))]);
    all.refused_at("member_dids_by_shared_key", rule, code, &at);
    let at = child(2, two(), &[(&both, ed(50)), (&both, ed(52))]);
    all.refused_at("member_did_by_key_of_another", rule, Code::SignerNotMember, &at);
    let rule = "A key signs once in a role, also if two members share it.";
    let sets = Sets { control: key_set(2, two()), ..rotated_sets() };
    let signed = create(sets, document(), 5);
    let of = named.into_iter().chain([(&either, ed(50))]);
    let twice = seal_by(&signed, of.map(|(did, key)| (Some(did), key)));
    all.refused("member_dids_by_one_key_twice", rule, Code::SignatureOrder, &twice);
    let rule = "A key that is a member itself does not count for a member DID too.";
    let mixed = || vec![key_member(&ed(50)), did_member(&either)];
    let by = |of: &[(Option<&Did>, Key)]| {
        let sets = Sets { control: key_set(2, mixed()), ..rotated_sets() };
        seal_by(&create(sets, document(), 5), of.iter().copied())
    };
    let at = At::new(&ledger, 1_000, by(&[(None, ed(50)), (Some(&either), ed(52))]));
    all.applied_at("member_key_and_member_did_by_distinct_keys", rule, &at);
    let shared = by(&[(None, ed(50)), (Some(&either), ed(50))]);
    all.refused("member_key_and_member_did_by_shared_key", rule, Code::SignatureOrder, &shared);
    let rule = "A member DID counts once, however many of its keys sign.";
    let members = vec![did_member(&both), did_member(&apart)];
    let at = child(2, members, &[(&both, ed(50)), (&both, ed(51))]);
    all.refused_at("member_did_counts_once", rule, code, &at);
    add_shared(all);
}

/// Adds three DIDs that share all keys which sign: 1 of 54 and 55, 2 of 54 and 56, 2 of 55 and 57.
/// Two of them have enough signatures, whichever order the members and the keys stand in.
fn add_shared(all: &mut Catalogue) {
    let sets = [(1, [54, 55]), (2, [54, 56]), (2, [55, 57])];
    let owners = sets.map(|(threshold, keys)| {
        let keys = keys.map(ed);
        let control = key_set_of(threshold, &keys);
        (create(Sets { control, ..plain_sets() }, document(), 1), keys)
    });
    let mut ledger = Ledger::new();
    ledger.after(1_000, &owners.each_ref().map(|(owner, keys)| seal(owner, keys)));
    let [first, second, third] = owners.each_ref().map(|(owner, _)| did_of(owner));
    let members = [&first, &second, &third].map(did_member).to_vec();
    let sets = Sets { control: key_set(2, members), ..rotated_sets() };
    let child = create(sets, document(), 5);
    let by = |of: &[(&Did, Key)]| At::new(&ledger, 1_000, seal_for_members(&child, of));
    let rule = "Names settle which member a shared key counts for.";
    let at = by(&[(&first, ed(55)), (&second, ed(54)), (&second, ed(56))]);
    all.applied_at("member_dids_that_share_their_keys", rule, &at);
    let at = by(&[(&first, ed(54)), (&third, ed(55)), (&third, ed(57))]);
    all.applied_at("member_dids_that_share_their_keys_otherwise", rule, &at);
    let at = by(&[(&first, ed(54)), (&first, ed(55)), (&second, ed(56))]);
    let code = Code::ThresholdNotMet;
    all.refused_at("member_dids_that_share_their_keys_misnamed", rule, code, &at);
}

/// Adds a board of three DIDs. Its next set holds a commitment of each member to a key of its own,
/// so whoever steals the control keys of two members rotates nothing.
fn add_boards(all: &mut Catalogue) {
    let mut ledger = Ledger::new();
    let owners = [60, 63, 66].map(|seed| single(&ed(seed), &ed(seed + 1), &ed(seed + 2)));
    let owners = owners.map(|sets| create(sets, document(), 1));
    let creates = owners.iter().zip([60, 63, 66]).map(|(owner, seed)| seal(owner, &[ed(seed)]));
    ledger.after(1_000, &creates.collect::<Vec<_>>());
    let members = owners.iter().map(|owner| did_member(&did_of(owner))).collect();
    let own = [ed(70), ed(71), ed(72)];
    let sets = Sets { control: key_set(2, members), next: next_set_of(2, &own), recovery: None };
    let board = create(sets, document(), 4);
    let by = owners.each_ref().map(did_of);
    let by = [(&by[0], ed(60)), (&by[1], ed(63))];
    ledger.after(1_000, &[seal_for_members(&board, &by)]);
    let board = did_of(&board);
    let rotating = |keys: &[Key]| {
        let action = rotate(reveal(keys), rotated_sets(), document());
        changing(&ledger, &board, 5, action, keys)
    };
    let rule = "The next set of a board has a key of each member.";
    let at = At::new(&ledger, 1_000, rotating(&own[1..]));
    all.applied_at("rotate_of_board_by_committed_keys", rule, &at);
    let rule = "The control keys of members are no keys of the board's next set.";
    let at = At::new(&ledger, 1_000, rotating(&[ed(60), ed(63)]));
    let code = Code::NextNotCommitted;
    all.refused_at("rotate_of_board_by_control_keys_of_members", rule, code, &at);
}

/// Adds sets that name the DID whose sets they are.
fn add_own(all: &mut Catalogue) {
    let ledger = registered();
    let own = key_set(1, vec![key_member(&ed(30)), did_member(&plain_did())]);
    let control = Sets { control: own.clone(), ..rotated_sets() };
    let recovery = Sets { recovery: recovery(own), ..rotated_sets() };
    let rule = "No DID is a member of its own sets.";
    let code = Code::ControlInvalid;
    for (name, sets) in [("control", control), ("recovery", recovery)] {
        let rotate = rotating(&ledger, 2, &[ed(11)], sets.clone());
        all.refused(&format!("rotate_names_itself_in_{name}"), rule, code, &rotate);
        let action = recover(sets, document());
        let recover = changing(&ledger, &plain_did(), 2, action, &[ed(12)]);
        all.refused(&format!("recover_names_itself_in_{name}"), rule, code, &recover);
    }
}

/// DID with control key 40 and next key 41 that the plain DID names as a member.
fn friend() -> registry_core::operation::Operation {
    create(single(&ed(40), &ed(41), &ed(42)), document(), 4)
}

/// Returns the plain DID and its friend on one ledger.
fn befriended() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&plain_create(), &[ed(10)]), seal(&friend(), &[ed(40)])]);
    ledger
}

/// Deactivates the friend.
fn leaving(ledger: &Ledger) -> Vec<u8> {
    changing(ledger, &did_of(&friend()), 5, Action::DidDeactivate(reveal(&[ed(41)])), &[ed(41)])
}

/// Returns sets whose control set needs `threshold` of the friend and key 30.
fn with_friend(threshold: u8) -> Sets {
    let members = vec![did_member(&did_of(&friend())), key_member(&ed(30))];
    Sets { control: key_set(threshold, members), ..rotated_sets() }
}

fn add_reach(all: &mut Catalogue) {
    let ledger = befriended();
    let rotate = |threshold| rotating(&ledger, 2, &[ed(11)], with_friend(threshold));
    let rule = "One named member stops no rotate by deactivating itself.";
    let at = At::new(&ledger, 1_000, rotate(1)).following(leaving(&ledger));
    all.applied_at("rotate_after_one_member_left_in_the_block", rule, &at);
    let mut left = ledger.clone();
    left.after(1_000, &[leaving(&ledger)]);
    let at = At::new(&left, 1_000, rotating(&left, 2, &[ed(11)], with_friend(1)));
    all.applied_at("rotate_with_deactivated_member", rule, &at);
    let missing = did_of(&create(plain_sets(), document(), 9));
    let spare = key_set(1, vec![did_member(&missing), key_member(&ed(30))]);
    let sets = Sets { control: spare, ..rotated_sets() };
    let at = At::new(&ledger, 1_000, rotating(&ledger, 2, &[ed(11)], sets));
    all.applied_at("rotate_with_member_not_registered", rule, &at);
    let action = recover(with_friend(1), document());
    let at = At::new(&left, 1_000, changing(&left, &plain_did(), 2, action, &[ed(12)]));
    all.applied_at("recover_with_deactivated_member", rule, &at);
    let rule = "The live members of a new set can reach its threshold.";
    let code = Code::SetUnreachable;
    let at = At::new(&ledger, 1_000, rotate(2)).following(leaving(&ledger));
    all.refused_at("rotate_to_set_out_of_reach", rule, code, &at);
    let both = with_friend(2).control;
    let sets = Sets { recovery: recovery(both), ..rotated_sets() };
    let at = At::new(&left, 1_000, rotating(&left, 2, &[ed(11)], sets));
    all.refused_at("rotate_to_recovery_set_out_of_reach", rule, code, &at);
    let action = recover(with_friend(2), document());
    let at = At::new(&left, 1_000, changing(&left, &plain_did(), 2, action, &[ed(12)]));
    all.refused_at("recover_to_set_out_of_reach", rule, code, &at);
    let sets = Sets { control: key_set(1, vec![did_member(&plain_did())]), ..rotated_sets() };
    let child = create(sets, document(), 6);
    let mut ledger = ledger;
    ledger.after(1_000, &[seal_for_members(&child, &[(&plain_did(), ed(10))])]);
    let rule = "A DID that other DIDs control can never sign as a member.";
    let sets = Sets { control: key_set(1, vec![did_member(&did_of(&child))]), ..rotated_sets() };
    let at = At::new(&ledger, 1_000, rotating(&ledger, 2, &[ed(11)], sets.clone()));
    all.refused_at("rotate_to_member_controlled_by_did", rule, code, &at);
    let at = At::new(&ledger, 1_000, seal(&create(sets, document(), 7), &[ed(10)]));
    all.refused_at("create_by_member_controlled_by_did", rule, code, &at);
}

/// Returns an action on the plain DID in the ledger's next block.
fn by<'l>(ledger: &'l Ledger, action: Action, keys: &[Key]) -> At<'l> {
    At::new(ledger, 1_000, changing(ledger, &plain_did(), 3, action, keys))
}

/// Adds completions of a recovery, some of whose members left while it was pending.
fn add_completions(all: &mut Catalogue) {
    let matured = |threshold| {
        let mut ledger = befriended();
        let action = recover(with_friend(threshold), document());
        let start = changing(&ledger, &plain_did(), 2, action, &[ed(12)]);
        let leave = leaving(&ledger);
        ledger.after(1_000, &[start]).after(1_000, &[leave]);
        ledger.after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
        ledger
    };
    let rule = "A recovery completes with a member that left, as long as the others are enough.";
    let enough = matured(1);
    let at = by(&enough, Action::DidRecoverComplete, &[]);
    all.applied_at("recover_complete_with_deactivated_member", rule, &at);
    let rule = "A recovery installs no set that its live members cannot use.";
    let out_of_reach = matured(2);
    let at = by(&out_of_reach, Action::DidRecoverComplete, &[]);
    all.refused_at("recover_complete_to_set_out_of_reach", rule, Code::SetUnreachable, &at);
    let rule = "A recovery that cannot be completed is cancelled or vetoed.";
    let at = by(&out_of_reach, Action::DidRecoverCancel, &[ed(12)]);
    all.applied_at("recover_cancel_of_set_out_of_reach", rule, &at);
    let veto = rotate(reveal(&[ed(11)]), rotated_sets(), document());
    let at = by(&out_of_reach, veto, &[ed(11)]);
    all.applied_at("rotate_at_maturity_of_set_out_of_reach", rule, &at);
}
