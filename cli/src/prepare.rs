//! Preparation of operations. The command line reads the records from a node, checks that each is
//! whole, and builds the operation by itself, so it need not trust what a node computes.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::governance::ScheduledChanges;
use registry_core::record::RecordKey;
use registry_core::time::TimeMs;
use registry_state::state::ApplyError;
use rpc::limits::RECORDS_READ_MAX;
use rpc::prepare::client::{Fetched, Missing, Preparation};
use rpc::prepare::{Draft, PrepareError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Chain, Client, object};
use super::did::random_salt;
use super::exit::Failure;

const METHOD: &str = "ledger_getRecords";

/// Answer of `ledger_getRecords`.
#[derive(Debug, Deserialize)]
struct Stored {
    height: u64,
    time: TimeMs,
    entries: Vec<Option<Bytes>>,
}

/// The member of the answer of `governance_show` that is needed here.
#[derive(Debug, Deserialize)]
struct Rules {
    agenda: Vec<Scheduled>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scheduled {
    activation_height: u64,
    proposal: Hash,
}

/// Prepares an operation from the parameters of a prepare method, over the newest records of a
/// node. Asks the node again as long as the preparation wants to read further records.
pub(super) async fn prepare(
    client: &Client,
    chain: &Chain,
    method: &str,
    params: Map<String, Value>,
) -> Result<Draft, Failure> {
    let preparation =
        Preparation::of(method, params).map_err(|error| Failure::usage(error.to_string()))?;
    let salt = random_salt()?;
    let mut fetched = Fetched::default();
    let mut missing = preparation.records_needed();
    loop {
        for missing in &missing {
            if *missing == Missing::ScheduledChanges {
                fetched.add_scheduled(scheduled(client).await?);
            }
        }
        let keys = missing.into_iter().filter_map(|missing| match missing {
            Missing::Record(key) => Some(key),
            Missing::ScheduledChanges => None,
        });
        fetch(client, &mut fetched, &keys.collect::<Vec<_>>()).await?;
        let ledger = fetched.ledger(&chain.network, chain.chain_id, salt);
        let prepared = preparation.prepare(&ledger);
        missing = fetched.take_missing();
        if missing.is_empty() {
            return prepared.map_err(|error| failure(client, error));
        }
    }
}

/// Fetches the newest versions of records, and the newest block that the node shows with them.
async fn fetch(client: &Client, fetched: &mut Fetched, keys: &[RecordKey]) -> Result<(), Failure> {
    for keys in keys.chunks(RECORDS_READ_MAX) {
        let answer: Stored = client.call(METHOD, object(json!({ "records": keys }))).await?;
        if answer.entries.len() != keys.len() {
            let (actual, expected) = (answer.entries.len(), keys.len());
            let reason = format!("{actual} entries for {expected} records");
            return Err(client.unreadable(METHOD, reason));
        }
        for (key, entry) in keys.iter().zip(&answer.entries) {
            let entry = entry.as_ref().map(|bytes| client.entry(METHOD, key, bytes)).transpose()?;
            fetched.add(key.clone(), entry);
        }
        fetched.set_block(answer.height, answer.time.0);
    }
    Ok(())
}

async fn scheduled(client: &Client) -> Result<ScheduledChanges, Failure> {
    let Rules { agenda } = client.call("governance_show", Map::new()).await?;
    let scheduled = agenda.into_iter().map(|change| (change.activation_height, change.proposal));
    Ok(ScheduledChanges(scheduled.collect()))
}

fn failure(client: &Client, error: PrepareError) -> Failure {
    match error {
        PrepareError::Apply(ApplyError::Refused(refusal)) => Failure::known(&refusal),
        PrepareError::Apply(error) => client.unreadable(METHOD, error),
        PrepareError::Params { field, detail } => Failure::usage(format!("{field}: {detail}")),
    }
}
