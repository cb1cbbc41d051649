//! The three key sets of a DID (control, next and recovery), made from options and new keys.

use clap::{Args, ValueEnum};
use keys::SecretKey;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::did::{KeySet, Member, NextSet, Recovery, Sets};

use super::Failure;
use crate::time::duration_ms;

/// Signature suite on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SuiteName {
    /// Ed25519
    #[default]
    Ed25519,
    /// ECDSA on P-256
    #[value(name = "p256", alias = "p-256")]
    P256,
    /// ECDSA on secp256k1
    #[value(name = "secp256k1")]
    Secp256k1,
}

impl From<SuiteName> for Suite {
    fn from(name: SuiteName) -> Self {
        match name {
            SuiteName::Ed25519 => Self::Ed25519,
            SuiteName::P256 => Self::P256,
            SuiteName::Secp256k1 => Self::Secp256k1,
        }
    }
}

/// Members are multikeys or DIDs. A set for which no members are named gets one new key. A set with
/// named members needs the signatures of all of them unless a threshold is given. If no next
/// members are named, the next set has the members of the control set, because otherwise a single
/// new key could replace all of them.
#[derive(Debug, Default, Args)]
pub(super) struct SetsArgs {
    /// Suite of new keys
    #[arg(long, value_enum, default_value_t)]
    suite: SuiteName,
    /// Member of the control set; may be repeated
    #[arg(long, value_name = "MEMBER", value_parser = member, help_heading = "Key sets")]
    control_member: Vec<Member>,
    /// Control members that must sign
    #[arg(long, value_name = "K", requires = "control_member", help_heading = "Key sets")]
    control_threshold: Option<u8>,
    /// Member of the next set, of which only a hash is published; may be repeated [default: the
    /// control members and their threshold; without those, one new key]
    #[arg(long, value_name = "MEMBER", value_parser = member, help_heading = "Key sets")]
    next_member: Vec<Member>,
    /// Next members that must sign
    #[arg(long, value_name = "K", requires = "next_member", help_heading = "Key sets")]
    next_threshold: Option<u8>,
    /// Have a recovery set of one new key
    #[arg(long, conflicts_with = "recovery_member", help_heading = "Key sets")]
    recovery: bool,
    /// Member of the recovery set; may be repeated
    #[arg(long, value_name = "MEMBER", value_parser = member, help_heading = "Key sets")]
    recovery_member: Vec<Member>,
    /// Recovery members that must sign
    #[arg(long, value_name = "K", requires = "recovery_member", help_heading = "Key sets")]
    recovery_threshold: Option<u8>,
    /// Time to veto a recovery: a number with s, m, h or d
    #[arg(long, value_name = "DURATION", value_parser = duration_ms, default_value = "24h",
        help_heading = "Key sets")]
    recovery_delay: u64,
    /// Have no recovery set from now on
    #[arg(long, conflicts_with_all = ["recovery", "recovery_member"], help_heading = "Key sets")]
    no_recovery: bool,
}

/// Secret keys that were made for one operation and are not in the key file yet.
#[derive(Debug, Default)]
pub(crate) struct NewKeys {
    suite: Option<Suite>,
    pub(crate) secrets: Vec<SecretKey>,
}

impl NewKeys {
    pub(crate) fn new(suite: Suite) -> Self {
        Self { suite: Some(suite), secrets: Vec::new() }
    }

    pub(super) fn generate(&mut self) -> Result<PublicKey, Failure> {
        let key = SecretKey::generate(self.suite.unwrap_or(Suite::Ed25519))?;
        let public = key.public().clone();
        self.secrets.push(key);
        Ok(public)
    }

    pub(super) fn holds(&self, key: &PublicKey) -> bool {
        self.secrets.iter().any(|secret| secret.public() == key)
    }
}

impl SetsArgs {
    pub(super) fn suite(&self) -> Suite {
        self.suite.into()
    }

    /// Returns the sets of a new DID, and the keys to which its next set commits.
    pub(super) fn create(&self, new: &mut NewKeys) -> Result<(Sets, Vec<PublicKey>), Failure> {
        let control = self.control(new)?;
        let (next, keys) = self.next(new)?;
        let recovery = self.recovery_set(None, new)?;
        Ok((Sets { control, next, recovery }, keys))
    }

    /// Returns the sets after a rotation, and the known keys of the next set. The revealed members
    /// become the control set unless control members are named. The next set is new if members are
    /// named or if it consisted of one key. Otherwise it stays, and `known` are its keys in the key
    /// file.
    pub(super) fn rotate(
        &self,
        present: &Sets,
        revealed: &[Member],
        known: &[PublicKey],
        new: &mut NewKeys,
    ) -> Result<(Sets, Vec<PublicKey>), Failure> {
        let control = if self.control_member.is_empty() {
            KeySet { threshold: present.next.threshold, members: revealed.to_vec() }
        } else {
            self.control(new)?
        };
        let named = !self.control_member.is_empty() || !self.next_member.is_empty();
        let one_key = present.next.commitments.len() == 1 && matches!(revealed, [Member::Key(_)]);
        let (next, keys) = match named || one_key {
            true => self.next(new)?,
            false => (present.next.clone(), known.to_vec()),
        };
        let recovery = self.recovery_set(present.recovery.as_ref(), new)?;
        Ok((Sets { control, next, recovery }, keys))
    }

    /// Returns the sets after a recovery, with new control and next sets.
    pub(super) fn recover(
        &self,
        present: &Sets,
        new: &mut NewKeys,
    ) -> Result<(Sets, Vec<PublicKey>), Failure> {
        let control = self.control(new)?;
        let (next, keys) = self.next(new)?;
        let recovery = self.recovery_set(present.recovery.as_ref(), new)?;
        Ok((Sets { control, next, recovery }, keys))
    }

    fn control(&self, new: &mut NewKeys) -> Result<KeySet, Failure> {
        key_set(&self.control_member, self.control_threshold, new)
    }

    fn next(&self, new: &mut NewKeys) -> Result<(NextSet, Vec<PublicKey>), Failure> {
        let set = match self.next_member.as_slice() {
            [] => self.control(new)?,
            members => key_set(members, self.next_threshold, new)?,
        };
        let mut commitments: Vec<_> = set.members.iter().map(Member::commitment).collect();
        commitments.sort();
        Ok((NextSet { threshold: set.threshold, commitments }, keys(&set.members)))
    }

    fn recovery_set(
        &self,
        present: Option<&Recovery>,
        new: &mut NewKeys,
    ) -> Result<Option<Recovery>, Failure> {
        if self.no_recovery {
            return Ok(None);
        }
        if !self.recovery && self.recovery_member.is_empty() {
            return Ok(present.cloned());
        }
        let keys = key_set(&self.recovery_member, self.recovery_threshold, new)?;
        Ok(Some(Recovery { keys, delay_ms: self.recovery_delay }))
    }
}

fn key_set(
    members: &[Member],
    threshold: Option<u8>,
    new: &mut NewKeys,
) -> Result<KeySet, Failure> {
    let mut members = members.to_vec();
    if members.is_empty() {
        members.push(Member::Key(new.generate()?));
    }
    members.sort();
    members.dedup();
    let all = u8::try_from(members.len()).unwrap_or(u8::MAX);
    Ok(KeySet { threshold: threshold.unwrap_or(all), members })
}

/// Returns the members that are keys.
pub(super) fn keys(members: &[Member]) -> Vec<PublicKey> {
    let key = |member: &Member| match member {
        Member::Key(key) => Some(key.clone()),
        Member::Did(_) => None,
    };
    members.iter().filter_map(key).collect()
}

fn member(text: &str) -> Result<Member, String> {
    if text.starts_with("did:") {
        text.parse().map(Member::Did).map_err(|error: registry_core::id::IdError| error.to_string())
    } else {
        PublicKey::from_multikey(text).map(Member::Key).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        sets: SetsArgs,
    }

    fn args(line: &[&str]) -> SetsArgs {
        Line::try_parse_from([&["idem"], line].concat()).expect("parses").sets
    }

    fn new_keys() -> NewKeys {
        NewKeys::new(Suite::Ed25519)
    }

    #[test]
    fn a_new_did_has_one_control_and_one_next_key_that_differ() {
        let mut new = new_keys();
        let (sets, next) = args(&[]).create(&mut new).expect("sets");
        assert_eq!((sets.control.threshold, sets.control.members.len()), (1, 1));
        assert_eq!((sets.next.threshold, sets.next.commitments.len()), (1, 1));
        assert_eq!(sets.recovery, None);
        assert_eq!(sets.next.commitments, [Member::Key(next[0].clone()).commitment()]);
        assert_ne!(sets.control.members, [Member::Key(next[0].clone())]);
        assert_eq!(new.secrets.len(), 2);
    }

    #[test]
    fn a_rotation_puts_the_revealed_into_control_and_keeps_recovery() {
        let mut new = new_keys();
        let first = args(&["--recovery", "--recovery-delay", "2s"]);
        let (present, next) = first.create(&mut new).expect("sets");
        assert_eq!(present.recovery.as_ref().map(|recovery| recovery.delay_ms), Some(2_000));
        let revealed = [Member::Key(next[0].clone())];
        let (sets, fresh) = args(&[]).rotate(&present, &revealed, &next, &mut new).expect("sets");
        assert_eq!(sets.control.members, revealed);
        assert_eq!(sets.recovery, present.recovery);
        assert_ne!(fresh, next);
        let without = args(&["--no-recovery"]).rotate(&present, &revealed, &next, &mut new);
        assert_eq!(without.expect("sets").0.recovery, None);
    }

    #[test]
    fn named_members_make_the_whole_set_in_ascending_order() {
        let mut new = new_keys();
        let keys: Vec<String> =
            (0..3).map(|_| new.generate().expect("a key").to_string()).collect();
        let line: Vec<&str> =
            keys.iter().flat_map(|key| ["--control-member", key.as_str()]).collect();
        let (sets, _) = args(&line).create(&mut new).expect("sets");
        assert_eq!((sets.control.threshold, sets.control.members.len()), (3, 3));
        assert!(sets.control.members.is_sorted());
        let line = [line, vec!["--control-threshold", "2"]].concat();
        let (sets, _) = args(&line).create(&mut new).expect("sets");
        assert_eq!(sets.control.threshold, 2);
    }

    #[test]
    fn no_next_set_falls_to_one_key_unless_it_is_named() {
        let mut new = new_keys();
        let dids =
            ["a", "b", "c"].map(|x| format!("did:idem:local:{x}aaqeayeaudaocajbifqydiob4ibceqt"));
        let members: Vec<Member> = dids.iter().map(|did| member(did).expect("a DID")).collect();
        let mut commitments: Vec<_> = members.iter().map(Member::commitment).collect();
        commitments.sort();
        let control: Vec<&str> =
            dids.iter().flat_map(|did| ["--control-member", did.as_str()]).collect();
        let line = [&control[..], &["--control-threshold", "2"]].concat();
        let (board, keys) = args(&line).create(&mut new).expect("sets");
        assert_eq!(board.next, NextSet { threshold: 2, commitments });
        assert!(keys.is_empty() && new.secrets.is_empty(), "no key alone can rotate");

        let after = |line: &[&str], revealed: &[Member]| {
            args(line).rotate(&board, revealed, &[], &mut new_keys()).expect("sets").0
        };
        assert_eq!(after(&[], &members[..2]).next, board.next);
        let two = after(&["--control-member", &dids[0], "--control-member", &dids[1]], &members);
        assert_eq!((two.next.threshold, two.next.commitments.len()), (2, 2));
        let named = after(&["--next-member", &dids[2]], &members[..2]);
        assert_eq!(named.next.commitments, [members[2].commitment()]);
        let one = ["--control-member", dids[0].as_str()];
        let (present, _) = args(&one).create(&mut new).expect("sets");
        let (sets, _) = args(&[]).rotate(&present, &members[..1], &[], &mut new).expect("sets");
        assert_eq!(sets.next, present.next, "a DID is no key that a new one takes the place of");
    }
}
