//! Submission of operations, receipts, blocks and the status of the node.

use std::sync::Arc;
use std::time::Duration;

use registry_core::block::{Block, Header, Receipt};
use registry_core::certificate::Certificate;
use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::governance::PROTOCOL_VERSION;
use registry_core::id::NetworkName;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{SignedOperation, operation_id};
use registry_core::record::{RecordKey, RecordView as _, StoreError};
use registry_state::rules::{Checked, check_stateless, envelope_id};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::clock::{millis, now_ms};
use crate::endorsement::Endorsement;
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    BLOCK_PAGE_BYTES_MAX, BLOCK_PAGE_MAX, RECORDS_READ_MAX, SUBMIT_WAIT_MS_MAX, SUBMIT_WAITS_MAX,
};
use crate::reads::{AsOf, Moment, Reads};
use crate::service::{Outcome, Problem, Role, Round, ValidatorStatus};
use crate::status::publisher::Publisher;
use crate::view::Signer as _;

/// Parameters of `ledger_submit`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitParams {
    envelope: Bytes,
}

/// Parameters of `ledger_submitAndWait`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubmitAndWaitParams {
    envelope: Bytes,
    #[serde(default)]
    timeout_ms: Option<u64>,
}

/// Parameters of `ledger_getReceipt`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptParams {
    operation: Hash,
}

/// Parameters of `ledger_getBlock`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BlockParams {
    #[serde(default)]
    height: Option<u64>,
    /// Index of the first operation of the page within the block.
    #[serde(default)]
    from: usize,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `ledger_getRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordsParams {
    records: Vec<RecordKey>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// The newest versions of some records, all as of one block.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoredRecords {
    /// Canonical encoding of each entry, in the order of the question; `null` for a record that
    /// does not exist.
    entries: Vec<Option<Bytes>>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// An operation that the mempool has admitted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Admitted {
    operation: Hash,
    envelope: Hash,
    status: &'static str,
}

/// An operation in a certified block.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Committed {
    operation: Hash,
    height: u64,
    receipt: Receipt,
    certificate: Option<Certificate>,
}

/// Outcome of an operation, as `ledger_getReceipt` answers it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum ReceiptStatus {
    Applied {
        operation: Hash,
        height: u64,
        receipt: Receipt,
        certificate: Option<Certificate>,
    },
    Pending {
        operation: Hash,
    },
    Refused {
        operation: Hash,
        code: u16,
        name: &'static str,
        field: String,
        detail: String,
        hint: &'static str,
    },
    Unknown {
        operation: Hash,
    },
}

/// A committed block without its operations.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockSummary {
    height: u64,
    hash: Hash,
    time: String,
    header: Header,
    operations_count: usize,
    certificate: Option<Certificate>,
}

/// A committed block with a page of its operations.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockPage {
    #[serde(flatten)]
    summary: BlockSummary,
    operations: Vec<BlockOperation>,
    /// Value of `from` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
}

/// Ids and envelope of one operation in a block.
#[derive(Debug, Clone, Serialize)]
struct BlockOperation {
    operation: Hash,
    envelope: Hash,
    bytes: Bytes,
}

/// Answer of `ledger_status`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeStatusJson {
    network: NetworkName,
    chain_id: Hash,
    version: String,
    protocol_version: u64,
    role: Role,
    height: u64,
    hash: Hash,
    time: String,
    state_root: Hash,
    /// Wall clock minus the time of the newest block, in milliseconds; 0 if the block is in this
    /// clock's future.
    age_ms: u64,
    catching_up: bool,
    target_height: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<Round>,
    validators: Vec<ValidatorStatus>,
    peers: usize,
    mempool: MempoolJson,
    /// DID URL of the verification method under which the node signs status views.
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    /// Reason why the node signs no status views.
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher_problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

#[derive(Debug, Clone, Serialize)]
struct MempoolJson {
    operations: usize,
    bytes: usize,
}

/// Submits operations, and reads receipts, blocks and the status of the node.
pub(crate) struct Ledger {
    reads: Arc<Reads>,
    endorsement: Arc<Endorsement>,
    /// Permits for submissions that wait for their outcome.
    waits: Semaphore,
}

impl Ledger {
    pub(crate) fn new(reads: Arc<Reads>, endorsement: Arc<Endorsement>) -> Self {
        Self { reads, endorsement, waits: Semaphore::new(SUBMIT_WAITS_MAX) }
    }

    fn check(&self, envelope: &Bytes) -> Result<Arc<Checked>, Refusal> {
        check_stateless(&envelope.0, self.reads.node.chain(), self.reads.node.network())
            .map(Arc::new)
    }

    /// Answers `ledger_submit` as soon as the mempool admits the operation. An operation that was
    /// applied before is refused with `ALREADY_APPLIED`. Without this check the caller would learn
    /// only that the guard is stale.
    pub(crate) async fn submit(&self, params: SubmitParams) -> Result<Admitted, ApiError> {
        let checked = self.check(&params.envelope)?;
        let (operation, envelope) = (checked.id(), checked.envelope_id());
        if let Outcome::Applied(receipt) = self.reads.node.outcome(&operation)? {
            let detail = format!("operation {operation} is applied at height {}", receipt.height);
            return Err(Refusal::new(Code::AlreadyApplied, "guard", detail).into());
        }
        let submitted = self.reads.node.submit(Arc::clone(&checked)).await;
        let facts = Some(checked.operation().action.facts());
        submitted.map_err(|error| self.endorsement.naming_endorsers(error.into(), facts))?;
        Ok(Admitted { operation, envelope, status: "pending" })
    }

    /// Answers `ledger_submitAndWait` as soon as the operation is in a certified block. If the
    /// operation was applied before, the answer is its receipt.
    pub(crate) async fn submit_and_wait(
        &self,
        params: SubmitAndWaitParams,
    ) -> Result<Committed, ApiError> {
        let timeout_ms = params.timeout_ms.unwrap_or(SUBMIT_WAIT_MS_MAX);
        if timeout_ms > SUBMIT_WAIT_MS_MAX {
            let detail = format!("timeoutMs {timeout_ms} must be at most {SUBMIT_WAIT_MS_MAX}");
            return Err(ApiError::params("timeoutMs", detail));
        }
        let busy = || ApiError::node(NodeCode::Busy, "too many submissions wait for a block");
        let _wait = self.waits.try_acquire().map_err(|_| busy())?;
        let checked = self.check(&params.envelope)?;
        let operation = checked.id();
        let settled = async {
            let applied = || match self.reads.node.outcome(&operation) {
                Ok(known @ Outcome::Applied(_)) => Ok(Some(known)),
                other => other.map(|_| None),
            };
            if let Some(known) = applied()? {
                return Ok(known);
            }
            let submitted = self.reads.node.submit(Arc::clone(&checked)).await;
            // If the operation was committed after the first lookup, the submission fails because
            // its guard is stale.
            if submitted.is_err()
                && let Some(known) = applied()?
            {
                return Ok(known);
            }
            submitted?;
            Ok::<_, ApiError>(self.reads.node.settled(operation).await?)
        };
        match tokio::time::timeout(Duration::from_millis(timeout_ms), settled).await {
            Ok(outcome) => {
                let committed = match outcome {
                    Ok(outcome) => self.committed(operation, outcome).await,
                    Err(error) => Err(error),
                };
                let facts = Some(checked.operation().action.facts());
                committed.map_err(|error| self.endorsement.naming_endorsers(error, facts))
            }
            Err(_) => {
                let detail = format!(
                    "operation {operation} is still pending after {timeout_ms} ms; ask \
                     ledger_getReceipt for it"
                );
                Err(ApiError::node(NodeCode::Timeout, detail))
            }
        }
    }

    async fn committed(&self, operation: Hash, outcome: Outcome) -> Result<Committed, ApiError> {
        match outcome {
            Outcome::Applied(receipt) => {
                // The store may have the receipt a moment before the head shows its block. Wait for
                // the head, so that the caller's next read sees the write.
                self.reads.head_from(Some(receipt.height)).await?;
                let (height, certificate) = self.certified(&receipt)?;
                Ok(Committed { operation, height, receipt, certificate })
            }
            Outcome::Refused(refusal) => Err(refusal.into()),
            Outcome::Pending | Outcome::Unknown => {
                let detail = format!("operation {operation} left the mempool");
                Err(ApiError::node(NodeCode::OperationLost, detail))
            }
        }
    }

    fn certified(&self, receipt: &Receipt) -> Result<(u64, Option<Certificate>), ApiError> {
        Ok((receipt.height, self.reads.node.certificate(receipt.height)?))
    }

    /// Answers `ledger_getReceipt`.
    pub(crate) fn receipt(&self, params: &ReceiptParams) -> Result<ReceiptStatus, ApiError> {
        let operation = params.operation;
        Ok(match self.reads.node.outcome(&operation)? {
            Outcome::Applied(receipt) => {
                let (height, certificate) = self.certified(&receipt)?;
                ReceiptStatus::Applied { operation, height, receipt, certificate }
            }
            Outcome::Pending => ReceiptStatus::Pending { operation },
            Outcome::Refused(Refusal { code, field, detail }) => ReceiptStatus::Refused {
                operation,
                code: code.number(),
                name: code.name(),
                field,
                detail,
                hint: code.hint(),
            },
            Outcome::Unknown => ReceiptStatus::Unknown { operation },
        })
    }

    /// Answers `ledger_getRecords`.
    pub(crate) async fn records(&self, params: RecordsParams) -> Result<StoredRecords, ApiError> {
        let count = params.records.len();
        if count > RECORDS_READ_MAX {
            let detail = format!("{count} records, at most {RECORDS_READ_MAX} are read at once");
            return Err(ApiError::params("records", detail));
        }
        let moment = Moment::now(self.reads.head_from(params.min_height).await?);
        let view = self.reads.at(&moment);
        let entries = params
            .records
            .iter()
            .map(|key| Ok(view.entry(key)?.map(|entry| Bytes(codec::encode(&entry)))));
        let entries = entries.collect::<Result<_, StoreError>>()?;
        Ok(StoredRecords { entries, as_of: moment.as_of() })
    }

    /// Answers `ledger_getBlock`.
    pub(crate) async fn block(&self, params: BlockParams) -> Result<BlockPage, ApiError> {
        let head = self.reads.head_from(params.min_height).await?;
        let height = params.height.unwrap_or(head.height);
        let absent = || {
            let detail = format!("height {height}, the newest is {}", head.height);
            ApiError::node(NodeCode::BlockNotFound, detail)
        };
        let (summary, block) = self.summary(height)?.ok_or_else(absent)?;
        let mut operations = Vec::new();
        let mut bytes = 0;
        for envelope in block.operations.iter().skip(params.from).take(BLOCK_PAGE_MAX) {
            bytes += envelope.0.len();
            if bytes > BLOCK_PAGE_BYTES_MAX && !operations.is_empty() {
                break;
            }
            operations.push(block_operation(envelope)?);
        }
        let end = params.from.saturating_add(operations.len());
        let next = (end < block.operations.len()).then_some(end);
        Ok(BlockPage { summary, operations, next })
    }

    /// Reads a committed block and its summary. Returns `None` if this node does not have the
    /// block.
    pub(crate) fn summary(&self, height: u64) -> Result<Option<(BlockSummary, Block)>, ApiError> {
        if height > self.reads.head().height {
            return Ok(None);
        }
        let Some(block) = self.reads.node.block(height)? else { return Ok(None) };
        let summary = BlockSummary {
            height,
            hash: block.header.hash(),
            time: millis(block.header.time),
            header: block.header.clone(),
            operations_count: block.operations.len(),
            certificate: self.reads.node.certificate(height)?,
        };
        Ok(Some((summary, block)))
    }

    /// Answers `ledger_status`.
    pub(crate) fn status(&self) -> NodeStatusJson {
        let (head, status) = (self.reads.head(), self.reads.node.status());
        let (publisher, publisher_problem) = match Publisher::of(&*self.reads.node, head.time_ms) {
            Ok(publisher) => (Some(publisher.method().to_owned()), None),
            Err(reason) => (None, Some(reason.to_string())),
        };
        NodeStatusJson {
            network: self.reads.node.network().clone(),
            chain_id: self.reads.node.chain(),
            version: status.version,
            protocol_version: PROTOCOL_VERSION,
            role: status.role,
            height: head.height,
            hash: head.hash,
            time: millis(head.time_ms),
            state_root: head.state_root,
            age_ms: now_ms().saturating_sub(head.time_ms),
            catching_up: status.catching_up,
            target_height: status.target_height,
            round: status.round,
            validators: status.validators,
            peers: self.reads.node.peers().len(),
            mempool: MempoolJson {
                operations: status.mempool_operations,
                bytes: status.mempool_bytes,
            },
            publisher,
            publisher_problem,
            problem: status.problem,
        }
    }
}

fn block_operation(bytes: &Bytes) -> Result<BlockOperation, ApiError> {
    let envelope: SignedOperation =
        codec::decode(&bytes.0, OPERATION_BYTES_MAX).map_err(StoreError::new)?;
    Ok(BlockOperation {
        operation: operation_id(&envelope.body.0),
        envelope: envelope_id(&bytes.0),
        bytes: bytes.clone(),
    })
}
