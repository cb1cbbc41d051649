//! Delegates of a status list, in the form of the command line.

use registry_core::code::{Code, Refusal};
use registry_core::id::Did;
use registry_core::limits::STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX;
use registry_core::status::{Delegate, Run};

use super::entries::{count, stretch};
use crate::exit::Failure;
use crate::time::time_ms;

/// Form of the option `--delegate`, for help and errors.
pub(super) const DELEGATE_FORM: &str = "DID,entries=A-B|all,per-hour=N[,until=T]";

/// A delegate as an option names it. The option may name all entries before the length of the list
/// is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DelegateArg {
    did: Did,
    /// First and last entry that the delegate may set; `None` for all entries of the list.
    entries: Option<(u64, u64)>,
    per_hour: u64,
    valid_until: Option<u64>,
}

impl DelegateArg {
    /// Parses the option, for clap. Range and hourly number have no default: an option that leaves
    /// one out is refused.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let did = parts.next().unwrap_or_default();
        let did = did.parse().map_err(|error: registry_core::id::IdError| error.to_string())?;
        let (mut entries, mut per_hour, mut until) = (None, None, None);
        for part in parts {
            let known = match part.split_once('=') {
                Some(("entries", value)) => entries.replace(value).is_none(),
                Some(("per-hour", value)) => per_hour.replace(value).is_none(),
                Some(("until", value)) => until.replace(value).is_none(),
                _ => false,
            };
            if !known {
                return Err(format!("{part:?} is unknown or given twice; write {DELEGATE_FORM}"));
            }
        }
        let missing = |what: &str| format!("{what} is missing; write {DELEGATE_FORM}");
        let entries = match entries.ok_or_else(|| missing("entries="))? {
            "all" => None,
            range => Some(stretch(range)?),
        };
        let per_hour = number_per_hour(per_hour.ok_or_else(|| missing("per-hour="))?)?;
        Ok(Self { did, entries, per_hour, valid_until: until.map(time_ms).transpose()? })
    }

    /// Returns the delegate of a list that has `length` entries.
    fn of_list(self, length: u64) -> Delegate {
        let Self { did, entries, per_hour, valid_until } = self;
        let (start, length) = match entries {
            Some((first, last)) => (first, last.saturating_sub(first).saturating_add(1)),
            None => (0, length),
        };
        Delegate { did, start, length, entries_per_hour: per_hour, valid_until }
    }
}

fn number_per_hour(text: &str) -> Result<u64, String> {
    let most = STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX;
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("per-hour={text} must be a number from 1 to {most}")),
    }
}

/// Returns the delegates of a list that has `length` entries, in the ascending order that
/// operations need.
pub(super) fn delegates(args: Vec<DelegateArg>, length: u64) -> Vec<Delegate> {
    let mut delegates: Vec<_> = args.into_iter().map(|arg| arg.of_list(length)).collect();
    delegates.sort_by(|one, other| one.did.cmp(&other.did));
    delegates
}

/// Fails if the ledger would refuse some of the entries because of the range or the hourly number
/// of the delegate. The command checks this itself because the entries may need several operations,
/// and the first of them would be committed before another is refused.
pub(super) fn check_delegate(delegate: &Delegate, runs: &[Run]) -> Result<(), Failure> {
    let Delegate { did, start, length, entries_per_hour, .. } = delegate;
    let refused = |code, detail| Err(Failure::known(&Refusal::new(code, "entries", detail)));
    if let Some(run) = runs.iter().find(|run| !delegate.covers(run)) {
        let (first, last) = (run.start, run.start.saturating_add(run.length).saturating_sub(1));
        let end = start.saturating_add(*length).saturating_sub(1);
        let detail =
            format!("{first}-{last} is not within the entries {start}-{end} that {did} may set");
        return refused(Code::StatusDelegateRange, detail);
    }
    let named = count(runs);
    if named > *entries_per_hour {
        let detail = format!("{named} entries, {did} may name {entries_per_hour} in an hour");
        return refused(Code::StatusDelegateQuota, detail);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::entries::runs;
    use super::*;

    const DID: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";

    fn of_100(options: &str) -> Result<Delegate, String> {
        DelegateArg::parse(&format!("{DID}{options}")).map(|arg| arg.of_list(100))
    }

    #[test]
    fn a_delegate_has_a_range_and_a_number_and_may_end() {
        let did = DID.parse::<Did>().expect("a DID");
        let (start, length, entries_per_hour, valid_until) = (10, 5, 7, None);
        let part = Delegate { did, start, length, entries_per_hour, valid_until };
        assert_eq!(of_100(",entries=10-14,per-hour=7"), Ok(part.clone()));
        let all = Delegate { start: 0, length: 100, ..part.clone() };
        assert_eq!(of_100(",per-hour=7,entries=all"), Ok(all));
        let ends = Delegate { valid_until: Some(1_795_248_000_000), ..part };
        assert_eq!(of_100(",entries=10-14,per-hour=7,until=2026-11-21T08:00:00Z"), Ok(ends));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (options, word) in [
            ("", "entries= is missing"),
            (",entries=all", "per-hour= is missing"),
            (",per-hour=7", "entries= is missing"),
            (",entries=all,per-hour=0", "per-hour=0"),
            (",entries=all,per-hour=8388609", "per-hour=8388609"),
            (",entries=all,per-hour=all", "per-hour=all"),
            (",entries=5-4,per-hour=7", "\"5-4\""),
            (",entries=,per-hour=7", "\"\""),
            (",entries=all,entries=1,per-hour=7", "\"entries=1\""),
            (",entries=all,per-hour=7,until=tomorrow", "\"tomorrow\""),
            (",entries=all,per-hour=7,more=1", "\"more=1\""),
            ("=2026-11-21T08:00:00Z", "aaaqeayeaudaocajbifqydiob4ibceqt="),
        ] {
            let error = of_100(options).expect_err(options);
            assert!(error.contains(word), "{options}: {error}");
        }
        assert!(DelegateArg::parse("did:web:x,entries=all,per-hour=7").is_err());
    }

    #[test]
    fn entries_that_the_ledger_would_refuse_are_not_sent() {
        let delegate = of_100(",entries=10-19,per-hour=4").expect("a delegate");
        let check = |stretches: &[(u64, u64)]| check_delegate(&delegate, &runs(stretches, 1, None));
        assert!(check(&[(10, 12), (19, 19)]).is_ok());
        for (stretches, code) in [
            (&[(9, 10)][..], "2075 STATUS_DELEGATE_RANGE"),
            (&[(10, 10), (19, 20)], "2075 STATUS_DELEGATE_RANGE"),
            (&[(10, 12), (15, 16)], "2076 STATUS_DELEGATE_QUOTA"),
        ] {
            let failure = check(stretches).expect_err(code);
            assert!(failure.to_string().contains(code), "{failure}");
        }
    }
}
