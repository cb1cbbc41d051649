//! Refusal codes: stable numbers that clients may rely on (docs/protocol/codes.md lists them all).
//! A code from 1000 to 1999 means that the operation is wrong by itself. A code from 2000 to 2999
//! means that the state does not allow it.

use std::fmt;

/// Declares each code once, with its number, its name and the hint for callers.
macro_rules! codes {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $number:literal, $name:literal, $hint:literal;
    )+) => {
        /// Reason why an operation is refused. The meaning of a number never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// All codes, ascending by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable number.
            pub fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Returns the stable name, in capitals.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns advice on what a caller can do about the refusal.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

codes! {
    /// The envelope has more bytes than its action may have.
    OperationTooLarge = 1001, "OPERATION_TOO_LARGE", "send fewer methods, services or entries";
    /// The bytes are not the canonical encoding of an operation, or a member is missing or of
    /// another type.
    OperationMalformed = 1002, "OPERATION_MALFORMED",
        "encode with deterministic DAG-CBOR, with all members and types of operations.md";
    /// The operation was made for another network, or for genesis.
    ChainMismatch = 1003, "CHAIN_MISMATCH", "sign for the chain id that ledger_status shows";
    /// The envelope has more than 16 signatures, or none although its action needs one.
    SignatureCount = 1004, "SIGNATURE_COUNT",
        "send between 1 and 16 signatures (none only to complete a recovery)";
    /// The signatures are not strictly ascending, or a key signs twice in one role.
    SignatureOrder = 1005, "SIGNATURE_ORDER",
        "sort signatures by role and signer, and send one of each key in each role";
    /// A signature does not have 64 bytes.
    SignatureLength = 1006, "SIGNATURE_LENGTH", "send the 64-byte form, not DER";
    /// An ECDSA signature has an S in the upper half of the group order.
    SignatureHighS = 1007, "SIGNATURE_HIGH_S", "normalise S to the lower half of the group order";
    /// A signature does not verify.
    SignatureInvalid = 1008, "SIGNATURE_INVALID",
        "sign H(context, role, operation id) with the named key";
    /// A signature has a role that the action does not use.
    SignatureRole = 1009, "SIGNATURE_ROLE", "see the table of roles for the action";
    /// The author is missing, is given although the action has none, or is not the authority that a
    /// recognition is made by.
    AuthorMismatch = 1010, "AUTHOR_MISMATCH",
        "name the DID as author, and none for a did_create or validator_ready";
    /// The action does not accept this kind of guard.
    GuardKind = 1011, "GUARD_KIND",
        "the table of actions in operations.md says which guard each action takes; prepare the \
         operation again";
    /// A public key is no point that can verify a signature.
    KeyUnusable = 1012, "KEY_UNUSABLE", "use a valid point of Ed25519, P-256 or secp256k1";
    /// A control, next or recovery set breaks its rules.
    ControlInvalid = 1013, "CONTROL_INVALID",
        "1 to 16 distinct ascending members, not the DID itself, threshold within them";
    /// A recovery delay is out of bounds.
    RecoveryDelay = 1014, "RECOVERY_DELAY",
        "choose a delay between the network's minimum and 90 days";
    /// A DID belongs to another network.
    NetworkMismatch = 1015, "NETWORK_MISMATCH", "use DIDs of this network";
    /// The document breaks a rule; the detail names the path and the rule.
    DocumentInvalid = 1016, "DOCUMENT_INVALID", "mend the named path of the document";
    /// The operation has a member that its type does not have.
    FieldUnknown = 1017, "FIELD_UNKNOWN", "leave the member out, or use the version that knows it";
    /// A DID, DID URL or another identifier breaks its syntax.
    IdentifierMalformed = 1018, "IDENTIFIER_MALFORMED", "spell it as the rule says";
    /// The purpose of the status list does not allow this number of bits for each entry.
    StatusWidth = 1019, "STATUS_WIDTH", "1 bit an entry; for the purpose message 1, 2, 4 or 8";
    /// The status list has no entries, or its array is over the limit.
    StatusLength = 1020, "STATUS_LENGTH",
        "choose a length from 1, with length times bits at most 8388608; or make several lists";
    /// The status list cannot be published at the given URI.
    StatusUri = 1021, "STATUS_URI", "an https or http URI without userinfo, query and fragment";
    /// Validity, delegates or messages of a status list break their rules.
    StatusInvalid = 1022, "STATUS_INVALID", "mend the named field of the list";
    /// The changes of entries are malformed: empty, too many, not ascending, overlapping or badly
    /// encoded.
    StatusChanges = 1023, "STATUS_CHANGES",
        "1 to 4096 runs, ascending, not overlapping; or 1 to 32768 ascending indexes in LEB128";
    /// Validity, depth or terms of a grant or recognition break their rules.
    TrustConditions = 1024, "TRUST_CONDITIONS", "mend the named field of the conditions";
    /// The authority's own grant names a parent, or another grantor's grant names none.
    TrustParent = 1025, "TRUST_PARENT",
        "name your own grant as parent, and none if you are the authority";
    /// Actions, resources, validity or depth of a delegation break their rules.
    AgentTerms = 1026, "AGENT_TERMS", "mend the named field of the delegation";
    /// Another party that the action binds has not signed.
    ConsentMissing = 1027, "CONSENT_MISSING",
        "add a signature of role consent by a method of the named DID, or by its control set";
    /// A proposed change is empty or malformed.
    GovernanceChange = 1028, "GOVERNANCE_CHANGE", "mend the named place of the change";
    /// The content of a schema or the name of its credential type breaks its rules.
    SchemaInvalid = 1029, "SCHEMA_INVALID", "mend what the detail names, and publish again";
    /// The name or a requirement of a credential type breaks its rules.
    CredentialTypeInvalid = 1030, "CREDENTIAL_TYPE_INVALID",
        "mend the named field of the credential type";
    /// The body names an endorser that it may not name, or somebody signed in role endorser who is
    /// not the DID that the body names, or who did not sign by a verification method.
    EndorserInvalid = 1031, "ENDORSER_INVALID",
        "name one DID other than the author as endorser where the action takes one, and let that \
         DID sign once by a method of its document";
    /// The operation could be applied twice, since it names no last block time.
    UntilMissing = 1032, "UNTIL_MISSING",
        "name until, a block time at most 30 days ahead (an hour for a status_set)";
    /// The marks that a rotation or recovery lists break their rules.
    MarksInvalid = 1034, "MARKS_INVALID",
        "list at most 256 marks, each key once in its one spelling and ascending, with a time in \
         whole seconds";
    /// A method signs a void, which only the control set of the author can sign.
    VoidNeedsControl = 1035, "VOID_NEEDS_CONTROL",
        "sign in role control with the control set of the author, or revoke without void";
    /// The endorser that the body names has not signed.
    EndorserMissing = 1036, "ENDORSER_MISSING",
        "add a signature of role endorser by a method of the DID that the body names";
    /// A revealed member of a next set is a DID.
    RevealNotKey = 1037, "REVEAL_NOT_KEY",
        "reveal keys only; each member of a board commits to a key of its own";
    /// What the operation makes exists already: the record, or the author's grant in it.
    AlreadyExists = 2001, "ALREADY_EXISTS",
        "use what is there; to replace a grant, recognition, delegation or credential type, \
         prepare the operation again, so that its guard names it";
    /// What the guard covers changed since the operation was made.
    GuardStale = 2002, "GUARD_STALE",
        "read the record again, prepare the operation again and sign it";
    /// The DID does not exist.
    DidNotFound = 2003, "DID_NOT_FOUND", "create the DID first";
    /// The DID is deactivated for ever.
    DidDeactivated = 2004, "DID_DEACTIVATED", "use another DID";
    /// A signer is not a member of the set that the action needs.
    SignerNotMember = 2005, "SIGNER_NOT_MEMBER",
        "sign with keys of the DID's present set, and name the member DID that a key signs for";
    /// Fewer members of the set signed than its threshold requires.
    ThresholdNotMet = 2006, "THRESHOLD_NOT_MET",
        "collect signatures of as many members as the threshold says";
    /// A revealed key matches none of the commitments.
    NextNotCommitted = 2007, "NEXT_NOT_COMMITTED",
        "reveal only keys to which the next set commits";
    /// A recovery is already pending, and a DID can have only one.
    RecoveryPending = 2008, "RECOVERY_PENDING", "cancel or complete the pending recovery first";
    /// There is no pending recovery to cancel or complete.
    RecoveryNotPending = 2009, "RECOVERY_NOT_PENDING", "start a recovery first";
    /// The recovery delay has not passed, so the recovery cannot be completed yet.
    RecoveryNotMature = 2010, "RECOVERY_NOT_MATURE", "wait until maturesAt";
    /// The recovery delay has passed, so the recovery can no longer be vetoed.
    RecoveryMature = 2011, "RECOVERY_MATURE", "complete the recovery";
    /// The DID has no recovery set.
    RecoveryNotConfigured = 2012, "RECOVERY_NOT_CONFIGURED",
        "name a recovery set in a create or rotate";
    /// The last veto was less than one recovery delay ago.
    RecoveryTooSoon = 2013, "RECOVERY_TOO_SOON", "wait for one delay after the veto";
    /// The DID has used up its quota of such operations for this day.
    QuotaExceeded = 2014, "QUOTA_EXCEEDED", "wait for the next day (UTC)";
    /// The same operation was applied before.
    AlreadyApplied = 2016, "ALREADY_APPLIED", "ask for its receipt";
    /// Block time is later than the operation's `until`.
    UntilPassed = 2017, "UNTIL_PASSED", "sign again with a later until";
    /// The operation's `until` is further ahead of block time than the action allows.
    UntilTooFar = 2018, "UNTIL_TOO_FAR",
        "choose an until within the next 30 days, within the next hour for a status_set";
    /// A member DID of a new DID does not exist or is deactivated.
    MemberNotFound = 2019, "MEMBER_NOT_FOUND", "name only live DIDs of this network as members";
    /// The author's document has no such method with this key.
    MethodNotFound = 2020, "METHOD_NOT_FOUND",
        "sign with a method of the author's present document, by the key that it holds now";
    /// The document does not list the method among those that sign operations.
    MethodNotAuthorised = 2021, "METHOD_NOT_AUTHORISED",
        "sign with a method that the document lists under capabilityInvocation";
    /// The method is not valid yet, expired or revoked at block time.
    MethodNotValid = 2022, "METHOD_NOT_VALID", "sign with a method that is valid now";
    /// A method signed for an author that other DIDs control.
    ControlRequired = 2023, "CONTROL_REQUIRED",
        "sign in role control with keys that meet the threshold of the author's control set";
    /// The status list does not exist.
    StatusNotFound = 2024, "STATUS_NOT_FOUND", "create the list first";
    /// The author is not the list's issuer. For `status_set` it is not one of the delegates either.
    StatusNotAllowed = 2025, "STATUS_NOT_ALLOWED",
        "let the issuer sign, or be named a delegate of the list";
    /// The author was a delegate of the list, but its delegation has ended.
    StatusDelegateExpired = 2026, "STATUS_DELEGATE_EXPIRED",
        "let the issuer renew the delegation by a status_update";
    /// The status list is closed and can no longer change.
    StatusClosed = 2027, "STATUS_CLOSED", "use another list";
    /// The operation names an entry that the list does not have.
    StatusRange = 2028, "STATUS_RANGE", "name entries below the list's length";
    /// A value does not fit the bits of an entry.
    StatusValue = 2029, "STATUS_VALUE", "name values below two to the power of the list's bits";
    /// An entry of a revocation list would be cleared.
    StatusIrreversible = 2030, "STATUS_IRREVERSIBLE",
        "a revocation is final; issue a new credential";
    /// An entry does not hold the value that the run expects.
    StatusUnexpected = 2031, "STATUS_UNEXPECTED", "read the entries again";
    /// The author has no such grant, recognition or root.
    TrustNotFound = 2032, "TRUST_NOT_FOUND",
        "name what the author has: trust_list shows its grants and recognitions, trust_roots its \
         roots";
    /// The author has already granted this right to the entity.
    TrustExists = 2033, "TRUST_EXISTS", "change, suspend or resume the grant that is there";
    /// Three grantors besides the authority have already granted this right to the entity.
    TrustFull = 2034, "TRUST_FULL",
        "have one of them revoke its grant, or the authority grant";
    /// The author does not hold the grant that it names as parent.
    TrustParentNotFound = 2035, "TRUST_PARENT_NOT_FOUND",
        "name the resource and the grantor of a grant that you hold";
    /// A grant of the author's own chain is suspended, revoked or outside its window, or a DID of
    /// the chain is deactivated.
    TrustParentNotLive = 2036, "TRUST_PARENT_NOT_LIVE",
        "let the grantor of the named link mend it; trust_explain shows the chain";
    /// More grants follow below a grant of the chain than that grant allows.
    TrustDepth = 2037, "TRUST_DEPTH", "have the depth of the named grant raised";
    /// The grant has a wider resource or window, or a higher assurance, than the grantor holds.
    TrustBeyondParent = 2038, "TRUST_BEYOND_PARENT", "grant no more than you hold";
    /// The entity already stands on the chain above the grant.
    TrustCycle = 2039, "TRUST_CYCLE", "grant to another than those the right comes from";
    /// The grant or recognition does not have the status that the action needs.
    TrustStatus = 2040, "TRUST_STATUS", "read its status again";
    /// The DID is no agent.
    AgentNotFound = 2041, "AGENT_NOT_FOUND",
        "name an agent to which a delegation was made, for a void also the operation that made it";
    /// Another principal answers for the agent.
    AgentBound = 2042, "AGENT_BOUND",
        "have the present delegation revoked, or make a DID of its own for this work";
    /// A delegation above is suspended, revoked or outside its window, or a DID of the chain is
    /// deactivated.
    AgentChain = 2043, "AGENT_CHAIN",
        "let the principal of the named link mend it; agent_verify shows the chain";
    /// More delegations follow below a delegation of the chain than that delegation allows.
    AgentDepth = 2044, "AGENT_DEPTH", "have the depth of the named delegation raised";
    /// The delegation has wider actions, resources or a wider window than the principal has.
    AgentBeyondPrincipal = 2045, "AGENT_BEYOND_PRINCIPAL", "delegate no more than you have";
    /// The agent already stands on the chain above the delegation.
    AgentCycle = 2046, "AGENT_CYCLE", "delegate to another than those who answer for you";
    /// The delegation does not have the status that the action needs.
    AgentStatus = 2047, "AGENT_STATUS", "read its status again";
    /// The author is not above the agent in its chain.
    AgentNotAllowed = 2048, "AGENT_NOT_ALLOWED",
        "let a principal of the agent sign; what one further up suspended, that one resumes";
    /// The network has no governors.
    GovernanceNone = 2049, "GOVERNANCE_NONE", "start a network whose genesis names governors";
    /// The author is no governor.
    NotGovernor = 2050, "NOT_GOVERNOR", "let a governor sign; governance_show names them";
    /// The proposal does not exist.
    ProposalNotFound = 2051, "PROPOSAL_NOT_FOUND",
        "name the id of the operation that made the proposal";
    /// The proposal took effect, was cancelled, or its notice is over, so that nobody can approve
    /// it or withdraw an approval.
    ProposalClosed = 2052, "PROPOSAL_CLOSED", "propose the change anew";
    /// The governor has already approved the proposal.
    ApprovedAlready = 2053, "APPROVED_ALREADY", "collect approvals of other governors";
    /// The governor has not approved the proposal.
    NotApproved = 2054, "NOT_APPROVED", "withdraw only what you approved";
    /// The height is too near or too far.
    ActivationHeight = 2055, "ACTIVATION_HEIGHT",
        "choose a height 10 to 1000000 above the present";
    /// Applied to what holds now, the change breaks a rule or changes nothing.
    GovernanceResult = 2056, "GOVERNANCE_RESULT", "read what holds now and propose again";
    /// A third of the voting power or more would change hands at once.
    PowerMoved = 2057, "POWER_MOVED", "change the validators in several steps";
    /// As many approved changes are waiting as the limit allows.
    AgendaFull = 2058, "AGENDA_FULL", "wait for one of them, or have its approval withdrawn";
    /// Fewer live governors would be left than must approve a change.
    GovernorsTooFew = 2059, "GOVERNORS_TOO_FEW",
        "name more governors or a lower threshold first";
    /// No pending proposal waits for the key at this peer, or the key is a validator already.
    ReadyNotExpected = 2060, "READY_NOT_EXPECTED",
        "name a pending proposal that puts this key at this peer, or one of a version";
    /// The block named is not a recent block of this chain.
    ReadyBlock = 2061, "READY_BLOCK",
        "name a block of the last ten minutes, at least 2 below the present";
    /// The last readiness announcement of the key is less than a minute old.
    ReadyTooSoon = 2062, "READY_TOO_SOON", "wait for a minute";
    /// A new validator made no recent readiness announcement. The code cancels a change and refuses
    /// no operation.
    ValidatorNotReady = 2063, "VALIDATOR_NOT_READY",
        "start the newcomers' nodes, then propose the change anew";
    /// The network requires an endorsement, the author has no right to write, and the body names no
    /// endorser.
    EndorsementNeeded = 2064, "ENDORSEMENT_NEEDED",
        "prepare the operation again with an endorser; trust_explainWrite names those who can";
    /// The DID that the body names as endorser does not have the right to write.
    EndorserNotGranted = 2065, "ENDORSER_NOT_GRANTED",
        "prepare the operation again with another endorser; trust_explainWrite names those who can";
    /// The endorser, or the author by its own right, has used up one of its quotas for this hour.
    EndorserQuota = 2066, "ENDORSER_QUOTA",
        "wait for the next hour (UTC), prepare the operation again with another endorser, or sign \
         with the control set";
    /// The schema does not exist.
    SchemaNotFound = 2067, "SCHEMA_NOT_FOUND",
        "name a schema that was published, for a void also the operation that published it";
    /// The schema or credential type is withdrawn.
    SchemaStatus = 2068, "SCHEMA_STATUS", "read its status again; publish another schema";
    /// The author has published no such credential type.
    CredentialTypeNotFound = 2069, "CREDENTIAL_TYPE_NOT_FOUND",
        "name a type that the author published, for a void also the operation that did";
    /// Another DID published the schema.
    SchemaNotAllowed = 2070, "SCHEMA_NOT_ALLOWED", "let the publisher of the schema sign";
    /// An approved change that waits would break a rule behind this change.
    ScheduleBroken = 2071, "SCHEDULE_BROKEN",
        "name a later height, or have the approval of that change withdrawn first";
    /// Too little voting power announced that it speaks the new version. The code cancels a change
    /// and refuses no operation.
    VersionNotReady = 2072, "VERSION_NOT_READY",
        "install the new program on more validators, then propose the version anew";
    /// The governor cannot say this any more about the proposal: a method after what it or the
    /// control set said, or the control set after it has withdrawn.
    ApprovalFinal = 2073, "APPROVAL_FINAL",
        "let the control set of the governor sign, unless it has withdrawn; then propose the \
         change anew";
    /// A delegate sets an entry of a status list outside of its range.
    StatusDelegateRange = 2075, "STATUS_DELEGATE_RANGE",
        "name entries within your range, or have the issuer widen it by a status_update";
    /// The sets of a delegate name more entries in this hour than the issuer allows it.
    StatusDelegateQuota = 2076, "STATUS_DELEGATE_QUOTA",
        "name fewer entries, wait for the next hour (UTC), or let the issuer sign";
    /// The operation costs more than any operation may.
    OperationCost = 2077, "OPERATION_COST",
        "use fewer or cheaper signatures, name fewer entries, or have DIDs with many members \
         replace them";
    /// The live members of a new set cannot reach its threshold.
    SetUnreachable = 2079, "SET_UNREACHABLE",
        "name enough keys, and live DIDs that keys control; a pending recovery to such sets is \
         cancelled by the recovery set, or vetoed by a rotate";
    /// The author has granted under as many other authorities as there is room for.
    TrustRootsFull = 2080, "TRUST_ROOTS_FULL",
        "remove an authority that you no longer grant under by trust_forget_root, or grant from \
         another DID";
    /// The DID has as many marked keys as there is room for.
    MarksFull = 2081, "MARKS_FULL",
        "leave revoked methods out of the document, or rotate with a list of marks that replaces \
         the present one";
    /// What the operation voids was made more than 30 days ago.
    VoidTooLate = 2083, "VOID_TOO_LATE",
        "revoke or withdraw it without void: it ends now, and counts for the time before";
    /// What the operation voids is void already.
    VoidedAlready = 2084, "VOIDED_ALREADY", "a void is final, and nothing else is needed";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.name())
    }
}

/// A refused operation. The code is for machines and part of the protocol. Field and detail are for
/// people and may change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {field}: {detail}")]
pub struct Refusal {
    /// Code of the refusal.
    pub code: Code,
    /// Path of the offending field in the signed operation.
    pub field: String,
    /// Text that says what was found and what was expected.
    pub detail: String,
}

impl Refusal {
    /// Creates a refusal that names `field` and explains it with `detail`.
    pub fn new(code: Code, field: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { code, field: field.into(), detail: detail.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        let names: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
