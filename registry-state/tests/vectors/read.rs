//! Checks a vector against registry-core and registry-state. It knows the file format but nothing
//! of the generator.

use registry_core::agent::Delegation;
use registry_core::block::{Header, Receipt};
use registry_core::certificate::{Certificate, ValidatorSet};
use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, Bytes, CodecError};
use registry_core::crypto::{Hash, PublicKey, Purpose};
use registry_core::did::{Document, Marks, Member, NextSet, RecoveryPart, Sets};
use registry_core::governance::{self, Proposal, Publishing, Readiness, VALIDATORS, Validators};
use registry_core::id::{Did, ListId, MethodUrl, SchemaId, Suffix};
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::mmr::root_of;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation, SignedOperation, operation_id};
use registry_core::record::{Entry, Kind, Part, PartId, Record, Timed, Void};
use registry_core::schema::{CredentialType, Schema};
use registry_core::status::StatusList;
use registry_core::trust::{Grant, Recognition, Roots};
use registry_state::execution::{
    BlockError, BlockExecution, Execution, Genesis, execute, execute_genesis,
};
use registry_state::rules::{Checked, check_stateless, envelope_id};
use registry_state::state::{ApplyError, MemoryState, StateView as _};

use crate::format::{
    Applied, Attempt, Body, DocumentRefused, EncodingCase, EncodingType, Expect, GenesisCase,
    IdentifierCase, IdentifierType, OperationCase, RangeCase, Refused, Vector,
};

/// Returns what the registry makes of the vector's case, in the form of the file.
pub(crate) fn outcome(vector: &Vector) -> Body {
    match &vector.body {
        Body::Operation(case) => {
            let expect = operation_outcome(case);
            Body::Operation(Box::new(OperationCase { expect, ..(**case).clone() }))
        }
        Body::Encoding(case) => Body::Encoding(encoding_outcome(case)),
        Body::Identifier(case) => Body::Identifier(identifier_outcome(case)),
        Body::Range(case) => {
            let entries = 0..u8::try_from(case.roots.len()).expect("a short list");
            let roots = entries.map(|count| root_of((0..count).map(|entry| Hash([entry; 32]))));
            Body::Range(RangeCase { roots: roots.collect() })
        }
    }
}

/// Returns true if the file says that the case is valid.
pub(crate) fn is_valid(body: &Body) -> bool {
    match body {
        Body::Operation(case) => matches!(case.expect, Expect::Applied(_)),
        Body::Encoding(case) => case.accepted,
        Body::Identifier(case) => case.accepted,
        Body::Range(_) => true,
    }
}

fn operation_outcome(case: &OperationCase) -> Expect {
    let Some(genesis) = &case.genesis else {
        return match check_stateless(&case.case.operation.0, case.chain, &case.network) {
            Ok(_) => {
                Expect::Refused(Refused { code: 0, name: "NOT_REFUSED".into(), document: None })
            }
            Err(refusal) => Expect::Refused(refused(&refusal, &case.case.operation)),
        };
    };
    let mut chain = Chain::start(case, genesis);
    for block in &case.blocks {
        let result = chain.execute(block.time_ms, &block.operations);
        let execution = result.expect("the blocks before the case apply");
        chain.commit(execution);
    }
    let Attempt { time_ms, before, operation } = &case.case;
    let time_ms = time_ms.expect("a case with state has a time");
    chain.execute(time_ms, before).expect("what stands before the case applies");
    let operations: Vec<Bytes> = before.iter().chain([operation]).cloned().collect();
    match chain.execute(time_ms, &operations) {
        Err(error) => {
            chain.refuses_the_whole_block(time_ms, before, operation, &error);
            match error {
                ApplyError::Refused(refusal) => Expect::Refused(refused(&refusal, operation)),
                ApplyError::Full => Expect::Waits,
                ApplyError::Store(error) => panic!("{error}"),
            }
        }
        Ok(execution) => Expect::Applied(Box::new(applied(case, execution))),
    }
}

/// Chain that a file describes.
struct Chain<'a> {
    case: &'a OperationCase,
    state: MemoryState,
    head: Header,
}

impl<'a> Chain<'a> {
    fn start(case: &'a OperationCase, genesis: &GenesisCase) -> Self {
        let operations = genesis.operations.iter();
        let operations =
            operations.map(|bytes| check_stateless(&bytes.0, Hash::ZERO, &case.network));
        let description = Genesis {
            chain: case.chain,
            network: case.network.clone(),
            time_ms: genesis.time_ms,
            validators: genesis.validators.clone(),
            parameters: genesis.parameters.clone(),
            publishing: Publishing::default(),
            governors: genesis.governors.clone(),
            operations: operations.collect::<Result<_, _>>().expect("good genesis operations"),
        };
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &description).expect("a good genesis");
        state.commit(&execution.changes);
        Self { case, state, head: execution.header }
    }

    fn commit(&mut self, execution: Execution) {
        self.state.commit(&execution.changes);
        self.head = execution.header;
    }

    fn build(&self, time_ms: u64) -> BlockExecution<'_> {
        let validators = self.state.head(&governance::key(VALIDATORS)).expect("a sound store");
        let validators = validators.expect("a record").part_value::<Validators>(PartId::WHOLE);
        let validators = validators.expect("a set");
        let proposer = validators.validators[0].key;
        let network = self.case.network.clone();
        BlockExecution::new(&self.state, network, &self.head, time_ms, proposer)
            .expect("a sound store")
    }

    fn check(&self, bytes: &Bytes) -> Result<Checked, Refusal> {
        check_stateless(&bytes.0, self.case.chain, &self.case.network)
    }

    /// Builds a block, then checks it as another node does.
    fn execute(&self, time_ms: u64, operations: &[Bytes]) -> Result<Execution, ApplyError> {
        let mut block = self.build(time_ms);
        let mut all = Vec::new();
        for bytes in operations {
            let checked = self.check(bytes)?;
            block.apply(&checked)?;
            all.push(checked);
        }
        let built = block.finish().expect("a sound store");
        let network = self.case.network.clone();
        let executed = execute(&self.state, network, &self.head, &built.header, &all);
        assert_eq!(executed.as_ref(), Ok(&built), "builder and executor differ");
        Ok(built)
    }

    /// Checks that an operation which does not apply changes nothing, and that a block which
    /// contains it is not valid for the same reason.
    fn refuses_the_whole_block(
        &self,
        time_ms: u64,
        before: &[Bytes],
        operation: &Bytes,
        error: &ApplyError,
    ) {
        let clean = self.execute(time_ms, before).expect("applied a moment ago");
        let Ok(checked) = self.check(operation) else { return };
        let mut block = self.build(time_ms);
        let mut all: Vec<Checked> =
            before.iter().map(|bytes| self.check(bytes).expect("checked before")).collect();
        all.iter().for_each(|checked| block.apply(checked).expect("applied before"));
        assert_eq!(block.apply(&checked).as_ref(), Err(error));
        assert_eq!(block.finish().as_ref(), Ok(&clean), "a refused operation left a trace");
        all.push(checked);
        let network = self.case.network.clone();
        let executed = execute(&self.state, network, &self.head, &clean.header, &all);
        let index = before.len();
        let expected = match error.clone() {
            ApplyError::Refused(refusal) => BlockError::Operation { index, refusal },
            ApplyError::Full => BlockError::Full { index },
            ApplyError::Store(error) => BlockError::Store(error),
        };
        assert_eq!(executed, Err(expected));
    }
}

fn refused(refusal: &Refusal, envelope: &Bytes) -> Refused {
    let Refusal { code, .. } = refusal;
    let document = (*code == Code::DocumentInvalid).then(|| document_refused(envelope));
    Refused { code: code.number(), name: code.name().to_owned(), document }
}

fn document_refused(envelope: &Bytes) -> DocumentRefused {
    let envelope: SignedOperation = decode(&envelope.0).expect("decoded before");
    let operation: Operation = decode(&envelope.body.0).expect("decoded before");
    let document = match operation.action {
        Action::DidCreate(create) => create.document,
        Action::DidUpdate(update) => update.document,
        Action::DidRotate(rotate) => rotate.document.expect("refused for its document"),
        Action::DidRecover(recover) => recover.document,
        action => panic!("{action:?} has no document"),
    };
    let error = document.check().expect_err("refused before");
    let (code, name) = (error.code(), error.name().to_owned());
    DocumentRefused { path: error.path, code, name }
}

fn applied(case: &OperationCase, execution: Execution) -> Applied {
    let bytes = &case.case.operation.0;
    let checked = check_stateless(bytes, case.chain, &case.network).expect("applied before");
    let key = checked.record_key();
    let entry = execution.changes.entry(key).expect("the operation wrote its record").clone();
    check_value(&entry);
    let name = || -> [u8; 20] { key.key.0.as_slice().try_into().expect("20 bytes") };
    let (mut did, mut list, mut schema) = (None, None, None);
    match key.kind {
        Kind::Did => did = Some(Did { network: case.network.clone(), suffix: Suffix(name()) }),
        Kind::Status => list = Some(ListId(name())),
        Kind::Schema => schema = Some(SchemaId(name())),
        Kind::Grant
        | Kind::Delegation
        | Kind::Recognition
        | Kind::CredentialType
        | Kind::Proposal
        | Kind::Ready
        | Kind::Roots
        | Kind::Void => {}
        Kind::Governance => panic!("no operation writes a governance record"),
    }
    let header = &execution.header;
    Applied {
        operation: checked.id(),
        envelope: checked.envelope_id(),
        did,
        list,
        schema,
        version: entry.record.version,
        record: entry.record.hash(),
        value: entry.record.value,
        parts: entry.parts,
        operations_root: header.operations_root,
        receipts_root: header.receipts_root,
        state_root: header.state_root,
        history_root: header.history_root,
        block: header.hash(),
    }
}

/// Checks that the parts of a record are those that its hash commits to, and that each is the
/// canonical encoding of what it holds.
fn check_value(entry: &Entry) {
    assert!(entry.is_whole(), "{entry:?}");
    for part in &entry.parts {
        assert!(entry.record.kind.parts().contains(&part.id), "{part:?}");
        match entry.record.kind {
            Kind::Did if part.id == PartId::CONTROL => check::<Option<Sets>>(part),
            Kind::Did if part.id == PartId::RECOVERY => check_timed::<RecoveryPart>(part),
            Kind::Did if part.id == PartId::MARKS => check::<Marks>(part),
            Kind::Did => check::<Document>(part),
            Kind::Status if part.id == PartId::TERMS => check::<StatusList>(part),
            Kind::Status => check::<Hash>(part),
            Kind::Grant if part.id == PartId::RIGHT => check::<TrustKey>(part),
            Kind::Grant => check_timed::<Grant>(part),
            Kind::Delegation => check_timed::<Delegation>(part),
            Kind::Recognition => check_timed::<Recognition>(part),
            Kind::Schema => check_timed::<Schema>(part),
            Kind::CredentialType => check_timed::<CredentialType>(part),
            Kind::Proposal => check::<Proposal>(part),
            Kind::Ready => check_timed::<Readiness>(part),
            Kind::Roots => check::<Roots>(part),
            Kind::Void => check::<Void>(part),
            Kind::Governance => panic!("no operation writes a governance record"),
        }
    }
}

fn check<T>(part: &Part)
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let value = decode::<T>(&part.value.0).expect("a part of its type");
    assert_eq!(codec::encode(&value), part.value.0);
    assert!(part.times.is_empty(), "{part:?}");
}

fn check_timed<T: Timed>(part: &Part) {
    let value = part.timed::<T>().expect("a part of its type with its times");
    assert_eq!(codec::encode(&value), part.value.0);
    assert_eq!(value.times(), part.times);
}

fn decode<T>(bytes: &[u8]) -> Result<T, CodecError>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    codec::decode(bytes, OPERATION_BYTES_MAX)
}

fn encoding_outcome(case: &EncodingCase) -> EncodingCase {
    let bytes = data_encoding::HEXLOWER.decode(case.bytes.as_bytes()).expect("lower-case hex");
    let hash: Result<Option<Hash>, CodecError> = match case.of {
        EncodingType::Operation => decode::<Operation>(&bytes).map(|_| Some(operation_id(&bytes))),
        EncodingType::SignedOperation => {
            decode::<SignedOperation>(&bytes).map(|_| Some(envelope_id(&bytes)))
        }
        EncodingType::Member => decode::<Member>(&bytes).map(|member| match member {
            Member::Key(key) => Some(NextSet::commitment(&key)),
            Member::Did(_) => None,
        }),
        EncodingType::Record => decode::<Record>(&bytes).map(|record| Some(record.hash())),
        EncodingType::Control => decode::<Option<Sets>>(&bytes).map(|_| None),
        EncodingType::Recovery => decode::<RecoveryPart>(&bytes).map(|_| None),
        EncodingType::Marks => decode::<Marks>(&bytes).map(|_| None),
        EncodingType::StatusList => decode::<StatusList>(&bytes).map(|_| None),
        EncodingType::Right => decode::<TrustKey>(&bytes).map(|_| None),
        EncodingType::Grant => decode::<Grant>(&bytes).map(|_| None),
        EncodingType::Delegation => decode::<Delegation>(&bytes).map(|_| None),
        EncodingType::Recognition => decode::<Recognition>(&bytes).map(|_| None),
        EncodingType::Roots => decode::<Roots>(&bytes).map(|_| None),
        EncodingType::Void => decode::<Void>(&bytes).map(|_| None),
        EncodingType::Schema => decode::<Schema>(&bytes).map(|_| None),
        EncodingType::CredentialType => decode::<CredentialType>(&bytes).map(|_| None),
        EncodingType::Proposal => decode::<Proposal>(&bytes).map(|_| None),
        EncodingType::Readiness => decode::<Readiness>(&bytes).map(|_| None),
        EncodingType::Receipt => decode::<Receipt>(&bytes)
            .map(|receipt| Some(Hash::of_value(Purpose::ReceiptLeaf, &receipt))),
        EncodingType::Header => decode::<Header>(&bytes).map(|header| Some(header.hash())),
        EncodingType::ValidatorSet => decode::<ValidatorSet>(&bytes).map(|set| Some(set.hash())),
        EncodingType::Certificate => decode::<Certificate>(&bytes).map(|_| None),
    };
    let accepted = hash.is_ok();
    EncodingCase { accepted, hash: hash.ok().flatten(), ..case.clone() }
}

/// Checks all texts of a file, which share one verdict.
fn identifier_outcome(case: &IdentifierCase) -> IdentifierCase {
    let verdict = |text: &String| match case.of {
        IdentifierType::Did => text.parse::<Did>().is_ok_and(|did| did.to_string() == *text),
        IdentifierType::MethodUrl => text.parse::<MethodUrl>().is_ok(),
        IdentifierType::Multikey => {
            PublicKey::from_multikey(text).is_ok_and(|key| key.check().is_ok())
        }
    };
    let first = case.texts.first().is_some_and(verdict);
    for text in &case.texts {
        assert_eq!(verdict(text), first, "{text} differs from the first text of its file");
    }
    IdentifierCase { accepted: first, ..case.clone() }
}
