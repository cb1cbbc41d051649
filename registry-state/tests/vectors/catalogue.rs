//! All vectors by name, and the functions that turn a case into a vector.

use std::collections::BTreeMap;

use registry_core::code::Code;
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::operation::Action;

use crate::format::{
    Applied, Attempt, BlockCase, Body, DocumentRefused, EncodingCase, EncodingType, Expect,
    GenesisCase, IdentifierCase, IdentifierType, OperationCase, Refused, Vector,
};
use crate::read;
use crate::support::ledger::{GENESIS_MS, Ledger, Start};
use crate::support::{chain, network};

/// An action with the kinds of guards that it takes.
pub(crate) type Guarded = (Action, &'static [&'static str]);

/// Expected content of the vector files.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) valid: BTreeMap<String, Vector>,
    pub(crate) invalid: BTreeMap<String, Vector>,
    /// Names of cases that should apply but do not.
    problems: Vec<String>,
}

impl Catalogue {
    pub(crate) fn whole() -> Self {
        let mut catalogue = Self::default();
        crate::case_encodings::add(&mut catalogue);
        crate::case_values::add(&mut catalogue);
        crate::case_signatures::add(&mut catalogue);
        crate::case_sets::add(&mut catalogue);
        crate::case_operations::add(&mut catalogue);
        crate::case_blocks::add(&mut catalogue);
        crate::case_cost::add(&mut catalogue);
        crate::case_guards::add(&mut catalogue);
        crate::case_juniors::add(&mut catalogue);
        crate::case_marks::add(&mut catalogue);
        crate::case_members::add(&mut catalogue);
        crate::case_recoveries::add(&mut catalogue);
        crate::case_documents::add(&mut catalogue);
        crate::case_authors::add(&mut catalogue);
        crate::case_status::add(&mut catalogue);
        crate::case_trust::add(&mut catalogue);
        crate::case_agents::add(&mut catalogue);
        crate::case_endorsement::add(&mut catalogue);
        crate::case_governance::add(&mut catalogue);
        crate::case_schemas::add(&mut catalogue);
        crate::case_voids::add(&mut catalogue);
        assert!(catalogue.problems.is_empty(), "refused: {:#?}", catalogue.problems);
        catalogue
    }

    fn add(&mut self, name: &str, rule: &str, body: Body) {
        let files = if read::is_valid(&body) { &mut self.valid } else { &mut self.invalid };
        let vector = Vector { rule: rule.to_owned(), body };
        assert_eq!(files.insert(name.to_owned(), vector), None, "{name} is there already");
    }

    /// Adds an envelope that is refused by a check without state.
    pub(crate) fn refused(&mut self, name: &str, rule: &str, code: Code, envelope: &[u8]) {
        self.add(name, rule, alone(envelope, refusal(code, None)));
    }

    /// Adds an envelope that is refused for its document.
    pub(crate) fn refused_document(
        &mut self,
        name: &str,
        rule: &str,
        document: DocumentRefused,
        envelope: &[u8],
    ) {
        let expect = refusal(Code::DocumentInvalid, Some(document));
        self.add(name, rule, alone(envelope, expect));
    }

    /// Adds an envelope that is refused by a check of the state.
    pub(crate) fn refused_at(&mut self, name: &str, rule: &str, code: Code, at: &At<'_>) {
        self.add(name, rule, at.body(refusal(code, None)));
    }

    /// Adds an envelope that no valid block has at this place, and that a later block may have.
    pub(crate) fn waits_at(&mut self, name: &str, rule: &str, at: &At<'_>) {
        self.add(name, rule, at.body(Expect::Waits));
    }

    /// Adds an envelope that applies. The implementation computes the hashes in the file.
    pub(crate) fn applied_at(&mut self, name: &str, rule: &str, at: &At<'_>) {
        let unknown = Expect::Applied(Box::new(Applied {
            operation: Hash::ZERO,
            envelope: Hash::ZERO,
            did: None,
            list: None,
            schema: None,
            version: 0,
            record: Hash::ZERO,
            value: Hash::ZERO,
            parts: Vec::new(),
            operations_root: Hash::ZERO,
            receipts_root: Hash::ZERO,
            state_root: Hash::ZERO,
            history_root: Hash::ZERO,
            block: Hash::ZERO,
        }));
        let vector = Vector { rule: rule.to_owned(), body: at.body(unknown) };
        let outcome = read::outcome(&vector);
        if let Body::Operation(case) = &outcome
            && !matches!(case.expect, Expect::Applied(_))
        {
            self.problems.push(format!("{name}: {:?}", case.expect));
        } else {
            self.add(name, rule, outcome);
        }
    }

    /// Adds an envelope that applies in the first block of an empty chain.
    pub(crate) fn applied(&mut self, name: &str, rule: &str, envelope: Vec<u8>) {
        let ledger = Ledger::new();
        self.applied_at(name, rule, &At::new(&ledger, 1_000, envelope));
    }

    pub(crate) fn encoding(
        &mut self,
        name: &str,
        rule: &str,
        of: EncodingType,
        bytes: &[u8],
        accepted: bool,
    ) {
        let bytes = registry_core::codec::hex(bytes);
        let case = Body::Encoding(EncodingCase { of, bytes, accepted, hash: None });
        let vector = Vector { rule: rule.to_owned(), body: case };
        let outcome = read::outcome(&vector);
        assert_eq!(read::is_valid(&outcome), accepted, "{name}");
        self.add(name, rule, outcome);
    }

    pub(crate) fn identifiers(
        &mut self,
        name: &str,
        rule: &str,
        of: IdentifierType,
        accepted: bool,
        texts: &[&str],
    ) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.add(name, rule, Body::Identifier(IdentifierCase { of, accepted, texts }));
    }

    pub(crate) fn other(&mut self, name: &str, rule: &str, body: Body) {
        self.add(name, rule, body);
    }
}

fn refusal(code: Code, document: Option<DocumentRefused>) -> Expect {
    Expect::Refused(Refused { code: code.number(), name: code.name().to_owned(), document })
}

fn alone(envelope: &[u8], expect: Expect) -> Body {
    let operation = Bytes(envelope.to_vec());
    Body::Operation(Box::new(OperationCase {
        network: network(),
        chain: chain(),
        genesis: None,
        blocks: Vec::new(),
        case: Attempt { time_ms: None, before: Vec::new(), operation },
        expect,
    }))
}

/// An envelope in the block that comes `gap_ms` milliseconds after the ledger's last one.
pub(crate) struct At<'a> {
    ledger: &'a Ledger,
    pub(crate) gap_ms: u64,
    before: Vec<Vec<u8>>,
    envelope: Vec<u8>,
}

impl<'a> At<'a> {
    pub(crate) fn new(ledger: &'a Ledger, gap_ms: u64, envelope: Vec<u8>) -> Self {
        Self { ledger, gap_ms, before: Vec::new(), envelope }
    }

    /// Puts another envelope before it into the block.
    pub(crate) fn following(mut self, envelope: Vec<u8>) -> Self {
        self.before.push(envelope);
        self
    }

    fn body(&self, expect: Expect) -> Body {
        let all = |envelopes: &[Vec<u8>]| envelopes.iter().cloned().map(Bytes).collect();
        let blocks = self.ledger.blocks.iter();
        let blocks = blocks
            .map(|(time_ms, envelopes)| BlockCase { time_ms: *time_ms, operations: all(envelopes) })
            .collect();
        let Start { parameters, validators, governors } = self.ledger.genesis.clone();
        let genesis = GenesisCase {
            time_ms: GENESIS_MS,
            validators,
            parameters,
            governors,
            operations: all(&self.ledger.genesis_operations),
        };
        let case = Attempt {
            time_ms: Some(self.ledger.head.time + self.gap_ms),
            before: all(&self.before),
            operation: Bytes(self.envelope.clone()),
        };
        Body::Operation(Box::new(OperationCase {
            network: network(),
            chain: chain(),
            genesis: Some(genesis),
            blocks,
            case,
            expect,
        }))
    }
}

/// Returns a document with one key, like that of a new DID.
pub(crate) fn document() -> Document {
    crate::case_documents::plain()
}
