//! The three key sets of a DID (control, next and recovery), made from options and new keys.

use clap::{Args, ValueEnum};
use keys::SecretKey;
use registry_core::crypto::{Hash, PublicKey, Suite};
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
/// named members needs the signatures of all of them unless a threshold is given. The next set has
/// keys only, each given as itself or by its commitment. It must be named beside a control set that
/// is named, because otherwise a single new key could replace all of that set's members.
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
    /// Key of the next set, or its commitment as `idem keys commitment` prints it; only the
    /// commitment is published; may be repeated [default: one new key]
    #[arg(long, value_name = "KEY", value_parser = next_key, help_heading = "Key sets")]
    next_member: Vec<NextKey>,
    /// Next keys that must sign
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

/// A key of the next set: in plain, or hidden behind the commitment that its holder gave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NextKey {
    Plain(PublicKey),
    Committed(Hash),
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
        let (next, keys) = self.next(1, new)?;
        let recovery = self.recovery_set(None, new)?;
        Ok((Sets { control, next, recovery }, keys))
    }

    /// Returns the sets after a rotation, and the known keys of the next set. The revealed keys
    /// become the control set unless control members are named. The next set is always new, since
    /// keys that were revealed are no secret any more.
    pub(super) fn rotate(
        &self,
        present: &Sets,
        revealed: &[Member],
        new: &mut NewKeys,
    ) -> Result<(Sets, Vec<PublicKey>), Failure> {
        let control = if self.control_member.is_empty() {
            KeySet { threshold: present.next.threshold, members: revealed.to_vec() }
        } else {
            self.control(new)?
        };
        let (next, keys) = self.next(present.next.commitments.len(), new)?;
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
        let (next, keys) = self.next(1, new)?;
        let recovery = self.recovery_set(present.recovery.as_ref(), new)?;
        Ok((Sets { control, next, recovery }, keys))
    }

    fn control(&self, new: &mut NewKeys) -> Result<KeySet, Failure> {
        key_set(&self.control_member, self.control_threshold, new)
    }

    /// Returns the next set, and those of its keys that are known. `present` is the number of keys
    /// that the next set had so far. Without named keys it becomes one new key, unless that key
    /// alone could then replace several members.
    fn next(
        &self,
        present: usize,
        new: &mut NewKeys,
    ) -> Result<(NextSet, Vec<PublicKey>), Failure> {
        if self.next_member.is_empty() {
            if present > 1 || !self.control_member.is_empty() {
                let message = "the next set of several members must be named, with keys that are \
                               not in use";
                let remedy = "give --next-member for each member: a new key, or the commitment \
                              that the member's idem keys commitment prints";
                return Err(Failure::usage_with(message.to_owned(), remedy));
            }
            let key = new.generate()?;
            let commitments = vec![NextSet::commitment(&key)];
            return Ok((NextSet { threshold: 1, commitments }, vec![key]));
        }
        let mut commitments: Vec<Hash> = self.next_member.iter().map(NextKey::commitment).collect();
        commitments.sort();
        commitments.dedup();
        let all = u8::try_from(commitments.len()).unwrap_or(u8::MAX);
        let threshold = self.next_threshold.unwrap_or(all);
        let known = self.next_member.iter().filter_map(NextKey::plain).cloned().collect();
        Ok((NextSet { threshold, commitments }, known))
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

impl NextKey {
    fn commitment(&self) -> Hash {
        match self {
            Self::Plain(key) => NextSet::commitment(key),
            Self::Committed(commitment) => *commitment,
        }
    }

    fn plain(&self) -> Option<&PublicKey> {
        match self {
            Self::Plain(key) => Some(key),
            Self::Committed(_) => None,
        }
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

fn next_key(text: &str) -> Result<NextKey, String> {
    if text.starts_with("did:") {
        return Err(
            "a next set has keys only; ask for a commitment of the DID's owner, who makes \
                    it with idem keys commitment"
                .to_owned(),
        );
    }
    if let Ok(commitment) = text.parse() {
        return Ok(NextKey::Committed(commitment));
    }
    PublicKey::from_multikey(text).map(NextKey::Plain).map_err(|error| {
        format!("{error}; give a multikey, or a commitment of 64 lower-case hex digits")
    })
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

    fn refusal(result: Result<(Sets, Vec<PublicKey>), Failure>) -> String {
        result.expect_err("must be refused").to_string()
    }

    #[test]
    fn a_new_did_has_one_control_and_one_next_key_that_differ() {
        let mut new = new_keys();
        let (sets, next) = args(&[]).create(&mut new).expect("sets");
        assert_eq!((sets.control.threshold, sets.control.members.len()), (1, 1));
        assert_eq!((sets.next.threshold, sets.next.commitments.len()), (1, 1));
        assert_eq!(sets.recovery, None);
        assert_eq!(sets.next.commitments, [NextSet::commitment(&next[0])]);
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
        let (sets, fresh) = args(&[]).rotate(&present, &revealed, &mut new).expect("sets");
        assert_eq!(sets.control.members, revealed);
        assert_eq!(sets.recovery, present.recovery);
        assert_ne!(fresh, next);
        let without = args(&["--no-recovery"]).rotate(&present, &revealed, &mut new);
        assert_eq!(without.expect("sets").0.recovery, None);
    }

    #[test]
    fn named_members_make_the_whole_set_in_ascending_order() {
        let mut new = new_keys();
        let keys: Vec<String> =
            (0..3).map(|_| new.generate().expect("a key").to_string()).collect();
        let next = new.generate().expect("a key").to_string();
        let mut line: Vec<&str> =
            keys.iter().flat_map(|key| ["--control-member", key.as_str()]).collect();
        line.extend(["--next-member", &next]);
        let (sets, _) = args(&line).create(&mut new).expect("sets");
        assert_eq!((sets.control.threshold, sets.control.members.len()), (3, 3));
        assert!(sets.control.members.is_sorted());
        let line = [line, vec!["--control-threshold", "2"]].concat();
        let (sets, _) = args(&line).create(&mut new).expect("sets");
        assert_eq!(sets.control.threshold, 2);
    }

    #[test]
    fn a_board_names_its_next_keys_and_no_dids() {
        let mut new = new_keys();
        let dids =
            ["a", "b", "c"].map(|x| format!("did:idem:local:{x}aaqeayeaudaocajbifqydiob4ibceqt"));
        let control: Vec<&str> =
            dids.iter().flat_map(|did| ["--control-member", did.as_str()]).collect();
        let said = refusal(args(&control).create(&mut new));
        assert!(said.contains("must be named"), "{said}");
        let did = Line::try_parse_from(["idem", "--next-member", &dids[0]]);
        let said = did.err().expect("a next set has no DIDs").to_string();
        assert!(said.contains("keys only") && said.contains("idem keys commitment"), "{said}");

        let plain = new.generate().expect("a key");
        let commitments = [NextSet::commitment(&plain), Hash([0; 32]), Hash([9; 32])];
        let texts = [plain.to_string(), commitments[1].to_string(), commitments[2].to_string()];
        let next: Vec<&str> =
            texts.iter().flat_map(|text| ["--next-member", text.as_str()]).collect();
        let line = [&control[..], &next, &["--next-threshold", "2"]].concat();
        let (board, known) = args(&line).create(&mut new).expect("sets");
        let mut sorted = commitments.to_vec();
        sorted.sort();
        assert_eq!(board.next, NextSet { threshold: 2, commitments: sorted });
        assert_eq!(known, std::slice::from_ref(&plain));

        let revealed = [Member::Key(plain)];
        let said = refusal(args(&[]).rotate(&board, &revealed, &mut new));
        assert!(said.contains("must be named"), "revealed keys do not stay: {said}");
        let named = args(&["--next-member", &texts[1]]).rotate(&board, &revealed, &mut new);
        assert_eq!(named.expect("sets").0.next.commitments, [commitments[1]]);
    }
}
