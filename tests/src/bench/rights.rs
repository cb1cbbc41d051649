//! Questions about rights on two nodes, one with few grants and one with many, compared with an
//! echo server with answers of equal size. Then the grant on which nearly all rights depend is
//! suspended.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use keys::Home;
use node::store::{Column, Read as _, RocksStore, StoreError};
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::limits::{OPERATION_BYTES_MAX, UNTIL_MS_MAX};
use registry_core::names::TrustKey;
use registry_core::record::Record;
use registry_core::trust::{Conditions, Parent, TrustGrant};
use serde::Deserialize;
use serde_json::json;

use super::fill::{Filled, Filler};
use super::http::{Connection, call, post};
use super::network::{Alone, commit};
use super::operations::Maker;
use super::process::memory_mib;
use super::report::Report;
use super::subject::Subject;
use super::{RightsArgs, echo};
use crate::cluster::Client;

/// Number of grants at the ends of chains on the node with few grants.
const FEW: u64 = 1_000;
/// Number of grants at the ends of chains for each grant that the authority makes directly.
const CHAINS_FOR_DIRECT: u64 = 10;
/// Number of bodies between the authority and an entity. A chain has one link more, the grant to
/// the entity.
const BODIES: u64 = 3;
/// Number of different entities to ask about, spread evenly over all entities.
const ASKED: u64 = 100_000;
/// Number of those entities to ask about after the suspension.
const ASKED_AFTER: usize = 1_000;
/// Number of the store's rows that are read at once.
const PAGE: usize = 10_000;
const ACTION: &str = "issue";
const YES: &str = r#""authorized":true"#;

/// Kind of right that an entity has.
#[derive(Clone, Copy)]
enum Way {
    Direct,
    Chain,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Chain => "chain of 4",
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Direct => "direct/diploma",
            Self::Chain => "chain/diploma",
        }
    }
}

/// Resource of the grants to the bodies.
const PATTERN: &str = "chain/*";

/// A trust framework. DID 0 is the authority, and the other DIDs are bodies in a chain below it.
/// The entities are no DIDs.
struct Framework {
    dids: Vec<Did>,
    /// Ids of the operations that make the grants to the bodies, from the top.
    made: Vec<Hash>,
    until_ms: u64,
    direct: u64,
    chains: u64,
}

impl Framework {
    /// `until_ms` is a block time, as Unix time in ms, up to which all operations are valid.
    fn new(maker: &Maker, chains: u64, until_ms: u64) -> Result<Self> {
        let dids = (0..=BODIES).map(|number| Ok(maker.create(number)?.0));
        let (dids, direct) = (dids.collect::<Result<_>>()?, chains.div_ceil(CHAINS_FOR_DIRECT));
        let mut own = Self { dids, made: Vec::new(), until_ms, direct, chains };
        for body in 0..BODIES {
            let made = own.grant(maker, body, (PATTERN, own.did(body + 1).to_string()))?.0;
            own.made.push(made);
        }
        Ok(own)
    }

    fn operations(&self) -> u64 {
        self.dids.len() as u64 + self.grants()
    }

    fn grants(&self) -> u64 {
        BODIES + self.direct + self.chains
    }

    /// Returns the operation with a number below [`Self::operations`]. Each operation has a greater
    /// number than those that it depends on.
    fn operation(&self, maker: &Maker, number: u64) -> Result<Vec<u8>> {
        let Some(grant) = number.checked_sub(self.dids.len() as u64) else {
            return Ok(maker.create(number)?.1);
        };
        let Some(entity) = grant.checked_sub(BODIES) else {
            let body = self.did(grant + 1).to_string();
            return Ok(self.grant(maker, grant, (PATTERN, body))?.1);
        };
        let (grantor, way, entity) = match entity.checked_sub(self.direct) {
            None => (0, Way::Direct, entity),
            Some(entity) => (BODIES, Way::Chain, entity),
        };
        Ok(self.grant(maker, grantor, (way.resource(), entity_id(entity)))?.1)
    }

    fn did(&self, number: u64) -> &Did {
        &self.dids[number as usize]
    }

    /// Returns id and envelope of a grant by the DID with number `grantor`. Its parent is the grant
    /// which that DID received, if it is not the authority.
    fn grant(
        &self,
        maker: &Maker,
        grantor: u64,
        (resource, entity): (&str, String),
    ) -> Result<(Hash, Vec<u8>)> {
        let beneath = if resource == PATTERN { BODIES - grantor } else { 0 };
        let max_depth = u8::try_from(beneath).ok().filter(|depth| *depth > 0);
        let conditions = Conditions { max_depth, ..Conditions::default() };
        let resource_above = PATTERN.parse()?;
        let parent = grantor.checked_sub(1).map(|above| Parent {
            resource: resource_above,
            grantor: self.did(above).clone(),
            made: self.made[above as usize],
        });
        let grant = TrustGrant { key: self.key(resource, &entity)?, parent, conditions };
        maker.grant(grantor, self.did(grantor).clone(), grant, self.until_ms)
    }

    fn key(&self, resource: &str, entity: &str) -> Result<TrustKey> {
        Ok(TrustKey {
            authority: self.did(0).clone(),
            action: ACTION.parse()?,
            resource: resource.parse()?,
            entity: entity.parse()?,
        })
    }

    /// Returns the key of the grant to the first body, on which all chains depend.
    fn top(&self) -> Result<TrustKey> {
        self.key(PATTERN, &self.did(1).to_string())
    }

    /// Returns the entities to ask about that have this kind of right.
    fn asked(&self, way: Way) -> impl Iterator<Item = String> {
        let count = match way {
            Way::Direct => self.direct,
            Way::Chain => self.chains,
        };
        (0..count).step_by((count / ASKED).max(1) as usize).map(entity_id)
    }

    /// Returns the questions as TRQP requests.
    fn queries(&self, way: Way) -> Vec<Vec<u8>> {
        let query = |entity| {
            json!({
                "entity_id": entity,
                "authority_id": self.did(0),
                "action": ACTION,
                "resource": way.resource(),
            })
        };
        self.asked(way).map(|entity| post("/authorization", &query(entity).to_string())).collect()
    }

    /// Returns the questions as JSON-RPC calls.
    fn calls(&self, way: Way) -> Vec<Vec<u8>> {
        let params = |entity| {
            json!({
                "entity": entity,
                "authority": self.did(0),
                "action": ACTION,
                "resource": way.resource(),
            })
        };
        let method = "trust_authorization";
        self.asked(way).map(|entity| call(method, &params(entity).to_string())).collect()
    }
}

fn entity_id(number: u64) -> String {
    format!("https://issuer-{number}.example")
}

/// A node with its trust framework.
struct Site {
    filler: Filler,
    filled: Filled,
    framework: Framework,
    node: Alone,
}

impl Site {
    async fn open(place: &Path, chains: u64) -> Result<Self> {
        let home = Home::new(place);
        let (filler, filled, framework) = tokio::task::block_in_place(|| {
            let filler = Filler::new(&home)?;
            let until_ms = filler.genesis.time.0 + UNTIL_MS_MAX / 2;
            let framework = Framework::new(&filler.maker, chains, until_ms)?;
            let operation = |number| framework.operation(&filler.maker, number);
            let filled = filler.fill(framework.operations(), operation)?;
            anyhow::Ok((filler, filled, framework))
        })?;
        let node = Alone::start(&home).await?;
        node.settled().await;
        Ok(Self { filler, filled, framework, node })
    }

    fn queries(&self, way: Way) -> Subject {
        let name = format!("POST /authorization, {}", way.name());
        Subject::new(name, self.node.at(), self.framework.queries(way), YES)
    }

    fn calls(&self, way: Way) -> Subject {
        let name = format!("trust_authorization, {}", way.name());
        Subject::new(name, self.node.at(), self.framework.calls(way), YES)
    }

    fn report(&self, report: &mut Report) {
        report.add("grants", self.framework.grants() as f64, "");
        report.add("grants by the authority itself", self.framework.direct as f64, "");
        report.add("load of grants", self.filled.per_second, "/s");
        report.add(
            "disk",
            self.filled.bytes as f64 / self.framework.operations() as f64,
            "bytes a grant",
        );
        report.add(
            "start of the node until it is ready",
            self.node.ready.as_secs_f64() * 1e3,
            "ms",
        );
    }
}

/// Suspends the grant to the first body and checks that entities at the ends of chains have lost
/// their right. Returns the height of the suspension.
async fn suspend(site: &Site, report: &mut Report) -> Result<u64> {
    let Site { filler, framework, .. } = site;
    let authority = framework.did(0).clone();
    let made = framework.made[0];
    let of = (framework.top()?, made);
    let envelope = filler.maker.suspend(0, authority, of, framework.until_ms)?;
    let queries = framework.queries(Way::Chain);
    let direct = framework.queries(Way::Direct);
    let client = Client::new(&format!("http://{}", site.node.address));
    let mut connection = Connection::open(&site.node.address).await?;
    let submitted = Instant::now();
    let height = commit(&client, &envelope).await?;
    let waited_ms = submitted.elapsed().as_secs_f64() * 1e3;
    let mut asked = 0;
    for query in queries.iter().step_by((queries.len() / ASKED_AFTER).max(1)) {
        expect(&mut connection, query, &[r#""authorized":false"#, r#""status":"suspended""#])
            .await?;
        asked += 1;
    }
    expect(&mut connection, &direct[0], &[YES]).await?;
    report.add("suspension above all chains: until its receipt", waited_ms, "ms");
    report.add("descendants asked after it, all suspended", f64::from(asked), "");
    Ok(height)
}

async fn expect(connection: &mut Connection, request: &[u8], parts: &[&str]) -> Result<()> {
    let body = connection.exchange(request).await?;
    match parts.iter().find(|part| !body.contains(**part)) {
        None => Ok(()),
        Some(part) => Err(anyhow!("answer without {part}: {body}")),
    }
}

/// Counts the records whose newest version was written at a height. That is all that the block
/// wrote, if no later block has operations.
fn written_at(store: &RocksStore, height: u64) -> Result<u64> {
    #[derive(Deserialize)]
    struct Head {
        record: Record,
    }
    let (mut from, mut written) = (Vec::new(), 0);
    loop {
        let rows = store.scan(Column::Heads, &from, &[u8::MAX], PAGE)?;
        let Some((last, _)) = rows.last() else { return Ok(written) };
        from = [&last[..], &[0]].concat();
        for (_, row) in &rows {
            let Head { record } =
                codec::decode_own(row, 2 * OPERATION_BYTES_MAX).map_err(StoreError::new)?;
            written += u64::from(record.height == height);
        }
    }
}

/// Compares the cost of a question on the node with many grants with that on the node with few.
fn compare(many: &Subject, few: &Subject, report: &mut Report) {
    let name = &many.name;
    let cpu = many.median(|run| run.1) / few.median(|run| run.1);
    let rate = few.median(|run| run.0.per_second) / many.median(|run| run.0.per_second);
    report.add(format!("{name}: CPU with few grants"), few.median(|run| run.1), "µs a request");
    report.add(format!("**{name}: CPU over that with few grants**"), cpu, "times");
    report.add(format!("**{name}: time over that with few grants**"), rate, "times");
}

pub(super) async fn run(args: RightsArgs) -> Result<Report> {
    let place = tempfile::tempdir_in(&args.place.dir)?;
    let few = Site::open(&place.path().join("few"), FEW.min(args.grants)).await?;
    let many = Site::open(&place.path().join("many"), args.grants).await?;
    let mut report = Report::default();
    many.report(&mut report);
    report.add_load();
    let (queries, mut connection) =
        (many.framework.queries(Way::Direct), Connection::open(&many.node.address).await?);
    let bytes = connection.exchange(&queries[0]).await?.len();
    report.add("answer", bytes as f64, "bytes");
    let (echo, echo_address) = echo::start(bytes).await?;
    let asked = vec![call("net_peers", "{}")];
    let mut floor =
        Subject::new("floor: JSON-RPC echo", (&*echo_address, echo.id()), asked, "xxxx");
    let ways = [Way::Direct, Way::Chain];
    let mut pairs = ways.map(|way| (many.queries(way), few.queries(way)));
    let mut calls = ways.map(|way| many.calls(way));
    let load = args.serving.load();
    for _ in 0..args.serving.repeat {
        floor.run(load).await?;
        for (many, few) in &mut pairs {
            many.run(load).await?;
            few.run(load).await?;
        }
        for subject in &mut calls {
            subject.run(load).await?;
        }
    }
    floor.report(&mut report);
    for (many, few) in &pairs {
        many.compare(&floor, &mut report);
        compare(many, few, &mut report);
    }
    for subject in &calls {
        subject.compare(&floor, &mut report);
    }
    let memory = |field| memory_mib(many.node.process.id(), field);
    report.add("memory of the validator", memory("VmRSS"), "MiB");
    report.add("memory of the validator, greatest", memory("VmHWM"), "MiB");
    let height = suspend(&many, &mut report).await?;
    few.node.process.stop().await?;
    many.node.process.stop().await?;
    echo.stop().await?;
    let written = tokio::task::block_in_place(|| written_at(&many.filler.open()?, height))?;
    report.add("**record versions that the suspension wrote**", written as f64, "");
    Ok(report)
}
