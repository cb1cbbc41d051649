//! The sets of keys and DIDs that control a DID, and how their signatures are counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::crypto::{Hash, PublicKey, Purpose};
use crate::id::{Did, NetworkName};
use crate::limits::{CONTROL_MEMBERS_MAX, RECOVERY_DELAY_MS_MAX};

/// A member of a set that can act for a DID: a key, or another DID that acts by its own keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// A key, which counts if it signed itself.
    Key(PublicKey),
    /// A DID, which counts once enough of its own control keys signed in its name to meet its own
    /// threshold. DIDs among its own members never count, so the depth is one and cycles do no
    /// harm.
    Did(Did),
}

impl Member {
    fn check(&self, field: &str, network: &NetworkName) -> Result<(), Refusal> {
        match self {
            Self::Key(key) => {
                key.check().map_err(|error| Refusal::new(Code::KeyUnusable, field, error))
            }
            Self::Did(did) if did.network == *network => Ok(()),
            Self::Did(did) => {
                let detail = format!("{did} is not on network {network}");
                Err(Refusal::new(Code::NetworkMismatch, field, detail))
            }
        }
    }
}

/// A set of members of which `threshold` must sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    /// Number of members that must sign, from 1 to their number.
    pub threshold: u8,
    /// 1 to 16 members, strictly ascending.
    pub members: Vec<Member>,
}

impl KeySet {
    /// Returns the DIDs among the members.
    pub fn dids(&self) -> impl Iterator<Item = &Did> {
        self.members.iter().filter_map(|member| match member {
            Member::Did(did) => Some(did),
            Member::Key(_) => None,
        })
    }

    /// True if the keys of the set alone can meet its threshold. A DID with another control set can
    /// never sign as a member, since the DIDs in its control set do not count there.
    pub fn keys_suffice(&self) -> bool {
        let keys = self.members.iter().filter(|member| matches!(member, Member::Key(_)));
        keys.count() >= usize::from(self.threshold)
    }

    /// True if `key` itself is a member.
    fn has(&self, key: &PublicKey) -> bool {
        self.members.iter().any(|member| matches!(member, Member::Key(own) if own == key))
    }
}

/// A set of hidden keys of which `threshold` must be revealed and sign. It has no DIDs: a DID would
/// sign by its control keys, which are in use, and whoever stole those could act for the next set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextSet {
    /// Number of keys that must be revealed and sign.
    pub threshold: u8,
    /// 1 to 16 commitments made by [`NextSet::commitment`], strictly ascending.
    pub commitments: Vec<Hash>,
}

impl NextSet {
    /// Returns the hash that commits to a key and hides it until it signs.
    pub fn commitment(key: &PublicKey) -> Hash {
        Hash::of_value(Purpose::NextCommitment, &Member::Key(key.clone()))
    }

    /// True if `member` is a key to which the set commits.
    pub fn commits_to(&self, member: &Member) -> bool {
        match member {
            Member::Key(key) => self.commitments.contains(&Self::commitment(key)),
            Member::Did(_) => false,
        }
    }
}

/// The set that may replace lost control of a DID, and the time that the others have to object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Keys and DIDs that can start and cancel a recovery.
    pub keys: KeySet,
    /// Live time in ms that must pass between the start and the completion of a recovery.
    pub delay_ms: u64,
}

/// The three sets that control a DID. The next set has priority over the recovery set, and that
/// over the control set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sets {
    /// Set that changes the document.
    pub control: KeySet,
    /// Set that changes everything. It is hidden until it is used.
    pub next: NextSet,
    /// Set that repairs the loss of the other two; `None` if the DID has no recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

impl Sets {
    /// Returns the hash that resolution shows in place of a pending recovery's sets.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::Control, self)
    }

    /// Returns the number of keys that are members.
    pub fn keys(&self) -> usize {
        let recovery = self.recovery.iter().flat_map(|recovery| &recovery.keys.members);
        let members = self.control.members.iter().chain(recovery);
        members.filter(|member| matches!(member, Member::Key(_))).count()
    }

    /// Returns all DIDs that are members, each with the path of its set.
    pub fn dids(&self) -> impl Iterator<Item = (&'static str, &Did)> {
        let recovery = self.recovery.iter().flat_map(|recovery| recovery.keys.dids());
        let control = self.control.dids().map(|did| ("sets/control/members", did));
        control.chain(recovery.map(|did| ("sets/recovery/keys/members", did)))
    }

    /// Checks the form of all three sets, which needs no state. `path` is their place in the
    /// operation. `own` is the DID that they will control, if it exists already; it is no member of
    /// its own sets.
    pub fn check(
        &self,
        path: &str,
        network: &NetworkName,
        own: Option<&Did>,
    ) -> Result<(), Refusal> {
        if let Some((field, did)) = self.dids().find(|(_, did)| Some(*did) == own) {
            let detail = format!("{did} is a member of its own set; name its keys or other DIDs");
            return Err(Refusal::new(Code::ControlInvalid, field, detail));
        }
        check_key_set(&self.control, &format!("{path}/control"), network)?;
        let field = format!("{path}/next");
        check_counts(self.next.threshold, self.next.commitments.len(), &field)?;
        check_ascending(&self.next.commitments, &format!("{field}/commitments"))?;
        let Some(recovery) = &self.recovery else { return Ok(()) };
        check_key_set(&recovery.keys, &format!("{path}/recovery/keys"), network)?;
        if recovery.delay_ms > RECOVERY_DELAY_MS_MAX {
            let detail = format!("{} ms, at most {RECOVERY_DELAY_MS_MAX}", recovery.delay_ms);
            let field = format!("{path}/recovery/delay_ms");
            return Err(Refusal::new(Code::RecoveryDelay, field, detail));
        }
        Ok(())
    }
}

fn check_counts(threshold: u8, members: usize, field: &str) -> Result<(), Refusal> {
    if members == 0 || members > CONTROL_MEMBERS_MAX {
        let detail = format!("{members} members, 1 to {CONTROL_MEMBERS_MAX} are allowed");
        return Err(Refusal::new(Code::ControlInvalid, field, detail));
    }
    if threshold == 0 || usize::from(threshold) > members {
        let detail = format!("threshold {threshold} of {members} members");
        return Err(Refusal::new(Code::ControlInvalid, format!("{field}/threshold"), detail));
    }
    Ok(())
}

fn check_ascending<T: Ord>(items: &[T], field: &str) -> Result<(), Refusal> {
    if items.is_sorted_by(|first, second| first < second) {
        Ok(())
    } else {
        Err(Refusal::new(Code::ControlInvalid, field, "must ascend strictly, each once"))
    }
}

fn check_key_set(set: &KeySet, field: &str, network: &NetworkName) -> Result<(), Refusal> {
    check_counts(set.threshold, set.members.len(), field)?;
    check_members(&set.members, &format!("{field}/members"), network)
}

fn check_members(members: &[Member], field: &str, network: &NetworkName) -> Result<(), Refusal> {
    check_ascending(members, field)?;
    for (index, member) in members.iter().enumerate() {
        member.check(&format!("{field}/{index}"), network)?;
    }
    Ok(())
}

/// Checks the form of the members of a next set that an operation reveals: usable keys, strictly
/// ascending, and no DIDs.
pub fn check_revealed(members: &[Member], field: &str) -> Result<(), Refusal> {
    for (index, member) in members.iter().enumerate() {
        let field = format!("{field}/{index}");
        match member {
            Member::Key(key) => {
                key.check().map_err(|error| Refusal::new(Code::KeyUnusable, field, error))?;
            }
            Member::Did(did) => {
                let detail = format!("{did} is no key; a next set reveals keys only");
                return Err(Refusal::new(Code::RevealNotKey, field, detail));
            }
        }
    }
    check_ascending(members, field)
}

/// A key that signed for a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetSigner<'s> {
    /// Key under which the signature verifies.
    pub key: &'s PublicKey,
    /// Member DID for which the key signed; `None` if the key itself is the member.
    pub of: Option<&'s Did>,
}

/// Checks that `signers`, which are verified and have distinct keys, meet `threshold` of `members`.
///
/// A signer that names no DID counts if its key is a member. The signers that name a member DID
/// count together, as one member, if they are as many of its control keys as its own threshold
/// requires. `control_of` returns the control set of a DID, or `None` if it is not live. It is
/// asked only for members that a signature names, once each.
///
/// Fails with `SIGNER_NOT_MEMBER` if a signer is no member, or no control key of the live member
/// that it names, since an envelope carries nothing that is not needed. Fails with
/// `THRESHOLD_NOT_MET` if too few members count.
pub fn check_threshold<'s, E: From<Refusal>>(
    threshold: u8,
    members: &[Member],
    signers: impl IntoIterator<Item = SetSigner<'s>>,
    mut control_of: impl FnMut(&Did) -> Result<Option<KeySet>, E>,
) -> Result<(), E> {
    let stranger = |detail: String| Refusal::new(Code::SignerNotMember, "signatures", detail);
    let (mut count, mut of_dids): (usize, BTreeMap<&Did, Vec<&PublicKey>>) = Default::default();
    for SetSigner { key, of } in signers {
        let is_member = members.iter().any(|member| match (member, of) {
            (Member::Key(own), None) => own == key,
            (Member::Did(did), Some(of)) => did == of,
            (Member::Key(_), Some(_)) | (Member::Did(_), None) => false,
        });
        match of {
            None if is_member => count = count.saturating_add(1),
            Some(did) if is_member => of_dids.entry(did).or_default().push(key),
            None => {
                let detail = format!(
                    "{key} is no key of the set that this action needs; a key that signs for a \
                     member DID names it"
                );
                return Err(stranger(detail).into());
            }
            Some(did) => {
                let detail = format!("{key} signed for {did}, which is no member of the set");
                return Err(stranger(detail).into());
            }
        }
    }
    for (did, keys) in of_dids {
        let Some(control) = control_of(did)? else {
            let detail = format!("the member {did} is not registered or deactivated");
            return Err(stranger(detail).into());
        };
        if let Some(key) = keys.iter().find(|key| !control.has(key)) {
            return Err(stranger(format!("{key} is no control key of {did} now")).into());
        }
        let reached = keys.len() >= usize::from(control.threshold);
        count = count.saturating_add(usize::from(reached));
    }
    if count < usize::from(threshold) {
        let detail = format!("{count} members signed, {threshold} are needed");
        return Err(Refusal::new(Code::ThresholdNotMet, "signatures", detail).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Suite;

    fn key(byte: u8) -> PublicKey {
        PublicKey::new(Suite::Ed25519, &[byte; 32]).expect("32 bytes")
    }

    fn did(byte: u8) -> Did {
        let network = "local".parse().expect("a network name");
        Did { network, suffix: crate::id::Suffix([byte; 20]) }
    }

    fn set(threshold: u8, keys: &[u8]) -> KeySet {
        KeySet { threshold, members: keys.iter().map(|byte| Member::Key(key(*byte))).collect() }
    }

    /// Counts signers over key 9 and two DIDs. DID 1 needs one of keys 1 and 2; DID 2 needs both
    /// keys 1 and 3. A signer is the number of its DID, or 0 for none, and the number of its key.
    fn count(threshold: u8, signers: &[(u8, u8)]) -> Result<(), Code> {
        let named: Vec<_> = signers.iter().map(|(of, by)| (did(*of), key(*by))).collect();
        let signers = named
            .iter()
            .map(|(of, key)| SetSigner { key, of: Some(of).filter(|of| of.suffix.0[0] != 0) });
        let members = [Member::Key(key(9)), Member::Did(did(1)), Member::Did(did(2))];
        let control = |did: &Did| {
            Ok(Some(if did.suffix.0[0] == 1 { set(1, &[1, 2]) } else { set(2, &[1, 3]) }))
        };
        check_threshold(threshold, &members, signers, control)
            .map_err(|refusal: Refusal| refusal.code)
    }

    #[test]
    fn each_signature_counts_for_the_member_that_it_names() {
        assert_eq!(count(2, &[(1, 2), (2, 1), (2, 3)]), Ok(()));
        assert_eq!(count(2, &[(0, 9), (1, 1)]), Ok(()));
        for too_few in [&[(1, 1), (2, 3)][..], &[(1, 2), (2, 3)], &[(1, 1), (1, 2)]] {
            assert_eq!(count(2, too_few), Err(Code::ThresholdNotMet), "{too_few:?}");
        }
        for strangers in [&[(1, 3)][..], &[(0, 1)], &[(3, 1)], &[(1, 9)], &[(0, 9), (1, 3)]] {
            assert_eq!(count(1, strangers), Err(Code::SignerNotMember), "{strangers:?}");
        }
    }
}
