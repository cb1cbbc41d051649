//! Makes an operation of an action. All preparations share this step.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::limits::HOUR_MS;
use registry_core::operation::{Action, Covers, Deadline, Guard, Operation, Role, operation_id};
use registry_core::record::RecordView;
use registry_core::time::TimeMs;
use registry_state::rules::guard::needed;
use registry_state::rules::{By, check_body};
use registry_state::state::ApplyError;

use super::PrepareError;
use super::ledger::{LedgerView, Party};
use super::signers::{Signers, Subject, needs};
use crate::clock::{millis, time_ms};
use crate::limits::{STATUS_SET_UNTIL_DEFAULT_MS, UNGUARDED_UNTIL_DEFAULT_MS, UNTIL_DEFAULT_MS};

/// Salt of an operation, as parameters give it. Without one, the operation gets a random salt.
pub type Salt = Option<FixedBytes<16>>;

/// Members of an operation that the parameters of any action may give.
pub(super) struct Chosen {
    pub(super) salt: Salt,
    /// DID that vouches for the author; `None` if the author writes by its own right.
    pub(super) endorser: Option<Did>,
    /// Last block time at which the operation may be applied; `None` for the default.
    pub(super) until: Option<TimeMs>,
    /// Guard of the operation; `None` for the one that fits the newest records.
    pub(super) guard: Option<Guard>,
}

/// Declares the parameters of an action. Behind their own fields they have those that operations of
/// all actions have. `unendorsed` is for actions that take no endorser.
macro_rules! parameters {
    (@declare $(#[$about:meta])* $name:ident $(<$kind:ident>)?, { $($own:tt)* }, $endorser:expr,
        { $($endorsed:tt)* }) => {
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $(#[$about])*
        pub struct $name $(<$kind>)? {
            $($own)*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub salt: crate::prepare::Salt,
            $($endorsed)*
            /// Last block time at which the operation may be applied. Where the action needs one
            /// and none is given, the preparation chooses it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub until: Option<registry_core::time::TimeMs>,
        }

        impl $(<$kind>)? $name $(<$kind>)? {
            fn chosen(&self) -> crate::prepare::form::Chosen {
                let endorser: fn(&Self) -> Option<registry_core::id::Did> = $endorser;
                let (salt, until) = (self.salt, self.until);
                let (endorser, guard) = (endorser(self), None);
                crate::prepare::form::Chosen { salt, endorser, until, guard }
            }
        }
    };
    (unendorsed $(#[$about:meta])* $name:ident $(<$kind:ident>)? { $($own:tt)* }) => {
        parameters!(@declare $(#[$about])* $name $(<$kind>)?, { $($own)* }, |_| None, {});
    };
    ($(#[$about:meta])* $name:ident $(<$kind:ident>)? { $($own:tt)* }) => {
        parameters!(@declare $(#[$about])* $name $(<$kind>)?, { $($own)* },
            |own| own.endorser.clone(),
            {
                /// DID that vouches for the author and signs too, if the author has no right to
                /// write.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub endorser: Option<registry_core::id::Did>,
            });
    };
}
pub(super) use parameters;

/// An operation that has passed the rules which need no state.
pub(super) struct Form {
    pub(super) operation: Operation,
    pub(super) id: Hash,
    body: Vec<u8>,
    signers: Vec<Signers>,
}

/// An operation that the next block would apply once `signers` have signed it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Operation that the parameters describe.
    pub operation: Operation,
    /// Operation id.
    pub id: Hash,
    /// Canonical bytes of the operation.
    pub body: Vec<u8>,
    /// Record that the operation changes, as a client names it.
    pub subject: Subject,
    /// Sets of signers that are needed. If several belong to one DID, one of them is enough.
    pub signers: Vec<Signers>,
    /// Effect of the operation in words, for the person who signs.
    pub explanation: String,
}

/// Returns the guard that an operation with this action needs over the records of `view`. If there
/// is nothing that the guard could name, it names the operation zero; the rule of the action then
/// says what is missing.
pub fn guard(
    view: &dyn RecordView,
    action: &Action,
    author: Option<&Did>,
) -> Result<Guard, ApplyError> {
    if action.facts().covers == Covers::NoRecord {
        return Ok(Guard::Absent);
    }
    // Only the keys of records that do not exist yet depend on the operation's id.
    let key = action.record_key(author, &Hash::ZERO)?;
    Ok(needed(view, action, author, &key)?.unwrap_or(Guard::Operation(Hash::ZERO)))
}

impl LedgerView<'_> {
    /// Makes the operation of an action that `signers` sign, and its endorser if one is chosen.
    /// Checks the rules that need no state, and that the endorser can sign now.
    pub(super) fn form(
        &self,
        author: Option<Did>,
        chosen: Chosen,
        action: Action,
        mut signers: Vec<Signers>,
    ) -> Result<Form, ApplyError> {
        let Chosen { salt, endorser, until, guard: given } = chosen;
        let (salt, until) = (salt.unwrap_or(self.salt), time_ms(until));
        let guard = match given {
            Some(given) => given,
            None => guard(self.view(), &action, author.as_ref())?,
        };
        let chain = self.chain;
        let mut operation = Operation { chain, author, endorser, guard, until, salt, action };
        operation.until = self.until(&operation)?;
        check_body(&operation, self.network)?;
        let body = operation.body();
        let (actual, limit) = (body.len(), operation.action.facts().bytes_max);
        if actual > limit {
            let detail = format!("{actual} bytes before signatures, at most {limit} are allowed");
            return Err(Refusal::new(Code::OperationTooLarge, "body", detail).into());
        }
        if let Some(endorser) = &operation.endorser {
            signers.push(self.party(endorser, "endorser")?.endorsing(self.time_ms)?);
        }
        Ok(Form { id: operation_id(&body), operation, body, signers })
    }

    /// Makes the operation of an action that the author's methods or control set sign. A DID that
    /// the action binds must consent, as the table says.
    pub(super) fn form_by(
        &self,
        author: &Party,
        chosen: Chosen,
        action: Action,
    ) -> Result<Form, ApplyError> {
        let role = action.facts().role.unwrap_or(Role::Author);
        let signers = author.signers(self.time_ms, role);
        let mut form = self.form(Some(author.did.clone()), chosen, action, signers)?;
        if form.operation.action.is_by_control() {
            form.signers.retain(|signers| !signers.are_methods());
        }
        if let Some(agent) = form.operation.action.consents() {
            let agent = self.party(agent, "agent")?;
            form.signers.extend(agent.signers(self.time_ms, Role::Consent));
        }
        Ok(form)
    }

    /// Returns the last block time of an operation: the one that was given, or the default if the
    /// operation needs one. Fails if the next block would refuse it as past or as too far ahead.
    fn until(&self, operation: &Operation) -> Result<Option<u64>, ApplyError> {
        let deadline = operation.deadline();
        let Some(until_ms) = operation.until else {
            let default_ms = default_ms(deadline, &operation.guard);
            return Ok(default_ms.map(|default_ms| self.time_ms.saturating_add(default_ms)));
        };
        let (time, until) = (millis(self.time_ms), millis(until_ms));
        if until_ms < self.time_ms {
            let detail = format!("until {until}, the newest block is of {time}");
            return Err(Refusal::new(Code::UntilPassed, "until", detail).into());
        }
        match deadline.window_ms() {
            Some(window_ms) if until_ms > self.last_time_ms()?.saturating_add(window_ms) => {
                let hours = window_ms / HOUR_MS;
                let newest = format!("the newest block of {time}");
                let detail = format!("until {until} is over {hours} h after {newest}");
                Err(Refusal::new(Code::UntilTooFar, "until", detail).into())
            }
            Some(_) | None => Ok(Some(until_ms)),
        }
    }
}

/// Returns how long after the newest block an operation may be applied if the caller does not say;
/// `None` if such an operation needs no end.
fn default_ms(deadline: Deadline, guard: &Guard) -> Option<u64> {
    match deadline {
        Deadline::Free | Deadline::Bounded => None,
        Deadline::OnceWithinAnHour => Some(STATUS_SET_UNTIL_DEFAULT_MS),
        Deadline::Once if *guard == Guard::Nothing => Some(UNGUARDED_UNTIL_DEFAULT_MS),
        Deadline::Once => Some(UNTIL_DEFAULT_MS),
    }
}

/// Returns the guard of a void of what this operation made; `None` if the caller names none. Fails
/// if the caller names one and does not void it.
pub(super) fn voided(operation: Option<Hash>, void: bool) -> Result<Option<Guard>, PrepareError> {
    if operation.is_some() && !void {
        let detail = "only a void names the operation that made what it is about; add void";
        return Err(PrepareError::Params { field: "operation", detail });
    }
    Ok(operation.map(Guard::Operation))
}

/// Adds to the words of an action that it also voids what it ends.
pub(super) fn voiding(what: String, void: bool) -> String {
    match void {
        true => format!("{what}, and declares for ever that it never was"),
        false => what,
    }
}

impl Form {
    /// Returns the author of the operation with the block time, in the form that rules take.
    pub(super) fn by<'b>(&self, ledger: &LedgerView<'b>, author: &'b Party) -> By<'b> {
        By { voids: self.operation.voids(), ..ledger.by(author, self.id) }
    }

    /// Asks no methods to sign, because the ledger would refuse what they say.
    pub(super) fn without_methods(mut self) -> Self {
        self.signers.retain(|signers| !signers.are_methods());
        self
    }

    /// `what` is a sentence, without its full stop, that says what the operation does. The
    /// explanation adds who signs, and until when the operation may be applied.
    pub(super) fn draft(self, subject: Subject, what: &str) -> Draft {
        let Self { operation, id, body, signers } = self;
        let mut explanation = format!("{what}. {}", needs(&signers));
        if let Some(until_ms) = operation.until {
            explanation += &format!(" It can be applied until {}.", millis(until_ms));
        }
        Draft { operation, id, body, subject, signers, explanation }
    }
}
